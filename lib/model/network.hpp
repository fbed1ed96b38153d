// SPDX-License-Identifier: Apache-2.0
// A network as data: the layer list of catdog.json ("architecture"). The trainer builds torch modules from it, the
// native engine its plan, the importer maps a PyTorch checkpoint by it. Documented in docs/model-format.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace catdog::core {

struct Pair {  // Height, width.
  int h = 1;
  int w = 1;
};

struct ConvLayer {
  std::string name;  // State-dict prefix: <name>.weight [out, in/groups, kh, kw], <name>.bias [out].
  int out_channels = 0;
  Pair kernel{3, 3};
  Pair stride{1, 1};
  Pair padding{0, 0};
  int groups = 1;
  bool bias = true;
};
struct BatchNormLayer {
  std::string name;  // <name>.weight, .bias, .running_mean, .running_var [channels].
  double eps = 1e-5;
};
struct ReluLayer {
  bool six = false;  // ReLU6.
};
struct AddLayer {
  std::string from;  // Label of an earlier layer's output that is added to the current tensor.
};
struct PoolLayer {
  bool max = true;  // false: average, padding not counted.
  Pair kernel{2, 2};
  Pair stride{2, 2};
  Pair padding{0, 0};
};
struct GlobalAvgPoolLayer {};  // N×C×H×W → N×C.
struct LinearLayer {
  std::string name;  // <name>.weight [out, in], <name>.bias [out]. Flattens a N×C×H×W input in that order.
  int out_features = 0;
  bool bias = true;
};
struct DropoutLayer {
  double p = 0.5;  // Training only.
};

using LayerOp = std::variant<ConvLayer, BatchNormLayer, ReluLayer, AddLayer, PoolLayer, GlobalAvgPoolLayer, LinearLayer,
                             DropoutLayer>;

struct Layer {
  LayerOp op;
  std::string id;  // Label that a later "add" refers to; empty for most.
};

struct Network {
  std::string name;
  std::vector<Layer> layers;
};

// Shape of one picture's activations: flat after global pooling or linear (then h = w = 1).
struct ActivationShape {
  int c = 3;
  int h = 0;
  int w = 0;
  bool flat = false;
};

// Parses and checks the "architecture" object (JSON text): known ops, sizes, labels, at most 1,000 layers.
// Throws Failure(model_format) that names the layer.
Network parse_network(std::string_view json);

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
