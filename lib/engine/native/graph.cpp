// SPDX-License-Identifier: Apache-2.0
#include "engine/native/graph.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "model/network_shapes.hpp"
#include "status.hpp"

namespace catdog::core::native {
namespace {

const TensorView& tensor(const WeightedNetwork& model, const std::string& name,
                         const std::vector<std::int64_t>& shape) {
  const auto found = model.weights.find(name);
  if (found == model.weights.end()) {
    throw Failure(Status::model_format, "the model file has no weights \"" + name + "\"");
  }
  if (found->second.shape != shape) {
    throw Failure(Status::model_format, "tensor \"" + name + "\" doesn't have the shape that the layer list asks for");
  }
  return found->second;
}

std::vector<float> copy_of(const TensorView& view) { return {view.values.begin(), view.values.end()}; }

struct ScaleShift {  // y = x * scale + shift.
  std::vector<double> scale;
  std::vector<double> shift;
};

ScaleShift fold(const WeightedNetwork& model, const BatchNormLayer& layer, int channels) {
  const std::vector<std::int64_t> shape{channels};
  const auto weight = tensor(model, layer.name + ".weight", shape).values;
  const auto bias = tensor(model, layer.name + ".bias", shape).values;
  const auto mean = tensor(model, layer.name + ".running_mean", shape).values;
  const auto variance = tensor(model, layer.name + ".running_var", shape).values;
  ScaleShift result;
  for (std::size_t c = 0; c < weight.size(); ++c) {
    const double scale = weight[c] / std::sqrt(static_cast<double>(variance[c]) + layer.eps);
    result.scale.push_back(scale);
    result.shift.push_back(bias[c] - mean[c] * scale);
  }
  return result;
}

class Builder {
 public:
  explicit Builder(const WeightedNetwork& model) : model_(model) {
    const auto& layers = model.network.layers;
    shapes_ = infer_shapes(model.network, model.input.height, model.input.width);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      for (const std::string& id : ids_read_by(layers[i])) last_read_[id] = static_cast<int>(i);
    }
    shape_ = ActivationShape{3, model.input.height, model.input.width, false};
  }

  Graph build() {
    const auto& layers = model_.network.layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      layer_ = static_cast<int>(i);
      if (!layers[i].input.empty()) {
        const auto& [value, shape] = labels_.at(layers[i].input);
        value_ = value;
        shape_ = shape;
      }
      std::visit([this](const auto& op) { append(op); }, layers[i].op);
      shape_ = shapes_[i];
      if (!layers[i].id.empty()) labels_[layers[i].id] = {value_, shape_};
    }
    return {std::move(nodes_), value_};
  }

 private:
  // Whether the given layer or a later one still reads the value by an id.
  bool read_from(int value, int layer) const {
    return std::any_of(labels_.begin(), labels_.end(), [&](const auto& label) {
      const auto last = last_read_.find(label.first);
      return label.second.first == value && last != last_read_.end() && last->second >= layer;
    });
  }

  // The node that this layer's operation may become a part of: nobody else may want its result as it is now. Another
  // node than the last one has been read already, by those behind it.
  Node* open_node() {
    const bool by_id = !model_.network.layers[static_cast<std::size_t>(layer_)].input.empty();
    if (nodes_.empty() || value_ != static_cast<int>(nodes_.size()) || read_from(value_, by_id ? layer_ + 1 : layer_)) {
      return nullptr;
    }
    return &nodes_.back();
  }

  Node& push(NodeKind kind) {
    Node& node = nodes_.emplace_back();
    node.kind = kind;
    node.layer = node.last = layer_;
    node.input = value_;
    node.in = shape_;
    node.out = shapes_[static_cast<std::size_t>(layer_)];
    value_ = static_cast<int>(nodes_.size());
    return node;
  }

  void append(const ConvLayer& layer) {
    Node& node = push(NodeKind::conv);
    node.kernel = layer.kernel;
    node.stride = layer.stride;
    node.padding = layer.padding;
    node.groups = layer.groups;
    node.weights = copy_of(tensor(model_, layer.name + ".weight",
                                  {layer.out_channels, node.in.c / layer.groups, layer.kernel.h, layer.kernel.w}));
    node.bias = bias(layer.name, layer.bias, layer.out_channels);
    const int inputs = node.in.c / layer.groups;
    const int outputs = layer.out_channels / layer.groups;
    const bool depthwise = inputs == 1 && outputs == 1;
    if (layer.groups > 1 && !depthwise && (inputs % 8 != 0 || outputs % 8 != 0)) spread_groups(node, layer);
  }

  // One group with zeros between the groups. oneDNN 2.6 writes beyond its memory when a group has few channels.
  static void spread_groups(Node& node, const ConvLayer& layer) {
    const std::size_t row = static_cast<std::size_t>(node.in.c / layer.groups) *
                            static_cast<std::size_t>(layer.kernel.h) * static_cast<std::size_t>(layer.kernel.w);
    const auto groups = static_cast<std::size_t>(layer.groups);
    const auto outputs = static_cast<std::size_t>(layer.out_channels);
    std::vector<float> spread(outputs * row * groups, 0.0F);
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::size_t group = o / (outputs / groups);
      std::copy_n(node.weights.begin() + static_cast<std::ptrdiff_t>(o * row), row,
                  spread.begin() + static_cast<std::ptrdiff_t>((o * groups + group) * row));
    }
    node.weights = std::move(spread);
    node.groups = 1;
  }

  void append(const LinearLayer& layer) {
    Node& node = push(NodeKind::linear);
    const std::int64_t in = std::int64_t{node.in.c} * node.in.h * node.in.w;
    node.weights = copy_of(tensor(model_, layer.name + ".weight", {layer.out_features, in}));
    node.bias = bias(layer.name, layer.bias, layer.out_features);
  }

  std::vector<float> bias(const std::string& name, bool present, int channels) const {
    if (!present) return std::vector<float>(static_cast<std::size_t>(channels), 0.0F);
    return copy_of(tensor(model_, name + ".bias", {channels}));
  }

  void append(const BatchNormLayer& layer) {
    const ScaleShift norm = fold(model_, layer, shape_.c);
    Node* node = open_node();
    const bool foldable = node != nullptr && node->activation == Activation::none && node->addend < 0 &&
                          (node->kind == NodeKind::conv || node->kind == NodeKind::linear);
    if (!foldable) {
      node = &push(NodeKind::scale_shift);
      node->weights.assign(norm.scale.begin(), norm.scale.end());
      node->bias.assign(norm.shift.begin(), norm.shift.end());
      return;
    }
    node->last = layer_;
    const std::size_t per_channel = node->weights.size() / norm.scale.size();
    float* weight = node->weights.data();
    for (std::size_t c = 0; c < node->bias.size(); ++c) {
      const double scale = norm.scale[c];
      for (std::size_t i = 0; i < per_channel; ++i, ++weight) *weight = static_cast<float>(*weight * scale);
      node->bias[c] = static_cast<float>(node->bias[c] * norm.scale[c] + norm.shift[c]);
    }
  }

  void append(const ReluLayer& layer) {
    Node* node = open_node();
    const bool takes_one =
        node != nullptr && node->activation == Activation::none &&
        (node->kind == NodeKind::conv || node->kind == NodeKind::linear || node->kind == NodeKind::add);
    if (!takes_one) node = &push(NodeKind::activation);
    node->activation = layer.six ? Activation::relu6 : Activation::relu;
    node->last = layer_;
  }

  void append(const AddLayer& layer) {
    const auto label = labels_.find(layer.from);
    if (label == labels_.end()) {
      throw Failure(Status::model_format, "add refers to the unknown layer id \"" + layer.from + "\"");
    }
    const int addend = label->second.first;
    Node* node = open_node();
    // In place: the addend's memory becomes the convolution's result. So nobody may read it later, the convolution may
    // not read it itself, and the image stays as it is for the next run.
    const bool in_place = node != nullptr && node->kind == NodeKind::conv && node->addend < 0 &&
                          node->activation == Activation::none && addend != 0 && addend != value_ &&
                          addend != node->input && !read_from(addend, layer_ + 1);
    if (!in_place) node = &push(NodeKind::add);
    node->addend = addend;
    node->last = layer_;
  }

  void append(const PoolLayer& layer) {
    Node& node = push(NodeKind::pool);
    node.max = layer.max;
    node.kernel = layer.kernel;
    node.stride = layer.stride;
    node.padding = layer.padding;
  }

  void append(const GlobalAvgPoolLayer&) {
    Node& node = push(NodeKind::pool);
    node.kernel = Pair{node.in.h, node.in.w};
    node.stride = node.kernel;
  }

  void append(const LogSumExpLayer& layer) {
    Node& node = push(NodeKind::log_sum_exp);
    node.sizes = layer.groups;
    node.sharpness = layer.sharpness;
  }

  void append(const ConcatLayer& layer) {
    Node& node = push(NodeKind::concat);
    for (const std::string& id : layer.from) node.parts.push_back(labels_.at(id).first);
  }

  void append(const DropoutLayer&) {}

  const WeightedNetwork& model_;
  std::vector<ActivationShape> shapes_;
  std::map<std::string, int> last_read_;                           // Id → index of the last layer that reads it.
  std::map<std::string, std::pair<int, ActivationShape>> labels_;  // Id → value and its shape.
  std::vector<Node> nodes_;
  ActivationShape shape_;  // Of the current value.
  int value_ = 0;
  int layer_ = 0;
};

}  // namespace

Graph build_graph(const WeightedNetwork& model) { return Builder(model).build(); }

}  // namespace catdog::core::native
