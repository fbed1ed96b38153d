// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "floors.hpp"

namespace catdog::bench {

using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;

struct BareNetwork::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Type type = Type::f32;
  memory last;
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> steps;

  // Values don't matter for time, as long as they aren't subnormal.
  memory filled(const memory::desc& desc) const {
    memory result(desc, engine);
    std::memset(result.get_data_handle(), 0x3C, desc.get_size());  // About 0.01 in float32 and bf16.
    return result;
  }

  memory::desc any(const memory::dims& dims) const { return {dims, type, Tag::any}; }

  static dnnl::primitive_attr relu() {
    dnnl::post_ops ops;
    ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
    dnnl::primitive_attr attr;
    attr.set_post_ops(ops);
    return attr;
  }

  void conv(int in, int out, int h, int w) {
    const memory::desc source = last ? last.get_desc() : memory::desc({1, in, h, w}, type, Tag::nhwc);
    const dnnl::convolution_forward::primitive_desc pd({dnnl::prop_kind::forward_inference,
                                                        dnnl::algorithm::convolution_direct,
                                                        source,
                                                        any({out, in, 3, 3}),
                                                        memory::desc({out}, Type::f32, Tag::x),
                                                        any({1, out, h, w}),
                                                        {1, 1},
                                                        {1, 1},
                                                        {1, 1}},
                                                       relu(), engine);
    push(dnnl::convolution_forward(pd), pd);
  }

  void pool(int channels, int h, int w, int kernel_h, int kernel_w, dnnl::algorithm algorithm) {
    const dnnl::pooling_forward::primitive_desc pd({dnnl::prop_kind::forward_inference,
                                                    algorithm,
                                                    last.get_desc(),
                                                    any({1, channels, h / kernel_h, w / kernel_w}),
                                                    {kernel_h, kernel_w},
                                                    {kernel_h, kernel_w},
                                                    {0, 0},
                                                    {0, 0}},
                                                   engine);
    const memory result = filled(pd.dst_desc());
    steps.emplace_back(dnnl::pooling_forward(pd),
                       std::unordered_map<int, memory>{{DNNL_ARG_SRC, last}, {DNNL_ARG_DST, result}});
    last = result;
  }

  void linear(int out, bool with_relu) {
    memory::dims weights = last.get_desc().dims();
    weights[0] = out;
    const dnnl::inner_product_forward::primitive_desc pd(
        {dnnl::prop_kind::forward_inference, last.get_desc(), any(weights), memory::desc({out}, Type::f32, Tag::x),
         any({1, out})},
        with_relu ? relu() : dnnl::primitive_attr(), engine);
    push(dnnl::inner_product_forward(pd), pd);
  }

  template <typename Descriptor>
  void push(const dnnl::primitive& primitive, const Descriptor& pd) {
    const memory source = last ? last : filled(pd.src_desc());
    const memory result = filled(pd.dst_desc());
    steps.emplace_back(primitive, std::unordered_map<int, memory>{{DNNL_ARG_SRC, source},
                                                                  {DNNL_ARG_WEIGHTS, filled(pd.weights_desc())},
                                                                  {DNNL_ARG_BIAS, filled(pd.bias_desc())},
                                                                  {DNNL_ARG_DST, result}});
    last = result;
  }
};

BareNetwork::BareNetwork(int height, int width, int classes, bool bf16) : impl_(std::make_unique<Impl>()) {
  impl_->type = bf16 ? Type::bf16 : Type::f32;
  int in = 3;
  for (const int out : {32, 64, 128, 256}) {
    impl_->conv(in, out, height, width);
    impl_->pool(out, height, width, 2, 2, dnnl::algorithm::pooling_max);
    height /= 2;
    width /= 2;
    in = out;
  }
  impl_->pool(in, height, width, height, width, dnnl::algorithm::pooling_avg_exclude_padding);
  impl_->linear(128, true);
  impl_->linear(classes, false);
}

BareNetwork::~BareNetwork() = default;

void BareNetwork::run() {
  for (const auto& [primitive, args] : impl_->steps) primitive.execute(impl_->stream, args);
  impl_->stream.wait();
}

}  // namespace catdog::bench
