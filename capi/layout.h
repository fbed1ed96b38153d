/* SPDX-License-Identifier: Apache-2.0
 * The layout of the only public struct, asserted in C (layout.c) and in C++ (pictures.cpp): a change breaks every
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

CATDOG_LAYOUT_ASSERT(struct_size, offsetof(catdog_picture, struct_size) == 0);
CATDOG_LAYOUT_ASSERT(format, offsetof(catdog_picture, format) == 4);
CATDOG_LAYOUT_ASSERT(data, offsetof(catdog_picture, data) == 8);
#if UINTPTR_MAX == UINT64_MAX
CATDOG_LAYOUT_ASSERT(data_size, offsetof(catdog_picture, data_size) == 16);
CATDOG_LAYOUT_ASSERT(width, offsetof(catdog_picture, width) == 24);
CATDOG_LAYOUT_ASSERT(height, offsetof(catdog_picture, height) == 28);
CATDOG_LAYOUT_ASSERT(row_stride, offsetof(catdog_picture, row_stride) == 32);
CATDOG_LAYOUT_ASSERT(flags, offsetof(catdog_picture, flags) == 40);
CATDOG_LAYOUT_ASSERT(reserved, offsetof(catdog_picture, reserved) == 44);
CATDOG_LAYOUT_ASSERT(size, sizeof(catdog_picture) == 64);
#endif
CATDOG_LAYOUT_ASSERT(status_is_32_bit, sizeof(catdog_status) == 4);

#endif /* CATDOG_CAPI_LAYOUT_H */
