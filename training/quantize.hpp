// SPDX-License-Identifier: Apache-2.0
// Post-training quantisation: the ranges that int8 needs, measured on images.
#pragma once

#include <string>
#include <vector>

#include "dataset.hpp"
#include "image/preprocess.hpp"
#include "network_module.hpp"
#include "options.hpp"

namespace catdog::training {

// For each layer the largest absolute value of its output that int8 is to represent: the mean over the images of each
// one's largest, so that a rare value is clipped rather than that all others get coarser.
std::vector<double> measure_ranges(const TrainableNetwork& network, const Dataset& data,
                                   const std::vector<std::size_t>& images, const core::InputSpec& spec);

// Copies a model file and gives the copy the ranges of up to `images` training images. Of `options` those of the data
// count; the sizes are the model's. Weights, labels and thresholds stay. Throws core::Failure.
void quantize_model(const std::string& model, const std::string& output, TrainOptions options, std::size_t images);

}  // namespace catdog::training
