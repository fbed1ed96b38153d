// SPDX-License-Identifier: Apache-2.0
// What is measured: the images and the model.
#pragma once

#include <cstdint>
#include <vector>

#include "model/model_file.hpp"

namespace catdog::bench {

// JPEG files of CATDOG_BENCH_PICTURES, or of examples/images. Throws when there are none.
const std::vector<std::vector<std::uint8_t>>& images();

// CATDOG_BENCH_MODEL, or models/best_model.pt, or SimpleCNN with random weights.
const std::vector<std::uint8_t>& model_bytes();
const core::ModelFile& model();

}  // namespace catdog::bench
