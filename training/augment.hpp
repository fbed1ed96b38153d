// SPDX-License-Identifier: Apache-2.0
// What training does to an image before the model sees it: random crop, mirror image, colour, erasing, degradation.
#pragma once

#include <opencv2/core/mat.hpp>

#include "image/image.hpp"
#include "options.hpp"
#include "random.hpp"

namespace catdog::training {

// Returns CV_8UC3 RGB in about the image's own scale, so that several models can resize one crop each to its input.
// Deterministic in (image, options, state of `random`).
cv::Mat augment(const cv::Mat& rgb, const TrainOptions& options, Random& random);

// What inference does: squash resize.
cv::Mat resize_for_evaluation(const cv::Mat& rgb, core::Size size);

}  // namespace catdog::training
