// SPDX-License-Identifier: Apache-2.0
// What training does to an image before the model sees it: random crop, mirror image, colour, erasing, degradation.
#pragma once

#include "image/image.hpp"
#include "options.hpp"
#include "random.hpp"

namespace catdog::training {

// Returns an image in about the image's own scale, so that several models can resize one crop each to its input.
// Deterministic in (image, options, state of `random`). Throws core::Failure.
core::Image augment(const core::Image& rgb, const TrainOptions& options, Random& random);

// What inference does: squash resize.
core::Image resize_for_evaluation(const core::Image& rgb, core::Size size);

}  // namespace catdog::training
