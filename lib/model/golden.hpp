// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>

#include "image/preprocess.hpp"

namespace catdog::core {

// The deterministic test image of the golden self-test: CV_8UC3 RGB, smooth blobs and noise from integer arithmetic
// only, the same on every machine. The algorithms are part of the model format and never change: version 1 hashes for
// every pixel, version 2 interpolates a coarse grid.
cv::Mat golden_image(std::uint32_t seed, Size size, int version);

}  // namespace catdog::core
