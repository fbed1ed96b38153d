/* SPDX-License-Identifier: Apache-2.0
 * The binary interface as numbers: programs compiled against an earlier header have these built in. */
#include <stddef.h>

#include "catdog/catdog.h"

#define EXPECT(name, condition) typedef char expect_##name[(condition) ? 1 : -1]

EXPECT(ok, CATDOG_OK == 0);
EXPECT(arguments, CATDOG_ERROR_INVALID_ARGUMENT == 10 && CATDOG_ERROR_UNKNOWN_OPTION == 11);
EXPECT(files, CATDOG_ERROR_NOT_FOUND == 20 && CATDOG_ERROR_IO == 21);
EXPECT(images, CATDOG_ERROR_UNSUPPORTED == 30 && CATDOG_ERROR_CORRUPT == 31 && CATDOG_ERROR_LIMIT == 32);
EXPECT(models, CATDOG_ERROR_MODEL_FORMAT == 40 && CATDOG_ERROR_MODEL_VERSION == 41 &&
                   CATDOG_ERROR_MODEL_CHECKSUM == 42 && CATDOG_ERROR_MODEL_UNSUPPORTED == 43);
EXPECT(engines, CATDOG_ERROR_ENGINE_UNAVAILABLE == 50 && CATDOG_ERROR_ENGINE_FAILED == 51);
EXPECT(rest, CATDOG_ERROR_OUT_OF_MEMORY == 60 && CATDOG_ERROR_INTERNAL == 70);
EXPECT(options, CATDOG_OPTION_THREADS == 10 && CATDOG_OPTION_SELF_TEST == 11 && CATDOG_OPTION_VERIFY_WEIGHTS == 13 &&
                    CATDOG_OPTION_MAX_ENCODED_BYTES == 20 && CATDOG_OPTION_MAX_PIXELS == 21 &&
                    CATDOG_OPTION_MAX_SIDE == 22 && CATDOG_OPTION_MAX_SCANS == 23 &&
                    CATDOG_OPTION_MAX_DECODE_BYTES == 24 && CATDOG_OPTION_TIMEOUT_MS == 30 &&
                    CATDOG_OPTION_ABSTAIN_BELOW == 40 && CATDOG_OPTION_NEITHER_ABOVE == 41 &&
                    CATDOG_OPTION_MIN_PRECISION == 42 && CATDOG_OPTION_ENGINE == 50 && CATDOG_OPTION_PRECISION == 51 &&
                    CATDOG_OPTION_EXPECTED_SHA256 == 52 && CATDOG_OPTION_TORCH_PLUGIN == 53 &&
                    CATDOG_OPTION_TRUSTED_KEY == 54 && CATDOG_OPTION_SIGNATURE == 55);
EXPECT(log_levels,
       CATDOG_LOG_DEBUG == 10 && CATDOG_LOG_INFO == 20 && CATDOG_LOG_WARNING == 30 && CATDOG_LOG_ERROR == 40);
EXPECT(info, CATDOG_INFO_MODEL_NAME == 10 && CATDOG_INFO_MODEL_VERSION == 11 && CATDOG_INFO_MODEL_SHA256 == 12 &&
                 CATDOG_INFO_MODEL_PATH == 13 && CATDOG_INFO_MODEL_JSON == 14 && CATDOG_INFO_ENGINE == 20 &&
                 CATDOG_INFO_PRECISION == 21 && CATDOG_INFO_THREADS == 30 && CATDOG_INFO_INPUT_WIDTH == 31 &&
                 CATDOG_INFO_INPUT_HEIGHT == 32 && CATDOG_INFO_ABSTAIN_BELOW == 40 && CATDOG_INFO_NEITHER_ABOVE == 41);
EXPECT(reasons, CATDOG_REASON_NONE == 0 && CATDOG_REASON_LABEL == 10 && CATDOG_REASON_LOW_CONFIDENCE == 20 &&
                    CATDOG_REASON_NEITHER == 30);
EXPECT(formats, CATDOG_FORMAT_ENCODED == 0 && CATDOG_FORMAT_GRAY8 == 10 && CATDOG_FORMAT_RGB8 == 20 &&
                    CATDOG_FORMAT_BGR8 == 21 && CATDOG_FORMAT_RGBA8 == 30 && CATDOG_FORMAT_BGRA8 == 31 &&
                    CATDOG_FORMAT_RGBX8 == 32 && CATDOG_FORMAT_BGRX8 == 33 && CATDOG_FORMAT_RGBA8_PREMULTIPLIED == 34 &&
                    CATDOG_FORMAT_BGRA8_PREMULTIPLIED == 35);
EXPECT(measures, CATDOG_MEASURE_READ_MS == 10 && CATDOG_MEASURE_DECODE_MS == 11 && CATDOG_MEASURE_PREPROCESS_MS == 12 &&
                     CATDOG_MEASURE_INFER_MS == 13 && CATDOG_MEASURE_TOTAL_MS == 19 && CATDOG_MEASURE_WIDTH == 30 &&
                     CATDOG_MEASURE_HEIGHT == 31 && CATDOG_MEASURE_NEITHER == 40 && CATDOG_MEASURE_TRUST == 41);

EXPECT(integers_of_32_bits, sizeof(catdog_status) == 4 && sizeof(catdog_option) == 4 && sizeof(catdog_log_level) == 4 &&
                                sizeof(catdog_info) == 4 && sizeof(catdog_format) == 4 && sizeof(catdog_measure) == 4 &&
                                sizeof(catdog_reason) == 4);
#if UINTPTR_MAX == UINT64_MAX
EXPECT(size, sizeof(catdog_image) == 128);
EXPECT(data, offsetof(catdog_image, data) == 0);
EXPECT(data_size, offsetof(catdog_image, data_size) == 8);
EXPECT(row_stride, offsetof(catdog_image, row_stride) == 16);
EXPECT(format, offsetof(catdog_image, format) == 24);
EXPECT(width, offsetof(catdog_image, width) == 28);
EXPECT(height, offsetof(catdog_image, height) == 32);
EXPECT(flags, offsetof(catdog_image, flags) == 36);
EXPECT(timeout_ms, offsetof(catdog_image, timeout_ms) == 40);
EXPECT(rotation, offsetof(catdog_image, rotation) == 44);
EXPECT(region_x, offsetof(catdog_image, region_x) == 48);
EXPECT(region_height, offsetof(catdog_image, region_height) == 60);
EXPECT(chroma, offsetof(catdog_image, chroma) == 64);
EXPECT(chroma_size, offsetof(catdog_image, chroma_size) == 80);
EXPECT(chroma_stride, offsetof(catdog_image, chroma_stride) == 96);
EXPECT(reserved, offsetof(catdog_image, reserved) == 112);
#endif

/* The prototypes are strict: no () that would accept anything. */
int catdog_header_compiles(void);
int catdog_header_compiles(void) {
  const catdog_image image = {NULL, 0, 0, CATDOG_FORMAT_RGB8, 0,      0,      0,  0, 0, 0,
                              0,    0, 0, {NULL, NULL},       {0, 0}, {0, 0}, {0}};
  const char* (*last_error)(void) = &catdog_last_error;
  const char* (*version)(void) = &catdog_version;
  int32_t (*abi)(void) = &catdog_abi_version;
  return image.width == 0 && last_error != NULL && version != NULL && abi != NULL;
}
