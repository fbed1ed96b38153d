/* SPDX-License-Identifier: Apache-2.0
 * The layout of the only public struct, asserted in C (layout.c) and in C++ (images.cpp): a change breaks every
 * program. */
#ifndef CATDOG_CAPI_LAYOUT_H
#define CATDOG_CAPI_LAYOUT_H

#include <stddef.h>

#include "catdog/catdog.h"

#ifdef __cplusplus
#define CATDOG_LAYOUT_ASSERT(name, condition) static_assert(condition, #name)
#else /* C99 has no static_assert. */
#define CATDOG_LAYOUT_ASSERT(name, condition) typedef char catdog_assert_##name[(condition) ? 1 : -1]
#endif

CATDOG_LAYOUT_ASSERT(data, offsetof(catdog_image, data) == 0);
#if UINTPTR_MAX == UINT64_MAX
CATDOG_LAYOUT_ASSERT(data_size, offsetof(catdog_image, data_size) == 8);
CATDOG_LAYOUT_ASSERT(row_stride, offsetof(catdog_image, row_stride) == 16);
CATDOG_LAYOUT_ASSERT(format, offsetof(catdog_image, format) == 24);
CATDOG_LAYOUT_ASSERT(width, offsetof(catdog_image, width) == 28);
CATDOG_LAYOUT_ASSERT(height, offsetof(catdog_image, height) == 32);
CATDOG_LAYOUT_ASSERT(flags, offsetof(catdog_image, flags) == 36);
CATDOG_LAYOUT_ASSERT(timeout_ms, offsetof(catdog_image, timeout_ms) == 40);
CATDOG_LAYOUT_ASSERT(rotation, offsetof(catdog_image, rotation) == 44);
CATDOG_LAYOUT_ASSERT(region_x, offsetof(catdog_image, region_x) == 48);
CATDOG_LAYOUT_ASSERT(region_y, offsetof(catdog_image, region_y) == 52);
CATDOG_LAYOUT_ASSERT(region_width, offsetof(catdog_image, region_width) == 56);
CATDOG_LAYOUT_ASSERT(region_height, offsetof(catdog_image, region_height) == 60);
CATDOG_LAYOUT_ASSERT(chroma, offsetof(catdog_image, chroma) == 64);
CATDOG_LAYOUT_ASSERT(chroma_size, offsetof(catdog_image, chroma_size) == 80);
CATDOG_LAYOUT_ASSERT(chroma_stride, offsetof(catdog_image, chroma_stride) == 96);
CATDOG_LAYOUT_ASSERT(reserved, offsetof(catdog_image, reserved) == 112);
CATDOG_LAYOUT_ASSERT(size, sizeof(catdog_image) == 128);
#endif
CATDOG_LAYOUT_ASSERT(status_is_32_bit, sizeof(catdog_status) == 4);

/* abidiff does not see the numbers of constants. Statuses: status.cpp. */
CATDOG_LAYOUT_ASSERT(option_threads_number, CATDOG_OPTION_THREADS == 10);
CATDOG_LAYOUT_ASSERT(option_self_test_number, CATDOG_OPTION_SELF_TEST == 11);
CATDOG_LAYOUT_ASSERT(option_verify_weights_number, CATDOG_OPTION_VERIFY_WEIGHTS == 13);
CATDOG_LAYOUT_ASSERT(option_max_encoded_bytes_number, CATDOG_OPTION_MAX_ENCODED_BYTES == 20);
CATDOG_LAYOUT_ASSERT(option_max_pixels_number, CATDOG_OPTION_MAX_PIXELS == 21);
CATDOG_LAYOUT_ASSERT(option_max_side_number, CATDOG_OPTION_MAX_SIDE == 22);
CATDOG_LAYOUT_ASSERT(option_max_scans_number, CATDOG_OPTION_MAX_SCANS == 23);
CATDOG_LAYOUT_ASSERT(option_max_decode_bytes_number, CATDOG_OPTION_MAX_DECODE_BYTES == 24);
CATDOG_LAYOUT_ASSERT(option_timeout_ms_number, CATDOG_OPTION_TIMEOUT_MS == 30);
CATDOG_LAYOUT_ASSERT(option_abstain_below_number, CATDOG_OPTION_ABSTAIN_BELOW == 40);
CATDOG_LAYOUT_ASSERT(option_neither_above_number, CATDOG_OPTION_NEITHER_ABOVE == 41);
CATDOG_LAYOUT_ASSERT(option_min_precision_number, CATDOG_OPTION_MIN_PRECISION == 42);
CATDOG_LAYOUT_ASSERT(option_engine_number, CATDOG_OPTION_ENGINE == 50);
CATDOG_LAYOUT_ASSERT(option_precision_number, CATDOG_OPTION_PRECISION == 51);
CATDOG_LAYOUT_ASSERT(option_expected_sha256_number, CATDOG_OPTION_EXPECTED_SHA256 == 52);
CATDOG_LAYOUT_ASSERT(option_torch_plugin_number, CATDOG_OPTION_TORCH_PLUGIN == 53);
CATDOG_LAYOUT_ASSERT(option_trusted_key_number, CATDOG_OPTION_TRUSTED_KEY == 54);
CATDOG_LAYOUT_ASSERT(option_signature_number, CATDOG_OPTION_SIGNATURE == 55);
CATDOG_LAYOUT_ASSERT(log_debug_number, CATDOG_LOG_DEBUG == 10);
CATDOG_LAYOUT_ASSERT(log_info_number, CATDOG_LOG_INFO == 20);
CATDOG_LAYOUT_ASSERT(log_warning_number, CATDOG_LOG_WARNING == 30);
CATDOG_LAYOUT_ASSERT(log_error_number, CATDOG_LOG_ERROR == 40);
CATDOG_LAYOUT_ASSERT(info_model_name_number, CATDOG_INFO_MODEL_NAME == 10);
CATDOG_LAYOUT_ASSERT(info_model_version_number, CATDOG_INFO_MODEL_VERSION == 11);
CATDOG_LAYOUT_ASSERT(info_model_sha256_number, CATDOG_INFO_MODEL_SHA256 == 12);
CATDOG_LAYOUT_ASSERT(info_model_path_number, CATDOG_INFO_MODEL_PATH == 13);
CATDOG_LAYOUT_ASSERT(info_model_json_number, CATDOG_INFO_MODEL_JSON == 14);
CATDOG_LAYOUT_ASSERT(info_engine_number, CATDOG_INFO_ENGINE == 20);
CATDOG_LAYOUT_ASSERT(info_precision_number, CATDOG_INFO_PRECISION == 21);
CATDOG_LAYOUT_ASSERT(info_threads_number, CATDOG_INFO_THREADS == 30);
CATDOG_LAYOUT_ASSERT(info_input_width_number, CATDOG_INFO_INPUT_WIDTH == 31);
CATDOG_LAYOUT_ASSERT(info_input_height_number, CATDOG_INFO_INPUT_HEIGHT == 32);
CATDOG_LAYOUT_ASSERT(info_abstain_below_number, CATDOG_INFO_ABSTAIN_BELOW == 40);
CATDOG_LAYOUT_ASSERT(info_neither_above_number, CATDOG_INFO_NEITHER_ABOVE == 41);
CATDOG_LAYOUT_ASSERT(reason_none_number, CATDOG_REASON_NONE == 0);
CATDOG_LAYOUT_ASSERT(reason_label_number, CATDOG_REASON_LABEL == 10);
CATDOG_LAYOUT_ASSERT(reason_low_confidence_number, CATDOG_REASON_LOW_CONFIDENCE == 20);
CATDOG_LAYOUT_ASSERT(reason_neither_number, CATDOG_REASON_NEITHER == 30);
CATDOG_LAYOUT_ASSERT(format_encoded_number, CATDOG_FORMAT_ENCODED == 0);
CATDOG_LAYOUT_ASSERT(format_gray8_number, CATDOG_FORMAT_GRAY8 == 10);
CATDOG_LAYOUT_ASSERT(format_rgb8_number, CATDOG_FORMAT_RGB8 == 20);
CATDOG_LAYOUT_ASSERT(format_bgr8_number, CATDOG_FORMAT_BGR8 == 21);
CATDOG_LAYOUT_ASSERT(format_rgba8_number, CATDOG_FORMAT_RGBA8 == 30);
CATDOG_LAYOUT_ASSERT(format_bgra8_number, CATDOG_FORMAT_BGRA8 == 31);
CATDOG_LAYOUT_ASSERT(format_rgbx8_number, CATDOG_FORMAT_RGBX8 == 32);
CATDOG_LAYOUT_ASSERT(format_bgrx8_number, CATDOG_FORMAT_BGRX8 == 33);
CATDOG_LAYOUT_ASSERT(format_rgba8_premultiplied_number, CATDOG_FORMAT_RGBA8_PREMULTIPLIED == 34);
CATDOG_LAYOUT_ASSERT(format_bgra8_premultiplied_number, CATDOG_FORMAT_BGRA8_PREMULTIPLIED == 35);
CATDOG_LAYOUT_ASSERT(format_nv12_number, CATDOG_FORMAT_NV12 == 40);
CATDOG_LAYOUT_ASSERT(format_nv21_number, CATDOG_FORMAT_NV21 == 41);
CATDOG_LAYOUT_ASSERT(format_i420_number, CATDOG_FORMAT_I420 == 42);
CATDOG_LAYOUT_ASSERT(measure_read_ms_number, CATDOG_MEASURE_READ_MS == 10);
CATDOG_LAYOUT_ASSERT(measure_decode_ms_number, CATDOG_MEASURE_DECODE_MS == 11);
CATDOG_LAYOUT_ASSERT(measure_preprocess_ms_number, CATDOG_MEASURE_PREPROCESS_MS == 12);
CATDOG_LAYOUT_ASSERT(measure_infer_ms_number, CATDOG_MEASURE_INFER_MS == 13);
CATDOG_LAYOUT_ASSERT(measure_total_ms_number, CATDOG_MEASURE_TOTAL_MS == 19);
CATDOG_LAYOUT_ASSERT(measure_width_number, CATDOG_MEASURE_WIDTH == 30);
CATDOG_LAYOUT_ASSERT(measure_height_number, CATDOG_MEASURE_HEIGHT == 31);
CATDOG_LAYOUT_ASSERT(measure_neither_number, CATDOG_MEASURE_NEITHER == 40);
CATDOG_LAYOUT_ASSERT(measure_trust_number, CATDOG_MEASURE_TRUST == 41);

#endif /* CATDOG_CAPI_LAYOUT_H */
