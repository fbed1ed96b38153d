// SPDX-License-Identifier: Apache-2.0
// A trainable network built from a layer list: no class per architecture.
#pragma once

#include <torch/torch.h>

#include <functional>
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

  // These layers, by name and with all below ("_blocks.0"), keep their weights; their batch-norm uses its stored
  // statistics. Throws core::Failure(invalid_argument) for a name that no layer has.
  void freeze(const std::vector<std::string>& layers);
  void freeze_batch_norm() { frozen_batch_norm_ = true; }  // Statistics only; scale and shift go on learning.
  bool is_frozen(const std::string& layer) const;

  // N×3×H×W → N×classes. `training`: batch statistics and dropout.
  // From layer `first` on, for the output of the layers before.
  at::Tensor forward(at::Tensor x, bool training, std::size_t first = 0) const {
    return forward_with(state_, std::move(x), training, first);
  }
  using Observer = std::function<void(std::size_t, const at::Tensor&)>;  // Index and output of a layer.
  // The same with other weights, such as the moving average. `observe` is called after each layer.
  at::Tensor forward_with(const StateDict& state, at::Tensor x, bool training, std::size_t first = 0,
                          const Observer& observe = {}) const;

  const core::Network& network() const { return network_; }
  const StateDict& state() const { return state_; }                 // Parameters and batch-norm statistics.
  const std::vector<std::string>& names() const { return names_; }  // Of all tensors, in layer order.
  // Tensors that are there by name and shape. Returns the names of the network's others. Throws
  // core::Failure(invalid_argument) when there is none.
  std::vector<std::string> load(const StateDict& state);

 private:
  core::Network network_;
  std::vector<std::string> names_;
  std::vector<std::string> frozen_;
  bool frozen_batch_norm_ = false;
  StateDict state_;
};

// Whether `name` is `layer` or lies below it: "_blocks.1" holds "_blocks.1._bn0.weight" and not "_blocks.10".
bool lies_in(const std::string& name, const std::string& layer);

// An independent copy without gradients.
StateDict detached_copy(const StateDict& state);

}  // namespace catdog::training
