// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "image/image.hpp"

namespace catdog::core {

// The deterministic test image of the golden self-test: rgb8, smooth blobs and noise from integer arithmetic
// only, the same on every machine. The algorithms are part of the model format and never change: version 1 hashes for
// every pixel, version 2 interpolates a coarse grid.
Image golden_image(std::uint32_t seed, Size size, int version);

}  // namespace catdog::core
