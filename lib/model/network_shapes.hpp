// SPDX-License-Identifier: Apache-2.0
// What a layer list means for the shapes of activations and weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/network.hpp"

namespace catdog::core {

// Shape of one image's activations: flat after global pooling or linear (then h = w = 1).
struct ActivationShape {
  int c = 3;
  int h = 0;
  int w = 0;
  bool flat = false;
};

// Shape after each layer for a 3×height×width input. Throws Failure(model_format) on a layer that doesn't fit its
// input.
std::vector<ActivationShape> infer_shapes(const Network& network, int height, int width);

// The tensors that a network's state dict has, with the shape that each must have (batch-norm's running statistics
// included, num_batches_tracked not). Same order as the layers.
struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};
std::vector<TensorSpec> state_dict_specs(const Network& network, int height, int width);

}  // namespace catdog::core
