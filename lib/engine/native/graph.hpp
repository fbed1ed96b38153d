// SPDX-License-Identifier: Apache-2.0
// The layer list after everything that can be settled without oneDNN: weights looked up, batch-norm folded, activations
// and residual adds attached to the operation before them, dropout gone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/model_file.hpp"
#include "model/network.hpp"
#include "model/network_shapes.hpp"

namespace catdog::core::native {

enum class NodeKind : std::uint8_t { conv, scale_shift, activation, add, pool, linear, log_sum_exp, concat };
enum class Activation : std::uint8_t { none, relu, relu6 };

// Values are numbered: 0 is the image, node i produces value i + 1.
struct Node {
  NodeKind kind = NodeKind::conv;
  int layer = 0;    // Index in the layer list.
  int last = 0;     // Index of the last layer that became part of it: its result is that layer's.
  int input = 0;    // Value that it reads.
  int addend = -1;  // Second value of an add; of a conv: the value that is added to its result, in place.
  Activation activation = Activation::none;  // Applied last.
  ActivationShape in;
  ActivationShape out;
  Pair kernel;
  Pair stride;
  Padding padding;
  int groups = 1;
  bool max = false;            // Pool.
  std::vector<int> sizes;      // Log-sum-exp: channels of each group.
  double sharpness = 1;        // Log-sum-exp.
  std::vector<int> parts;      // Concat: the values behind the input.
  std::vector<float> weights;  // Conv [out, in/groups, kh, kw]; linear [out, in]; scale_shift: scale.
  std::vector<float> bias;     // One for each output channel; scale_shift: shift.
};

struct Graph {
  std::vector<Node> nodes;
  int output = 0;  // The value that is the network's result.
};

// A network with its weights: those of a model file, or the frozen part of a network in training.
struct WeightedNetwork {
  WeightedNetwork(const Network& layers, const InputSpec& spec, const WeightMap& tensors)
      : network(layers), input(spec), weights(tensors) {}
  WeightedNetwork(const ModelFile& model)  // NOLINT(google-explicit-constructor): a model file is one.
      : WeightedNetwork(model.config().network, model.config().input, model.weights()) {
    ranges = model.config().calibration.ranges;
  }

  const Network& network;
  const InputSpec& input;
  const WeightMap& weights;
  std::span<const float> ranges;  // Calibration::ranges, for int8; empty without.
};

// Throws Failure(model_format) for weights that are missing or have another shape than the layer list says.
Graph build_graph(const WeightedNetwork& model);

}  // namespace catdog::core::native
