// SPDX-License-Identifier: Apache-2.0
// Which parameters share weight decay and learning rate.
#pragma once

#include <torch/types.h>

#include <vector>

#include "network_module.hpp"
#include "options.hpp"

namespace catdog::training {

struct ParameterGroup {
  std::vector<at::Tensor> parameters;
  double rate = 1;  // Share of the learning rate.
  bool decayed = false;
};

// The parameters that train. Matrices and filters decay; biases and batch-norm don't. Each rate of options.rate makes
// a group of its own; the last that names a layer holds. Throws core::Failure(invalid_argument) for a rate that can't
// be read, and when nothing trains.
std::vector<ParameterGroup> group_parameters(const TrainableNetwork& network, const TrainOptions& options);

}  // namespace catdog::training
