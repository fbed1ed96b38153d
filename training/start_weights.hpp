// SPDX-License-Identifier: Apache-2.0
// Where the weights come from that training starts with.
#pragma once

#include <string>
#include <vector>

#include "model/model_file.hpp"
#include "network_module.hpp"

namespace catdog::training {

// Copies of a model file's weights.
StateDict state_of(const core::ModelFile& model);

// Tensors of a model file, or of a PyTorch state dict. Throws core::Failure.
StateDict read_start_weights(const std::string& path);

// For each LAYER=SOURCE:ROWS, such as "head.0=_fc:281-285,151-268": a weight and a bias for LAYER whose first rows are
// those rows of SOURCE, in that order; the rest stays as `network` has it. Throws core::Failure(invalid_argument) for a
// layer, a source or a row that there isn't.
void copy_rows(const std::vector<std::string>& copies, const TrainableNetwork& network, StateDict& start);

}  // namespace catdog::training
