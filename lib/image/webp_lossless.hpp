// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "image/codec.hpp"

namespace catdog::core {

// What libwebp allocates to decode a lossless bitstream.
struct LosslessCost {
  std::uint64_t table_bytes = 0;  // Prefix codes, transforms, colour cache.
  std::uint64_t pixels = 0;       // Of 32 bits; a palette of few colours packs several into one.
};

// Reads what comes before the pixels of a VP8L stream of that size, its five bytes of header left out. A file of a few
// hundred kilobytes may ask for 65,536 groups of prefix codes of 20 KB each, whatever its number of pixels. Allocates a
// quarter of a byte a pixel at most. Throws Failure(corrupt).
LosslessCost read_lossless_cost(Bytes stream, Size size);

}  // namespace catdog::core
