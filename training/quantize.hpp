// SPDX-License-Identifier: Apache-2.0
// Post-training quantization: the ranges that int8 needs, measured on images.
#pragma once

#include <string>
#include <vector>

#include "dataset.hpp"
#include "image/preprocess.hpp"
#include "network_module.hpp"
#include "options.hpp"

namespace catdog::training {

// For each layer the largest absolute value of its output that int8 represents. Each image has a largest value; the
// range is the mean of these. A rare value is clipped, so that all others stay finer.
std::vector<double> measure_ranges(const TrainableNetwork& network, const Dataset& data,
                                   const std::vector<std::size_t>& images, const core::InputSpec& spec);

// Copies a model file and adds the ranges, measured on up to `images` training images. `options` says where the data
// are. Their split and the sizes are the model's. Weights, labels and thresholds stay. Throws core::Failure.
void quantize_model(const std::string& model, const std::string& output, TrainOptions options, std::size_t images);

}  // namespace catdog::training
