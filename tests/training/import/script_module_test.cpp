// SPDX-License-Identifier: Apache-2.0
// Every kind of layer: the generated TorchScript against the same thing written with torch's operators.
#include <gtest/gtest.h>

#include <functional>

#include "lib/model/failure_matcher.hpp"
#include "model/network_shapes.hpp"
#include "torch_io/model_writer.hpp"
#include "training/import/simple_cnn.hpp"

namespace catdog {
namespace {

using at::Tensor;
using State = torch_io::StateDict;
using Pairs = std::vector<std::int64_t>;

struct LayerCase {
  std::string name;
  std::string layers;
  std::function<Tensor(const Tensor&, const State&)> expected;
};

// A failing test, and ctest, name the case instead of listing its bytes.
void PrintTo(const LayerCase& each, std::ostream* out) { *out << each.name; }

Tensor conv(const Tensor& x, const State& s, const std::string& name, Pairs stride, Pairs padding, int groups,
            bool bias = true) {
  return at::conv2d(x, s.at(name + ".weight"), bias ? s.at(name + ".bias") : Tensor(), stride, padding, {1, 1}, groups);
}

// By the definition, since at::batch_norm is what the module itself calls.
Tensor norm(const Tensor& x, const State& s, const std::string& name, double eps) {
  const auto plane = [&](const char* leaf) { return s.at(name + leaf).view({1, -1, 1, 1}); };
  return (x - plane(".running_mean")) / at::sqrt(plane(".running_var") + eps) * plane(".weight") + plane(".bias");
}

std::vector<LayerCase> layer_cases() {
  return {
      {"strided_conv", R"({"op":"conv2d","name":"a.0","out_channels":5,"kernel":[3,5],"stride":[2,1],"padding":[0,2]})",
       [](const Tensor& x, const State& s) {
         return conv(x, s, "a.0", {2, 1}, {0, 2}, 1);
       }},
      {"grouped_conv", R"({"op":"conv2d","name":"a","out_channels":6,"kernel":3,"groups":3})",
       [](const Tensor& x, const State& s) {
         return conv(x, s, "a", {1, 1}, {0, 0}, 3);
       }},
      {"depthwise_conv_without_bias",
       R"({"op":"conv2d","name":"a.b.c","out_channels":3,"kernel":3,"padding":1,"groups":3,"bias":false})",
       [](const Tensor& x, const State& s) {
         return conv(x, s, "a.b.c", {1, 1}, {1, 1}, 3, false);
       }},
      {"batch_norm", R"({"op":"batch_norm","name":"bn.1"})",
       [](const Tensor& x, const State& s) { return norm(x, s, "bn.1", 1e-5); }},
      {"batch_norm_with_large_eps", R"({"op":"batch_norm","name":"bn","eps":0.125})",
       [](const Tensor& x, const State& s) { return norm(x, s, "bn", 0.125); }},
      {"relu", R"({"op":"relu"})", [](const Tensor& x, const State&) { return at::where(x > 0, x, x * 0); }},
      {"relu6", R"({"op":"relu6"})",
       [](const Tensor& x, const State&) { return at::minimum(at::maximum(x, x * 0), x * 0 + 6); }},
      {"add",
       R"({"op":"relu","id":"r"},{"op":"conv2d","name":"a","out_channels":3,"kernel":1},{"op":"add","from":"r"})",
       [](const Tensor& x, const State& s) {
         return at::relu(x) + conv(at::relu(x), s, "a", {1, 1}, {0, 0}, 1);
       }},
      {"add_of_dropout",
       R"({"op":"relu"},{"op":"dropout","id":"d"},{"op":"batch_norm","name":"n"},{"op":"add","from":"d"})",
       [](const Tensor& x, const State& s) { return at::relu(x) + norm(at::relu(x), s, "n", 1e-5); }},
      {"max_pool", R"({"op":"max_pool","kernel":[3,2],"stride":[2,3],"padding":[1,0]})",
       [](const Tensor& x, const State&) {
         const Tensor padded = at::constant_pad_nd(x, {0, 0, 1, 1}, -1e30);
         return padded.unfold(2, 3, 2).unfold(3, 2, 3).amax({4, 5});
       }},
      {"avg_pool_does_not_count_padding", R"({"op":"avg_pool","kernel":3,"stride":2,"padding":1})",
       [](const Tensor& x, const State&) {
         const auto sums = [](const Tensor& t) {
           return at::constant_pad_nd(t, {1, 1, 1, 1}, 0).unfold(2, 3, 2).unfold(3, 3, 2).sum({4, 5});
         };
         return sums(x) / sums(at::ones_like(x));
       }},
      {"conv_padded_on_each_side_apart",
       R"({"op":"conv2d","name":"a","out_channels":5,"kernel":3,"stride":2,"padding":[0,1,2,3]})",
       [](const Tensor& x, const State& s) {
         return conv(at::constant_pad_nd(x, {1, 3, 0, 2}, 0), s, "a", {2, 2}, {0, 0}, 1);
       }},
      {"max_pool_padded_on_each_side_apart", R"({"op":"max_pool","kernel":3,"stride":2,"padding":[0,0,1,1]})",
       [](const Tensor& x, const State&) {
         return at::constant_pad_nd(x, {0, 1, 0, 1}, -1e30).unfold(2, 3, 2).unfold(3, 3, 2).amax({4, 5});
       }},
      {"avg_pool_padded_on_each_side_apart", R"({"op":"avg_pool","kernel":3,"stride":2,"padding":[0,1,1,0]})",
       [](const Tensor& x, const State&) {
         const auto sums = [](const Tensor& t) {
           return at::constant_pad_nd(t, {1, 0, 0, 1}, 0).unfold(2, 3, 2).unfold(3, 3, 2).sum({4, 5});
         };
         return sums(x) / sums(at::ones_like(x));
       }},
      {"input_of_an_earlier_layer",
       R"({"op":"relu","id":"r"},{"op":"max_pool","kernel":2},{"op":"conv2d","name":"a","out_channels":3,"kernel":1,"input":"r"})",
       [](const Tensor& x, const State& s) {
         return conv(at::relu(x), s, "a", {1, 1}, {0, 0}, 1);
       }},
      {"pool_stride_defaults_to_its_kernel", R"({"op":"avg_pool","kernel":[2,3]})",
       [](const Tensor& x, const State&) {
         return x.unfold(2, 2, 2).unfold(3, 3, 3).mean({4, 5});
       }},
      {"global_avg_pool", R"({"op":"global_avg_pool"})",
       [](const Tensor& x, const State&) { return x.flatten(2).sum(2) / (11 * 12); }},
      {"linear", R"({"op":"linear","name":"fc.4","out_features":7})",
       [](const Tensor& x, const State& s) {
         return at::matmul(x.reshape({x.size(0), -1}), s.at("fc.4.weight").t()) + s.at("fc.4.bias");
       }},
      {"linear_without_bias", R"({"op":"global_avg_pool"},{"op":"linear","name":"f","out_features":4,"bias":false})",
       [](const Tensor& x, const State& s) {
         return at::matmul(x.mean({2, 3}), s.at("f.weight").t());
       }},
      {"dropout", R"({"op":"dropout","p":0.9},{"op":"relu"})",
       [](const Tensor& x, const State&) { return at::relu(x); }},
  };
}

class ScriptModule : public testing::TestWithParam<LayerCase> {};

TEST_P(ScriptModule, ComputesTheLayer) {
  at::manual_seed(5);
  const auto network = core::parse_network(R"({"name":"n","layers":[)" + GetParam().layers + "]}");
  const State state = test_support::random_state(network, 11, 12);
  torch::jit::Module module = torch_io::build_script_module(network, core::state_dict_specs(network, 11, 12), state);
  const Tensor x = at::randn({2, 3, 11, 12}) * 4;
  const Tensor expected = GetParam().expected(x, state);
  const Tensor actual = module.forward({x}).toTensor();
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LE((actual - expected).abs().max().item<double>(), 2e-5 * (1 + expected.abs().max().item<double>()));
}

TEST_P(ScriptModule, HasTheStateDictOfTheLayerList) {
  const auto network = core::parse_network(R"({"name":"n","layers":[)" + GetParam().layers + "]}");
  const State state = test_support::random_state(network, 11, 12);
  const torch::jit::Module module =
      torch_io::build_script_module(network, core::state_dict_specs(network, 11, 12), state);
  State found;
  for (const auto& parameter : module.named_parameters()) found[parameter.name] = parameter.value;
  for (const auto& buffer : module.named_buffers()) {
    EXPECT_NE(buffer.name.find("running_"), std::string::npos) << buffer.name;
    found[buffer.name] = buffer.value;
  }
  ASSERT_EQ(found.size(), state.size());
  for (const auto& [name, tensor] : state) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_TRUE(at::equal(found[name], tensor)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ScriptModule, testing::ValuesIn(layer_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(ScriptModuleErrors, NamesAMissingTensor) {
  const auto network = core::parse_network(R"({"name":"n","layers":[{"op":"batch_norm","name":"bn"}]})");
  State state = test_support::random_state(network, 11, 12);
  state.erase("bn.running_var");
  test_support::expect_failure(core::Status::model_format, "bn.running_var", [&] {
    torch_io::build_script_module(network, core::state_dict_specs(network, 11, 12), state);
  });
}

// Names that the tree of modules cannot hold, although the layer list may have them.
class CollidingName : public testing::TestWithParam<std::string> {};

TEST_P(CollidingName, IsRefusedByName) {
  const auto network =
      core::parse_network(R"({"name":"n","layers":[{"op":"conv2d","name":"a","out_channels":2,"kernel":1},
    {"op":"conv2d","name":")" +
                          GetParam() + R"(","out_channels":2,"kernel":1}]})");
  const State state = test_support::random_state(network, 11, 12);
  const std::string last = GetParam().substr(GetParam().rfind('.') + 1);
  test_support::expect_failure(core::Status::model_format, last, [&] {
    torch_io::build_script_module(network, core::state_dict_specs(network, 11, 12), state);
  });
}

INSTANTIATE_TEST_SUITE_P(All, CollidingName, testing::Values("a.weight", "training", "a.training", "forward"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace catdog
