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
struct Padding {  // Each side apart: TensorFlow's SAME at stride 2 pads the bottom and the right more.
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;
  bool symmetric() const { return top == bottom && left == right; }
};

struct ConvLayer {
  std::string name;  // State-dict prefix: <name>.weight [out, in/groups, kh, kw], <name>.bias [out].
  int out_channels = 0;
  Pair kernel{3, 3};
  Pair stride{1, 1};
  Padding padding;
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
  std::string from;  // Id of the earlier layer whose output is added to the input.
};
struct PoolLayer {
  bool max = true;  // false: average, padding not counted.
  Pair kernel{2, 2};
  Pair stride{2, 2};
  Padding padding;
};
struct GlobalAvgPoolLayer {};  // N×C×H×W → N×C.
struct LinearLayer {
  std::string name;  // <name>.weight [out, in], <name>.bias [out]. Flattens a N×C×H×W input in that order.
  int out_features = 0;
  bool bias = true;
};
// log(Σ exp(sharpness · x)) / sharpness over the channels of each group, in turn: the sum of the classes of a
// classifier that make up one label; with a high sharpness the largest of them.
struct LogSumExpLayer {
  std::vector<int> groups;  // Channels of each; together all of the input, which is flat.
  double sharpness = 1;
};
struct ConcatLayer {
  std::vector<std::string> from;  // Ids of earlier flat layers, whose outputs follow the flat input.
};
struct DropoutLayer {
  double p = 0.5;  // Training only.
};

using LayerOp = std::variant<ConvLayer, BatchNormLayer, ReluLayer, AddLayer, PoolLayer, GlobalAvgPoolLayer, LinearLayer,
                             LogSumExpLayer, ConcatLayer, DropoutLayer>;

struct Layer {
  LayerOp op;
  std::string id;     // Name of its output for a later "add" or "input"; empty for most.
  std::string input;  // Id of the earlier layer whose output it reads; empty: the layer before it.
};

// Ids of the earlier layers that a layer reads, its `input` included.
std::vector<std::string> ids_read_by(const Layer& layer);

struct Network {
  std::string name;
  std::vector<Layer> layers;
};

// Parses and checks the "architecture" object (JSON text): known ops, sizes, labels, at most 1,000 layers.
// Throws Failure(model_format) that names the layer.
Network parse_network(std::string_view json);

}  // namespace catdog::core
