// SPDX-License-Identifier: Apache-2.0
// One sample → one training input: random crop, flip, colour, erasing, then the library's own normalisation.
#pragma once

#include <opencv2/core/mat.hpp>

#include "image/preprocess.hpp"
#include "options.hpp"

namespace catdog::training {

// Returns CV_8UC3 RGB of image_size × image_size. Deterministic in (picture, options, state of `random`).
cv::Mat augment(const cv::Mat& rgb, const TrainOptions& options, Random& random);

// What inference does: squash resize to image_size × image_size.
cv::Mat resize_for_evaluation(const cv::Mat& rgb, int image_size);

}  // namespace catdog::training
