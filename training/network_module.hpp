// SPDX-License-Identifier: Apache-2.0
// A trainable network built from a layer list: no class per architecture.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "model/network.hpp"

namespace catdog::training {

using StateDict = std::map<std::string, at::Tensor>;

class TrainableNetwork {
 public:
  // Weights as PyTorch initialises its layers (Kaiming-uniform, a = √5), drawn from torch's default generator.
  TrainableNetwork(core::Network network, int image_size);

  // N×3×H×W → N×classes. `training`: batch statistics and dropout.
  at::Tensor forward(at::Tensor x, bool training) const { return forward_with(state_, std::move(x), training); }
  // The same with other weights, such as the moving average.
  at::Tensor forward_with(const StateDict& state, at::Tensor x, bool training) const;

  const core::Network& network() const { return network_; }
  const StateDict& state() const { return state_; }        // Parameters and batch-norm statistics.
  std::vector<at::Tensor> parameters(bool decayed) const;  // Matrices and filters decay; biases and batch-norm don't.
  void load(
      const StateDict& state);  // Every tensor, by name; throws core::Failure when one is missing or of another shape.

 private:
  core::Network network_;
  std::vector<std::string> names_;  // In layer order.
  StateDict state_;
};

// An independent copy without gradients.
StateDict detached_copy(const StateDict& state);

}  // namespace catdog::training
