// SPDX-License-Identifier: Apache-2.0
// What a layer list means for the shapes of activations and weights.
#include "model/network_shapes.hpp"

#include <map>
#include <numeric>
#include <type_traits>

#include "status.hpp"

namespace catdog::core {
namespace {

constexpr std::int64_t max_extent = 65'536;
constexpr std::int64_t max_activations = std::int64_t{1} << 28;  // Of one layer: 1 GiB of float32.
constexpr std::int64_t max_weights = 1'000'000'000;

class ShapeInference {
 public:
  ShapeInference(int height, int width) : shape_{3, height, width, false} {
    if (height < 1 || width < 1 || height > max_extent || width > max_extent) fail("input sides must be 1 to 65536");
  }

  const ActivationShape& apply(const Layer& layer, std::size_t index) {
    index_ = index;
    if (!layer.input.empty()) shape_ = labelled(layer.input);
    std::visit([this](const auto& op) { visit(op); }, layer.op);
    if (std::int64_t{shape_.c} * shape_.h * shape_.w > max_activations) fail("has more than 2^28 outputs");
    if (!layer.id.empty()) labelled_[layer.id] = shape_;
    return shape_;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Failure(Status::model_format, "architecture.layers[" + std::to_string(index_) + "]: " + problem);
  }

  const ActivationShape& labelled(const std::string& id) const {
    const auto found = labelled_.find(id);
    if (found == labelled_.end()) fail("no earlier layer has the id \"" + id + "\"");
    return found->second;
  }

  void require_planes(const char* op) const {
    if (shape_.flat) fail(std::string(op) + " needs a channels × height × width input, but its input is flat");
  }

  // `before` and `after`: padding at the two ends of the side.
  int slide(int side, int kernel, int stride, int before, int after) const {
    const std::int64_t padded = std::int64_t{side} + before + after;
    if (kernel > padded) {
      fail("the kernel (" + std::to_string(kernel) + ") is larger than its padded input (" + std::to_string(padded) +
           ")");
    }
    const std::int64_t out = (padded - kernel) / stride + 1;
    if (out > max_extent) fail("the output side is above 65536");
    return static_cast<int>(out);
  }

  void visit(const ConvLayer& conv) {
    require_planes("conv2d");
    if (conv.groups < 1 || shape_.c % conv.groups != 0 || conv.out_channels % conv.groups != 0) {
      fail("groups (" + std::to_string(conv.groups) + ") must divide the " + std::to_string(shape_.c) +
           " input channels and the " + std::to_string(conv.out_channels) + " output channels");
    }
    shape_ = {conv.out_channels, slide(shape_.h, conv.kernel.h, conv.stride.h, conv.padding.top, conv.padding.bottom),
              slide(shape_.w, conv.kernel.w, conv.stride.w, conv.padding.left, conv.padding.right), false};
  }
  void visit(const PoolLayer& pool) {
    require_planes(pool.max ? "max_pool" : "avg_pool");
    shape_.h = slide(shape_.h, pool.kernel.h, pool.stride.h, pool.padding.top, pool.padding.bottom);
    shape_.w = slide(shape_.w, pool.kernel.w, pool.stride.w, pool.padding.left, pool.padding.right);
  }
  void visit(const GlobalAvgPoolLayer& /*op*/) {
    require_planes("global_avg_pool");
    shape_ = {shape_.c, 1, 1, true};
  }
  void visit(const LinearLayer& linear) { shape_ = {linear.out_features, 1, 1, true}; }
  void visit(const LogSumExpLayer& sum) {
    const std::int64_t channels = std::accumulate(sum.groups.begin(), sum.groups.end(), std::int64_t{0});
    if (!shape_.flat || channels != shape_.c) {
      fail("log_sum_exp: the groups have " + std::to_string(channels) + " channels together, but its input is " +
           describe(shape_));
    }
    shape_.c = static_cast<int>(sum.groups.size());
  }
  void visit(const ConcatLayer& concat) {
    std::int64_t channels = shape_.c;
    bool flat = shape_.flat;
    for (const std::string& id : concat.from) {
      channels += labelled(id).c;
      flat &= labelled(id).flat;
    }
    if (!flat) fail("concat: its inputs must be flat");
    if (channels > max_extent) fail("concat: the output has more than 65536 channels");
    shape_.c = static_cast<int>(channels);
  }
  void visit(const AddLayer& add) const {
    const ActivationShape& other = labelled(add.from);
    if (other.c != shape_.c || other.h != shape_.h || other.w != shape_.w || other.flat != shape_.flat) {
      fail("add: its input is " + describe(shape_) + ", but \"" + add.from + "\" is " + describe(other));
    }
  }
  void visit(const BatchNormLayer& /*op*/) const {}
  void visit(const ReluLayer& /*op*/) const {}
  void visit(const DropoutLayer& /*op*/) const {}

  static std::string describe(const ActivationShape& shape) {
    return std::to_string(shape.c) + (shape.flat ? "" : "×" + std::to_string(shape.h) + "×" + std::to_string(shape.w));
  }

  ActivationShape shape_;
  std::size_t index_ = 0;
  std::map<std::string, ActivationShape, std::less<>> labelled_;
};

// Adds to the total without overflow: every factor is at least 1.
void count_weights(const TensorSpec& spec, std::int64_t& total) {
  std::int64_t count = 1;
  bool too_many = false;
  for (const std::int64_t side : spec.shape) too_many |= __builtin_mul_overflow(count, side, &count);
  too_many |= __builtin_add_overflow(total, count, &total);
  if (too_many || total > max_weights) {
    throw Failure(Status::model_format, "architecture: " + spec.name + " brings the weights above 1,000,000,000");
  }
}

}  // namespace

std::vector<ActivationShape> infer_shapes(const Network& network, int height, int width) {
  ShapeInference inference(height, width);
  std::vector<ActivationShape> shapes;
  shapes.reserve(network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) shapes.push_back(inference.apply(network.layers[i], i));
  return shapes;
}

std::vector<TensorSpec> state_dict_specs(const Network& network, int height, int width) {
  const std::vector<ActivationShape> shapes = infer_shapes(network, height, width);
  std::vector<TensorSpec> specs;
  std::map<std::string, ActivationShape, std::less<>> labelled;
  ActivationShape in{3, height, width, false};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Layer& layer = network.layers[i];
    const LayerOp& op = layer.op;
    if (!layer.input.empty()) in = labelled.at(layer.input);
    if (const auto* conv = std::get_if<ConvLayer>(&op)) {
      specs.push_back(
          {conv->name + ".weight", {conv->out_channels, in.c / conv->groups, conv->kernel.h, conv->kernel.w}});
      if (conv->bias) specs.push_back({conv->name + ".bias", {conv->out_channels}});
    } else if (const auto* norm = std::get_if<BatchNormLayer>(&op)) {
      for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
        specs.push_back({norm->name + part, {in.c}});
      }
    } else if (const auto* linear = std::get_if<LinearLayer>(&op)) {
      specs.push_back({linear->name + ".weight", {linear->out_features, std::int64_t{in.c} * in.h * in.w}});
      if (linear->bias) specs.push_back({linear->name + ".bias", {linear->out_features}});
    }
    in = shapes[i];
    if (!layer.id.empty()) labelled[layer.id] = in;
  }
  std::int64_t total = 0;
  for (const TensorSpec& spec : specs) count_weights(spec, total);
  return specs;
}

}  // namespace catdog::core
