// SPDX-License-Identifier: Apache-2.0
#include "engine/native/plan.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

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
};

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
      : model_(model), type_(precision == Precision::bf16 ? Type::bf16 : Type::f32) {
    plan_.engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
  }

  Plan compile() {
    const Graph graph = build_graph(model_);
    const InputSpec& input = model_.input;
    values_.push_back(new_value(memory::desc({1, 3, input.height, input.width}, type_, Tag::nhwc)));
    for (const Node& node : graph.nodes) emit_checked(node);
    emit_output(value(graph.output));
    plan_.input.type = type_ == Type::bf16 ? ElementType::bfloat16 : ElementType::float32;
    plan_.input.layout = Layout::nhwc;
    plan_.input.height = input.height;
    plan_.input.width = input.width;
    plan_.input_buffer = values_.front().buffer;
    // The image stays valid between runs, and the logits until they are copied.
    Buffer& image = plan_.buffers[static_cast<std::size_t>(plan_.input_buffer)];
    image.first = 0;
    image.last = std::numeric_limits<int>::max();
    plan_.arena_bytes = place_buffers(plan_.buffers);
    if (plan_.arena_bytes > max_arena_bytes) {
      throw Failure(Status::model_unsupported, "the native engine would need " +
                                                   std::to_string(plan_.arena_bytes >> 20) +
                                                   " MiB of activations for one image; 4096 MiB is the limit");
    }
    return std::move(plan_);
  }

 private:
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
                        (type_ == Type::bf16 ? "bf16" : "fp32") + ": " + error.what());
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

  int new_buffer(std::size_t bytes) {
    Buffer buffer;
    buffer.bytes = bytes;
    buffer.first = std::numeric_limits<int>::max();
    plan_.buffers.push_back(buffer);
    return static_cast<int>(plan_.buffers.size()) - 1;
  }

  Value new_value(const memory::desc& desc) { return {desc, new_buffer(desc.get_size())}; }

  const Value& value(int index) const { return values_[static_cast<std::size_t>(index)]; }

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

  static dnnl::primitive_attr attributes(Activation activation, bool sum = false) {
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attr.set_fpmath_mode(dnnl::fpmath_mode::strict);  // fp32 means fp32, whatever the environment says.
    dnnl::post_ops ops;
    if (sum) ops.append_sum(1.0F);
    if (activation == Activation::relu) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
    if (activation == Activation::relu6) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_clip, 0.0F, 6.0F);
    attr.set_post_ops(ops);
    return attr;
  }

  // Weights in the layout that the primitive asked for.
  memory pack(const std::vector<float>& values, const Dims& dims, Tag tag, const memory::desc& wanted) const {
    // oneDNN takes the source of a reorder as void*, and only reads it.
    memory plain(memory::desc(dims, Type::f32, tag), plan_.engine, const_cast<float*>(values.data()));
    memory packed(wanted, plan_.engine);
    dnnl::stream stream(plan_.engine);
    dnnl::reorder(plain, packed).execute(stream, plain, packed);
    stream.wait();
    return packed;
  }

  Value reordered(const Value& from, const memory::desc& to) {
    if (from.desc == to) return from;
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::reorder::primitive_desc pd(plan_.engine, from.desc, plan_.engine, to, attr);
    const Value result = new_value(to);
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

  void emit_conv(const Node& node) {
    const Value& input = value(node.input);
    const bool grouped = node.groups > 1;
    const std::int64_t out = node.out.c;
    const std::int64_t in = node.in.c;
    const Dims weight_dims = grouped
                                 ? Dims{node.groups, out / node.groups, in / node.groups, node.kernel.h, node.kernel.w}
                                 : Dims{out, in, node.kernel.h, node.kernel.w};
    const Dims before{node.padding.top, node.padding.left};
    const Dims after{node.padding.bottom, node.padding.right};
    const bool sum = node.addend >= 0;
    const memory::desc result_desc = sum ? value(node.addend).desc : memory::desc(dims_of(node.out), type_, Tag::any);
    const auto pd = choose(input.desc, [&](const memory::desc& source) {
      const dnnl::convolution_forward::desc desc(
          dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source,
          memory::desc(weight_dims, type_, Tag::any), memory::desc({out}, Type::f32, Tag::x), result_desc,
          {node.stride.h, node.stride.w}, before, after);
      return dnnl::convolution_forward::primitive_desc(desc, attributes(node.activation, sum), plan_.engine);
    });
    const Value source = reordered(input, pd.src_desc());
    const Value result = sum ? value(node.addend) : new_value(pd.dst_desc());
    add_step(
        dnnl::convolution_forward(pd), pd.scratchpad_desc(),
        {arg(DNNL_ARG_SRC, source),
         arg(DNNL_ARG_WEIGHTS, pack(node.weights, weight_dims, grouped ? Tag::goihw : Tag::oihw, pd.weights_desc())),
         arg(DNNL_ARG_BIAS, pack(node.bias, {out}, Tag::x, pd.bias_desc())), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  // A few values, in which bf16 would round what decides: in float32 whatever the precision is.
  void emit_linear(const Node& node) {
    const bool flat = node.in.flat;
    const Value input =
        flat ? reordered(value(node.input), memory::desc({1, node.in.c}, Type::f32, Tag::nc)) : value(node.input);
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
    const Value& input = value(node.input);
    const Dims before{node.padding.top, node.padding.left};
    const Dims after{node.padding.bottom, node.padding.right};
    const dnnl::pooling_forward::desc desc(
        dnnl::prop_kind::forward_inference,
        node.max ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding, input.desc,
        memory::desc({1, node.out.c, node.out.h, node.out.w}, type_, Tag::any), {node.stride.h, node.stride.w},
        {node.kernel.h, node.kernel.w}, before, after);
    const dnnl::pooling_forward::primitive_desc pd(desc, attributes(Activation::none), plan_.engine);
    Value result = new_value(pd.dst_desc());
    add_step(dnnl::pooling_forward(pd), pd.scratchpad_desc(), {arg(DNNL_ARG_SRC, input), arg(DNNL_ARG_DST, result)});
    if (node.out.flat) {
      // One pixel: channel after channel in the plain and in the channel-blocked layouts alike.
      const Dims dims{1, node.out.c, 1, 1};
      const bool dense = std::any_of(std::begin(dense_tags), std::end(dense_tags),
                                     [&](Tag tag) { return result.desc == memory::desc(dims, type_, tag); });
      if (!dense) result = reordered(result, memory::desc(dims, type_, Tag::nhwc));
      result.desc = memory::desc({1, node.out.c}, type_, Tag::nc);
    }
    values_.push_back(result);
  }

  void emit_add(const Node& node) {
    const Value& left = value(node.input);
    const Value right = reordered(value(node.addend), left.desc);
    const dnnl::binary::desc desc(dnnl::algorithm::binary_add, left.desc, right.desc, left.desc);
    const dnnl::binary::primitive_desc pd(desc, attributes(node.activation), plan_.engine);
    const Value result = new_value(pd.dst_desc());
    add_step(dnnl::binary(pd), pd.scratchpad_desc(),
             {arg(DNNL_ARG_SRC_0, left), arg(DNNL_ARG_SRC_1, right), arg(DNNL_ARG_DST, result)});
    values_.push_back(result);
  }

  void emit_activation(const Node& node) {
    const Value& input = value(node.input);
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
    const Value source = reordered(value(node.input), memory::desc({1, node.in.c}, Type::f32, Tag::nc));
    const Value result = new_value(memory::desc({1, node.out.c}, Type::f32, Tag::nc));
    add_step({}, {}, {arg(DNNL_ARG_SRC, source), arg(DNNL_ARG_DST, result)});
    plan_.steps.back().log_sum_exp = node.sizes;
    plan_.steps.back().sharpness = static_cast<float>(node.sharpness);
    values_.push_back(result);
  }

  // In float32: a few values, of which some are log-sum-exps.
  void emit_concat(const Node& node) {
    std::vector<Value> parts{value(node.input)};
    for (const int part : node.parts) parts.push_back(value(part));
    const auto plain = [](const Value& part) { return memory::desc(part.desc.dims(), Type::f32, Tag::nc); };
    std::vector<memory::desc> descs;
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
    const Value& input = value(node.input);
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
  Type type_;
  Plan plan_;
  std::vector<Value> values_;
};

}  // namespace

Plan compile(const WeightedNetwork& model, Precision precision) {
  try {
    return Compiler(model, precision).compile();
  } catch (const dnnl::error& error) {
    throw Failure(Status::engine_failed, std::string("oneDNN failed while the network was prepared: ") + error.what());
  }
}

}  // namespace catdog::core::native
