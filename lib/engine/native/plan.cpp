// SPDX-License-Identifier: Apache-2.0
#include "engine/native/plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "engine/cpu_features.hpp"
#include "model/network_shapes.hpp"
#include "status.hpp"

namespace catdog::core::native {
namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
using Type = memory::data_type;

// More scratch memory than this for one caller is a mistake in the model rather than a network for photos.
constexpr std::size_t max_arena_bytes = std::size_t{4} << 30;

struct Value {
  memory::desc desc;
  int buffer = -1;
  float scale = 0;  // Of an int8 value: it stands for `scale` times what is stored. 0: it is stored as it is.
};

// Weights as 8-bit integers. A weight of output channel c stands for its integer times scales[c].
struct Quantized {
  std::vector<std::int8_t> values;
  std::vector<float> scales;
};

// A channel of smaller weights alone is dead. Its scale would make its bias, in such units, infinite.
constexpr float negligible_weight = 1e-10F;

// To the nearest, ties to even, as std::lrint() does, but without a call for each weight. At this size a float has no
// room for a fraction.
std::int8_t round_to_int8(float value) {
  constexpr float large = 0x1.8p23F;
  return static_cast<std::int8_t>(value + large - large);
}

Quantized quantize(const std::vector<float>& weights, std::size_t channels) {
  Quantized result;
  result.values.resize(weights.size());
  std::int8_t* value = result.values.data();
  const std::size_t row = weights.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    const std::span<const float> channel(weights.data() + c * row, row);
    float largest = 0;
    for (const float weight : channel) largest = std::max(largest, std::abs(weight));
    const float scale = largest > negligible_weight ? largest / 127 : 1;
    for (const float weight : channel) *value++ = round_to_int8(weight / scale);
    result.scales.push_back(scale);
  }
  return result;
}

Dims dims_of(const ActivationShape& shape) {
  if (shape.flat) return {1, shape.c};
  return {1, shape.c, shape.h, shape.w};
}

bool is_slow(const char* implementation) {  // oneDNN's plain loops, used where it has no kernel.
  const std::string_view name(implementation);
  return name.rfind("ref", 0) == 0 || name.rfind("simple:ref", 0) == 0;
}

class Compiler {
 public:
  Compiler(const WeightedNetwork& model, Precision precision)
      : model_(model), precision_(precision), type_(precision == Precision::bf16 ? Type::bf16 : Type::f32) {
    plan_.engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
  }

  Plan compile() {
    const Graph graph = build_graph(model_);
    const InputSpec& input = model_.input;
    const Value image = new_value(memory::desc({1, 3, input.height, input.width}, type_, Tag::nhwc));
    find_wanted(graph);
    values_.push_back(wanted_[0] ? quantized_image(image) : image);
    for (const Node& node : graph.nodes) emit_checked(node);
    emit_output(plain_value(graph.output));
    if (!ends_after_pooling(graph)) plan_.pooling.reset();
    plan_.input.type = type_ == Type::bf16 ? ElementType::bfloat16 : ElementType::float32;
    plan_.input.layout = Layout::nhwc;
    plan_.input.height = input.height;
    plan_.input.width = input.width;
    plan_.input_buffer = image.buffer;
    // The image stays valid between runs, and the logits until they are copied.
    Buffer& kept = plan_.buffers[static_cast<std::size_t>(plan_.input_buffer)];
    kept.first = 0;
    kept.last = std::numeric_limits<int>::max();
    plan_.arena_bytes = place_buffers(plan_.buffers);
    if (plan_.arena_bytes > max_arena_bytes) {
      throw Failure(Status::model_unsupported, "the native engine would need " +
                                                   std::to_string(plan_.arena_bytes >> 20) +
                                                   " MiB of activations for one image; 4096 MiB is the limit");
    }
    return std::move(plan_);
  }

 private:
  // Whether all that follows the global pooling works on its result.
  static bool ends_after_pooling(const Graph& graph) {
    const auto is_global = [](const Node& node) { return node.kind == NodeKind::pool && node.out.flat; };
    const auto pooling = std::find_if(graph.nodes.begin(), graph.nodes.end(), is_global);
    return pooling != graph.nodes.end() &&
           std::all_of(pooling + 1, graph.nodes.end(), [](const Node& node) { return node.in.flat; });
  }

  void emit_checked(const Node& node) {
    try {
      emit(node);
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory) {
        throw Failure(Status::out_of_memory, "out of memory while preparing the native engine");
      }
      const bool unsupported = error.status == dnnl_unimplemented || error.status == dnnl_invalid_arguments;
      throw Failure(unsupported ? Status::model_unsupported : Status::engine_failed,
                    "the native engine can't prepare layer " + std::to_string(node.layer) + " in " +
                        precision_name(precision_) + ": " + error.what());
    }
  }

  void emit(const Node& node) {
    switch (node.kind) {
      case NodeKind::conv: return emit_conv(node);
      case NodeKind::scale_shift: return emit_scale_shift(node);
      case NodeKind::activation: return emit_activation(node);
      case NodeKind::add: return emit_add(node);
      case NodeKind::pool: return emit_pool(node);
      case NodeKind::linear: return emit_linear(node);
      case NodeKind::log_sum_exp: return emit_log_sum_exp(node);
      case NodeKind::concat: return emit_concat(node);
    }
  }

  // Convolutions want in int8 what they read, also through a max pool, and what they add in place.
  void find_wanted(const Graph& graph) {
    wanted_.assign(graph.nodes.size() + 1, false);
    if (precision_ != Precision::int8) return;
    for (std::size_t i = graph.nodes.size(); i-- > 0;) {
      const Node& node = graph.nodes[i];
      const bool passes_on = node.kind == NodeKind::pool && node.max && wanted_[i + 1];
      if (node.kind == NodeKind::conv || passes_on) wanted_[static_cast<std::size_t>(node.input)] = true;
      if (node.kind == NodeKind::conv && node.addend > 0) wanted_[static_cast<std::size_t>(node.addend)] = true;
    }
  }

  // Signed. The channel whose black or white is farthest from 0 sets the scale.
  Value quantized_image(const Value& image) {
    float largest = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const float mean = model_.input.mean[c];
      largest = std::max(largest, std::max(std::abs(mean), std::abs(1 - mean)) / model_.input.std_dev[c]);
    }
    return converted(image, memory::desc(image.desc.dims(), Type::s8, Tag::nhwc), largest / 127);
  }

  // int8 stores a node's result without a sign where an activation leaves no negative value.
  float scale_of(const Node& node) const {
    const float range = model_.ranges[static_cast<std::size_t>(node.last)];
    return range / (node.activation == Activation::none ? 127.0F : 255.0F);
  }
  static Type int8_type(const Node& node) { return node.activation == Activation::none ? Type::s8 : Type::u8; }

  int new_buffer(std::size_t bytes) {
    Buffer buffer;
    buffer.bytes = bytes;
    buffer.first = std::numeric_limits<int>::max();
    plan_.buffers.push_back(buffer);
    return static_cast<int>(plan_.buffers.size()) - 1;
  }

  Value new_value(const memory::desc& desc, float scale = 0) { return {desc, new_buffer(desc.get_size()), scale}; }

  const Value& value(int index) const { return values_[static_cast<std::size_t>(index)]; }
  // The value in float, for operations that don't read int8.
  Value plain_value(int index) {
    const Value& from = value(index);
    return from.scale > 0 ? converted(from, retyped(from.desc, type_), 0) : from;
  }

  static memory::desc retyped(memory::desc desc, Type type) {
    desc.data.data_type = memory::convert_to_c(type);
    return desc;
  }

  static StepArg arg(int index, const Value& value) { return {index, value.buffer, value.desc, {}}; }
  static StepArg arg(int index, memory constant) { return {index, -1, {}, std::move(constant)}; }

  void add_step(dnnl::primitive primitive, const memory::desc& scratchpad, std::vector<StepArg> args) {
    const int step = static_cast<int>(plan_.steps.size());
    if (scratchpad.get_size() > 0) args.push_back(arg(DNNL_ARG_SCRATCHPAD, new_value(scratchpad)));
    for (const StepArg& each : args) {
      if (each.buffer < 0) continue;
      Buffer& buffer = plan_.buffers[static_cast<std::size_t>(each.buffer)];
      buffer.first = std::min(buffer.first, step);
      buffer.last = std::max(buffer.last, step);
    }
    plan_.steps.push_back({std::move(primitive), std::move(args), {}, 1});
  }

  // `scale` is that of the result.
  static dnnl::primitive_attr attributes(Activation activation, const Value* addend = nullptr, float scale = 0) {
    const float units = scale > 0 ? 1 / scale : 1;  // Of the result, for each 1.
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attr.set_fpmath_mode(dnnl::fpmath_mode::strict);  // fp32 means fp32, whatever the environment says.
    dnnl::post_ops ops;
    if (addend != nullptr && addend->scale > 0) ops.append_sum(addend->scale * units, addend->desc.data_type());
    if (addend != nullptr && addend->scale == 0) ops.append_sum(1.0F);
    if (activation == Activation::relu) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
    if (activation == Activation::relu6) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_clip, 0.0F, 6.0F * units);
    attr.set_post_ops(ops);
    return attr;
  }

  // Weights in the layout that the primitive asked for.
  template <typename T>
  memory pack(const std::vector<T>& values, const Dims& dims, Tag tag, const memory::desc& wanted) const {
    // oneDNN takes the source of a reorder as void*, and only reads it.
    const Type type = std::is_same_v<T, float> ? Type::f32 : Type::s8;
    memory plain(memory::desc(dims, type, tag), plan_.engine, const_cast<T*>(values.data()));
    memory packed(wanted, plan_.engine);
    dnnl::stream stream(plan_.engine);
    dnnl::reorder(plain, packed).execute(stream, plain, packed);
    stream.wait();
    return packed;
  }

  Value reordered(const Value& from, const memory::desc& to) {
    if (from.desc == to) return from;
    return converted(from, to, from.scale);
  }

  // Also between int8 and float: `scale` is that of the result.
  Value converted(const Value& from, const memory::desc& to, float scale) {
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (from.scale != scale) {
      attr.set_output_scales(0, {(from.scale > 0 ? from.scale : 1) / (scale > 0 ? scale : 1)});
    }
    const dnnl::reorder::primitive_desc pd(plan_.engine, from.desc, plan_.engine, to, attr);
    const Value result = new_value(to, scale);
    add_step(dnnl::reorder(pd), pd.scratchpad_desc(), {arg(DNNL_ARG_FROM, from), arg(DNNL_ARG_TO, result)});
    return result;
  }

  // Prefers the layout in which the input already is; where oneDNN has no fast kernel for it, lets oneDNN choose.
  template <typename Make>
  auto choose(const memory::desc& source, const Make& make) const {
    using Primitive = decltype(make(source));
    std::optional<Primitive> as_is;
    try {
      as_is = make(source);
      if (!is_slow(as_is->impl_info_str())) return *as_is;
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented) throw;
    }
    Primitive chosen = make(memory::desc(source.dims(), source.data_type(), Tag::any));
    return as_is && is_slow(chosen.impl_info_str()) ? *as_is : chosen;
  }

  static Dims weight_dims(const Node& node) {
    if (node.groups == 1) return {node.out.c, node.in.c, node.kernel.h, node.kernel.w};
    return {node.groups, node.out.c / node.groups, node.in.c / node.groups, node.kernel.h, node.kernel.w};
  }
  static Tag weight_tag(const Node& node) { return node.groups > 1 ? Tag::goihw : Tag::oihw; }

  dnnl::convolution_forward::primitive_desc convolution(const Node& node, const Value& input,
                                                        const memory::desc& result,
                                                        const dnnl::primitive_attr& attr) const {
    const Type weights = input.scale > 0 ? Type::s8 : type_;
    return choose(input.desc, [&](const memory::desc& source) {
      const dnnl::convolution_forward::desc desc(
          dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source,
          memory::desc(weight_dims(node), weights, Tag::any), memory::desc({node.out.c}, Type::f32, Tag::x), result,
          {node.stride.h, node.stride.w}, {node.padding.top, node.padding.left},
          {node.padding.bottom, node.padding.right});
      return dnnl::convolution_forward::primitive_desc(desc, attr, plan_.engine);
    });
  }

  void emit_conv(const Node& node) {
    const Value& input = value(node.input);
    if (input.scale > 0) return emit_int8_conv(node);
    std::optional<Value> addend;
    if (node.addend >= 0) addend = plain_value(node.addend);
    const memory::desc wanted = addend ? addend->desc : memory::desc(dims_of(node.out), type_, Tag::any);
    const auto pd = convolution(node, input, wanted, attributes(node.activation, addend ? &*addend : nullptr));
    const Value source = reordered(input, pd.src_desc());
    const Value result = addend ? *addend : new_value(pd.dst_desc());
    add_step(dnnl::convolution_forward(pd), pd.scratchpad_desc(),
             {arg(DNNL_ARG_SRC, source),
              arg(DNNL_ARG_WEIGHTS, pack(node.weights, weight_dims(node), weight_tag(node), pd.weights_desc())),
              arg(DNNL_ARG_BIAS, pack(node.bias, {node.out.c}, Tag::x, pd.bias_desc())), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  // The sums are exact integers. Each is then multiplied by its scale as a float. The bias, the addend and the
  // activation follow, and the result is rounded.
  void emit_int8_conv(const Node& node) {
    const Value& input = value(node.input);
    const Value* addend = node.addend >= 0 ? &value(node.addend) : nullptr;
    const bool to_int8 = addend != nullptr ? addend->scale > 0 : wanted_[values_.size()];
    const float scale = to_int8 ? scale_of(node) : 0;
    const Type type = to_int8 ? int8_type(node) : type_;
    const Quantized weights = quantize(node.weights, static_cast<std::size_t>(node.out.c));
    std::vector<float> scales;
    std::vector<float> bias;
    for (std::size_t c = 0; c < weights.scales.size(); ++c) {
      const float product = input.scale * weights.scales[c];
      scales.push_back(to_int8 ? product / scale : product);
      bias.push_back(node.bias[c] / product);
    }
    dnnl::primitive_attr attr = attributes(node.activation, addend, scale);
    attr.set_output_scales(1 << 1, scales);
    const memory::desc wanted =
        addend != nullptr ? retyped(addend->desc, type) : memory::desc(dims_of(node.out), type, Tag::any);
    const auto pd = convolution(node, input, wanted, attr);
    const Value source = reordered(input, pd.src_desc());
    const Value result =
        addend != nullptr ? Value{pd.dst_desc(), addend->buffer, scale} : new_value(pd.dst_desc(), scale);
    add_step(dnnl::convolution_forward(pd), pd.scratchpad_desc(),
             {arg(DNNL_ARG_SRC, source),
              arg(DNNL_ARG_WEIGHTS, pack(weights.values, weight_dims(node), weight_tag(node), pd.weights_desc())),
              arg(DNNL_ARG_BIAS, pack(bias, {node.out.c}, Tag::x, pd.bias_desc())), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  // A few values, in which bf16 would round what decides: in float32 whatever the precision is.
  void emit_linear(const Node& node) {
    const bool flat = node.in.flat;
    const Value read = plain_value(node.input);
    const Value input = flat ? reordered(read, memory::desc({1, node.in.c}, Type::f32, Tag::nc)) : read;
    const std::int64_t out = node.out.c;
    const Dims weight_dims = flat ? Dims{out, node.in.c} : Dims{out, node.in.c, node.in.h, node.in.w};
    const memory::desc result_desc({1, out}, Type::f32, Tag::nc);
    const auto pd = choose(input.desc, [&](const memory::desc& source) {
      const dnnl::inner_product_forward::desc desc(dnnl::prop_kind::forward_inference, source,
                                                   memory::desc(weight_dims, source.data_type(), Tag::any),
                                                   memory::desc({out}, Type::f32, Tag::x), result_desc);
      return dnnl::inner_product_forward::primitive_desc(desc, attributes(node.activation), plan_.engine);
    });
    const Value source = reordered(input, pd.src_desc());
    const Value result = new_value(pd.dst_desc());
    add_step(dnnl::inner_product_forward(pd), pd.scratchpad_desc(),
             {arg(DNNL_ARG_SRC, source),
              arg(DNNL_ARG_WEIGHTS, pack(node.weights, weight_dims, flat ? Tag::oi : Tag::oihw, pd.weights_desc())),
              arg(DNNL_ARG_BIAS, pack(node.bias, {out}, Tag::x, pd.bias_desc())), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  void emit_pool(const Node& node) {
    const Value input = node.max ? value(node.input) : plain_value(node.input);
    const Type type = input.desc.data_type();
    const Dims before{node.padding.top, node.padding.left};
    const Dims after{node.padding.bottom, node.padding.right};
    const dnnl::pooling_forward::desc desc(
        dnnl::prop_kind::forward_inference,
        node.max ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding, input.desc,
        memory::desc({1, node.out.c, node.out.h, node.out.w}, type, Tag::any), {node.stride.h, node.stride.w},
        {node.kernel.h, node.kernel.w}, before, after);
    const dnnl::pooling_forward::primitive_desc pd(desc, attributes(Activation::none), plan_.engine);
    Value result = new_value(pd.dst_desc(), input.scale);
    const std::size_t begin = plan_.steps.size();
    add_step(dnnl::pooling_forward(pd), pd.scratchpad_desc(), {arg(DNNL_ARG_SRC, input), arg(DNNL_ARG_DST, result)});
    if (node.out.flat) {
      // One pixel: channel after channel in the plain and in the channel-blocked layouts alike.
      const Dims dims{1, node.out.c, 1, 1};
      const bool dense = std::any_of(std::begin(dense_tags), std::end(dense_tags),
                                     [&](Tag tag) { return result.desc == memory::desc(dims, type, tag); });
      if (!dense) result = reordered(result, memory::desc(dims, type, Tag::nhwc));
      result.desc = memory::desc({1, node.out.c}, type, Tag::nc);
      plan_.pooling =
          Pooling{begin, plan_.steps.size(), {node.in.h, node.in.w}, input.buffer, input.desc, result.buffer};
    }
    values_.push_back(result);
  }

  void emit_add(const Node& node) {
    const Value left = plain_value(node.input);
    const Value right = reordered(plain_value(node.addend), left.desc);
    const dnnl::binary::desc desc(dnnl::algorithm::binary_add, left.desc, right.desc, left.desc);
    const dnnl::binary::primitive_desc pd(desc, attributes(node.activation), plan_.engine);
    const Value result = new_value(pd.dst_desc());
    add_step(dnnl::binary(pd), pd.scratchpad_desc(),
             {arg(DNNL_ARG_SRC_0, left), arg(DNNL_ARG_SRC_1, right), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  void emit_activation(const Node& node) {
    const Value input = plain_value(node.input);
    const bool six = node.activation == Activation::relu6;
    const dnnl::eltwise_forward::desc desc(dnnl::prop_kind::forward_inference,
                                           six ? dnnl::algorithm::eltwise_clip : dnnl::algorithm::eltwise_relu,
                                           input.desc, 0.0F, six ? 6.0F : 0.0F);
    const dnnl::eltwise_forward::primitive_desc pd(desc, attributes(Activation::none), plan_.engine);
    const Value result = new_value(pd.dst_desc());
    add_step(dnnl::eltwise_forward(pd), pd.scratchpad_desc(), {arg(DNNL_ARG_SRC, input), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  // oneDNN has no such primitive. In float32 whatever the precision is: the sum spans many powers of two.
  void emit_log_sum_exp(const Node& node) {
    const Value source = reordered(plain_value(node.input), memory::desc({1, node.in.c}, Type::f32, Tag::nc));
    const Value result = new_value(memory::desc({1, node.out.c}, Type::f32, Tag::nc));
    add_step({}, {}, {arg(DNNL_ARG_SRC, source), arg(DNNL_ARG_DST, result)});
    plan_.steps.back().log_sum_exp = node.sizes;
    plan_.steps.back().sharpness = static_cast<float>(node.sharpness);
    values_.push_back(result);
  }

  // In float32: a few values, of which some are log-sum-exps.
  void emit_concat(const Node& node) {
    std::vector<Value> parts{plain_value(node.input)};
    for (const int part : node.parts) parts.push_back(plain_value(part));
    const auto plain = [](const Value& part) { return memory::desc(part.desc.dims(), Type::f32, Tag::nc); };
    std::vector<memory::desc> descs;
    descs.reserve(parts.size());
    for (Value& part : parts) descs.push_back((part = reordered(part, plain(part))).desc);
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const memory::desc desc({1, node.out.c}, Type::f32, Tag::nc);
    const dnnl::concat::primitive_desc pd(desc, 1, descs, plan_.engine, attr);
    const Value result = new_value(desc);
    std::vector<StepArg> args{arg(DNNL_ARG_DST, result)};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      args.push_back(arg(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), parts[i]));
    }
    add_step(dnnl::concat(pd), pd.scratchpad_desc(), std::move(args));
    values_.push_back(result);
  }

  // Batch-norm that has no convolution to go into: mean 0 and variance 1 leave its scale and shift.
  void emit_scale_shift(const Node& node) {
    const Value input = plain_value(node.input);
    const std::int64_t channels = node.in.c;
    const auto flags = dnnl::normalization_flags::use_global_stats | dnnl::normalization_flags::use_scale |
                       dnnl::normalization_flags::use_shift;
    const dnnl::batch_normalization_forward::desc desc(dnnl::prop_kind::forward_inference, input.desc, 0.0F, flags);
    const dnnl::batch_normalization_forward::primitive_desc pd(desc, attributes(Activation::none), plan_.engine);
    const Value result = new_value(pd.dst_desc());
    const auto constant = [&](const std::vector<float>& values) {
      return pack(values, {channels}, Tag::x, memory::desc({channels}, Type::f32, Tag::x));
    };
    const auto count = static_cast<std::size_t>(channels);
    add_step(
        dnnl::batch_normalization_forward(pd), pd.scratchpad_desc(),
        {arg(DNNL_ARG_SRC, input), arg(DNNL_ARG_MEAN, constant(std::vector<float>(count, 0.0F))),
         arg(DNNL_ARG_VARIANCE, constant(std::vector<float>(count, 1.0F))), arg(DNNL_ARG_SCALE, constant(node.weights)),
         arg(DNNL_ARG_SHIFT, constant(node.bias)), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  void emit_output(const Value& last) {
    const Dims dims = last.desc.dims();
    const Value logits = reordered(last, memory::desc(dims, Type::f32, dims.size() == 2 ? Tag::nc : Tag::nchw));
    plan_.output_buffer = logits.buffer;
    plan_.outputs = 1;
    for (const auto side : dims) plan_.outputs *= static_cast<std::size_t>(side);
    plan_.buffers[static_cast<std::size_t>(logits.buffer)].last = std::numeric_limits<int>::max();
  }

  static constexpr Tag dense_tags[] = {Tag::nchw, Tag::nhwc, Tag::nChw4c, Tag::nChw8c, Tag::nChw16c};

  const WeightedNetwork& model_;
  Precision precision_;
  Type type_;  // Of what is not int8.
  Plan plan_;
  std::vector<bool> wanted_;  // In int8, of each value.
  std::vector<Value> values_;
};

// oneDNN otherwise looks for a profiler's library on the loader's path. Who profiles sets the variable.
void look_for_no_profiler() {
  if (std::getenv("ONEDNN_JIT_PROFILE") == nullptr && std::getenv("DNNL_JIT_PROFILE") == nullptr) {
    dnnl::set_jit_profiling_flags(0);
  }
}

}  // namespace

Plan compile(const WeightedNetwork& model, Precision precision) {
  look_for_no_profiler();
  if (precision == Precision::int8 && model.ranges.empty()) {
    throw Failure(Status::model_unsupported,
                  "the model file has no ranges for int8 (calibration.quantization): add them with \"catdog-train "
                  "quantize\", or use precision \"auto\", \"bf16\" or \"fp32\"");
  }
  if (precision == Precision::int8 && !cpu_has_fast_int8()) {
    throw Failure(Status::model_unsupported,
                  "int8 needs a CPU with AVX512-VNNI or AMX, on which its sums are exact: use precision \"auto\" or "
                  "\"fp32\"");
  }
  try {
    return Compiler(model, precision).compile();
  } catch (const dnnl::error& error) {
    throw Failure(Status::engine_failed, std::string("oneDNN failed while the network was prepared: ") + error.what());
  }
}

}  // namespace catdog::core::native
