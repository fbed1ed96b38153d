// SPDX-License-Identifier: Apache-2.0
#include "model/network.hpp"

#include <gtest/gtest.h>

#include "failure_matcher.hpp"
#include "model/network_shapes.hpp"

namespace catdog::core {
namespace {

using test_support::expect_failure;

Network with_layers(const std::string& layers) { return parse_network(R"({"name": "n", "layers": [)" + layers + "]}"); }

TEST(Network, ReadsEveryOpWithItsDefaults) {
  const Network network = with_layers(R"(
    {"op": "conv2d", "name": "a.0", "out_channels": 8, "kernel": [3, 5], "padding": [1, 2], "stride": 2, "bias": false},
    {"op": "batch_norm", "name": "a.1"}, {"op": "relu6", "id": "skip"},
    {"op": "conv2d", "name": "b", "out_channels": 8, "kernel": 1, "groups": 4}, {"op": "add", "from": "skip"},
    {"op": "max_pool", "kernel": 3, "stride": [2, 1], "padding": 1}, {"op": "avg_pool", "kernel": 2},
    {"op": "global_avg_pool"}, {"op": "linear", "name": "c", "out_features": 5}, {"op": "relu"}, {"op": "dropout"})");
  ASSERT_EQ(network.layers.size(), 11U);
  EXPECT_EQ(network.name, "n");
  const auto& conv = std::get<ConvLayer>(network.layers[0].op);
  EXPECT_EQ(conv.name, "a.0");
  EXPECT_EQ(conv.out_channels, 8);
  EXPECT_EQ(conv.kernel.h, 3);
  EXPECT_EQ(conv.kernel.w, 5);
  EXPECT_EQ(conv.padding.left, 2);
  EXPECT_EQ(conv.padding.bottom, 1);
  EXPECT_EQ(conv.stride.h, 2);
  EXPECT_EQ(conv.stride.w, 2);
  EXPECT_EQ(conv.groups, 1);
  EXPECT_FALSE(conv.bias);
  EXPECT_DOUBLE_EQ(std::get<BatchNormLayer>(network.layers[1].op).eps, 1e-5);
  EXPECT_TRUE(std::get<ReluLayer>(network.layers[2].op).six);
  EXPECT_EQ(network.layers[2].id, "skip");
  EXPECT_TRUE(std::get<ConvLayer>(network.layers[3].op).bias);
  EXPECT_EQ(std::get<AddLayer>(network.layers[4].op).from, "skip");
  EXPECT_TRUE(std::get<PoolLayer>(network.layers[5].op).max);
  EXPECT_EQ(std::get<PoolLayer>(network.layers[5].op).stride.w, 1);
  EXPECT_FALSE(std::get<PoolLayer>(network.layers[6].op).max);
  EXPECT_EQ(std::get<PoolLayer>(network.layers[6].op).stride.h, 2);
  EXPECT_EQ(std::get<LinearLayer>(network.layers[8].op).out_features, 5);
  EXPECT_FALSE(std::get<ReluLayer>(network.layers[9].op).six);
  EXPECT_DOUBLE_EQ(std::get<DropoutLayer>(network.layers[10].op).p, 0.5);

  const auto shapes = infer_shapes(network, 20, 33);
  ASSERT_EQ(shapes.size(), 11U);
  EXPECT_EQ(shapes[0].c, 8);
  EXPECT_EQ(shapes[0].h, 10);  // (20 + 2 - 3) / 2 + 1
  EXPECT_EQ(shapes[0].w, 17);  // (33 + 4 - 5) / 2 + 1
  EXPECT_EQ(shapes[5].h, 5);   // (10 + 2 - 3) / 2 + 1
  EXPECT_EQ(shapes[5].w, 17);  // (17 + 2 - 3) / 1 + 1
  EXPECT_EQ(shapes[6].h, 2);
  EXPECT_EQ(shapes[6].w, 8);
  EXPECT_FALSE(shapes[6].flat);
  EXPECT_TRUE(shapes[7].flat);
  EXPECT_EQ(shapes[10].c, 5);

  std::vector<std::string> names;
  const auto specs = state_dict_specs(network, 20, 33);
  names.reserve(specs.size());
  for (const auto& spec : specs) names.push_back(spec.name);
  EXPECT_THAT(names, testing::ElementsAre("a.0.weight", "a.1.weight", "a.1.bias", "a.1.running_mean", "a.1.running_var",
                                          "b.weight", "b.bias", "c.weight", "c.bias"));
  EXPECT_THAT(specs[0].shape, testing::ElementsAre(8, 3, 3, 5));
  EXPECT_THAT(specs[1].shape, testing::ElementsAre(8));
  EXPECT_THAT(specs[5].shape, testing::ElementsAre(8, 2, 1, 1));
  EXPECT_THAT(specs[7].shape, testing::ElementsAre(5, 8));
}

TEST(Network, PadsEachSideApart) {
  const Network network = with_layers(R"(
    {"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 3, "stride": 2, "padding": [0, 1, 2, 3]},
    {"op": "max_pool", "kernel": [5, 7], "stride": 1, "padding": [0, 0, 2, 3]})");
  const Padding& padding = std::get<ConvLayer>(network.layers[0].op).padding;
  EXPECT_EQ(padding.top, 0);
  EXPECT_EQ(padding.left, 1);
  EXPECT_EQ(padding.bottom, 2);
  EXPECT_EQ(padding.right, 3);
  EXPECT_FALSE(padding.symmetric());
  const auto shapes = infer_shapes(network, 20, 33);
  EXPECT_EQ(shapes[0].h, 10);  // (20 + 2 - 3) / 2 + 1
  EXPECT_EQ(shapes[0].w, 18);  // (33 + 4 - 3) / 2 + 1
  EXPECT_EQ(shapes[1].h, 8);   // 10 + 2 - 5 + 1
  EXPECT_EQ(shapes[1].w, 15);  // 18 + 3 - 7 + 1
}

TEST(Network, ALayerMayReadAnEarlierOne) {
  const Network network = with_layers(R"(
    {"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 1, "id": "x"}, {"op": "max_pool", "kernel": 2},
    {"op": "conv2d", "name": "b", "out_channels": 4, "kernel": 1, "input": "x"}, {"op": "global_avg_pool"})");
  EXPECT_EQ(network.layers[2].input, "x");
  const auto shapes = infer_shapes(network, 20, 30);
  EXPECT_EQ(shapes[2].h, 20);
  EXPECT_EQ(shapes[2].w, 30);
  const auto specs = state_dict_specs(network, 20, 30);
  EXPECT_THAT(specs[2].shape, testing::ElementsAre(4, 8, 1, 1));
}

TEST(Network, LinearFlattensPlanes) {
  const auto specs =
      state_dict_specs(with_layers(R"({"op": "linear", "name": "fc", "out_features": 2, "bias": false})"), 4, 6);
  ASSERT_EQ(specs.size(), 1U);
  EXPECT_THAT(specs[0].shape, testing::ElementsAre(2, 72));
}

TEST(Network, EmptyObjectIsNoNetwork) { EXPECT_TRUE(parse_network("{}").layers.empty()); }

TEST(Network, RefusesBadLists) {
  const struct {
    const char* layers;
    const char* message;
  } cases[] = {
      {R"({"op": "softmax"})", "unknown layer \"softmax\""},
      {R"({"name": "x"})", "layers[0].op: is missing"},
      {R"({"op": 3})", "op: must be a string"},
      {R"(7)", "layers[0]: must be an object"},
      {R"({"op": "conv2d", "out_channels": 8, "kernel": 3})", "name: is missing"},
      {R"({"op": "conv2d", "name": "a", "kernel": 3})", "out_channels: is missing"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8})", "kernel: is missing"},
      {R"({"op": "conv2d", "name": "", "out_channels": 8, "kernel": 3})", "name: must have"},
      {R"({"op": "conv2d", "name": "a..b", "out_channels": 8, "kernel": 3})", "dotted identifier"},
      {R"({"op": "conv2d", "name": "a.", "out_channels": 8, "kernel": 3})", "dotted identifier"},
      {R"({"op": "conv2d", "name": "a/b", "out_channels": 8, "kernel": 3})", "dotted identifier"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 0, "kernel": 3})", "out_channels: must be from 1 to 65536"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 65537, "kernel": 3})", "out_channels: must be from"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 1.5, "kernel": 3})", "out_channels: must be a whole number"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 18446744073709551615, "kernel": 3})", "out_channels: must be"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 0})", "kernel: must be from 1"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": [3]})", "kernel: must have"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": [3, -1]})", "kernel[1]: must be from 1"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 3, "stride": 0})", "stride: must be from 1"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 3, "padding": -1})", "padding: must be from 0"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 3, "groups": 3})", "groups: must divide"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 3, "bias": 1})", "bias: must be true or false"},
      {R"({"op": "batch_norm", "name": "a", "eps": 0})", "eps: must be from"},
      {R"({"op": "max_pool", "kernel": 2, "padding": 2})", "padding: must be at most half"},
      {R"({"op": "max_pool", "kernel": 3, "padding": [0, 0, 1, 2]})", "padding: must be at most half"},
      {R"({"op": "max_pool", "kernel": 3, "padding": [0, 0, 1]})", "padding: must have from 2 to 2"},
      {R"({"op": "max_pool", "kernel": 3, "padding": [0, 0, 1, -1]})", "padding[3]: must be from 0"},
      {R"({"op": "relu", "input": "later"}, {"op": "relu", "id": "later"})", "input: no earlier layer has the id"},
      {R"({"op": "dropout", "p": 1.1})", "p: must be from 0 to 1"},
      {R"({"op": "linear", "name": "a", "out_features": "2"})", "out_features: must be a whole number"},
      {R"({"op": "add", "from": "nowhere"})", "no earlier layer has the id \"nowhere\""},
      {R"({"op": "concat", "from": ["nowhere"]})", "from: no earlier layer has the id \"nowhere\""},
      {R"({"op": "concat", "from": "x"})", "from: must be a"},
      {R"({"op": "log_sum_exp", "groups": []})", "groups: must have from 1"},
      {R"({"op": "log_sum_exp", "groups": [0]})", "groups: must be from 1"},
      {R"({"op": "log_sum_exp", "groups": [3], "sharpness": 0})", "sharpness: must be from"},
      {R"({"op": "add", "id": "self", "from": "self"})", "no earlier layer"},
      {R"({"op": "relu", "id": "a"}, {"op": "relu", "id": "a"})", "\"a\" is used twice"},
      {R"({"op": "batch_norm", "name": "a"}, {"op": "batch_norm", "name": "a"})", "\"a\" is used twice"},
  };
  for (const auto& [layers, message] : cases) {
    SCOPED_TRACE(layers);
    expect_failure(Status::model_format, message, [&text = layers] { with_layers(text); });
  }
  std::string many = R"({"op": "relu"})";
  for (int i = 0; i < 1000; ++i) many += R"(, {"op": "relu"})";
  expect_failure(Status::model_format, "layers: must have from 0 to 1000", [&] { with_layers(many); });
  expect_failure(Status::model_format, "not valid JSON", [] { parse_network("{"); });
  expect_failure(Status::model_format, "must be an object", [] { parse_network("[]"); });
  expect_failure(Status::model_format, "layers: is missing", [] { parse_network(R"({"name": "x"})"); });
}

TEST(Network, RefusesLayersThatDoNotFitTheirInput) {
  const struct {
    const char* layers;
    const char* message;
  } cases[] = {
      {R"({"op": "conv2d", "name": "a", "out_channels": 8, "kernel": 33})", "larger than its padded input (32)"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 4, "kernel": 1, "groups": 2})", "must divide the 3 input"},
      {R"({"op": "global_avg_pool"}, {"op": "relu"}, {"op": "max_pool", "kernel": 1})", "layers[2]: max_pool needs"},
      {R"({"op": "global_avg_pool"}, {"op": "global_avg_pool"})", "global_avg_pool needs"},
      {R"({"op": "log_sum_exp", "groups": [1, 2]})",
       "log_sum_exp: the groups have 3 channels together, but its input is 3×"},
      {R"({"op": "relu", "id": "x"}, {"op": "global_avg_pool"}, {"op": "concat", "from": ["x"]})",
       "inputs must be flat"},
      {R"({"op": "linear", "name": "a", "out_features": 65536, "id": "x"}, {"op": "concat", "from": ["x"]})",
       "more than 65536 channels"},
      {R"({"op": "global_avg_pool"}, {"op": "log_sum_exp", "groups": [1, 1]})", "the groups have 2 channels together"},
      {R"({"op": "global_avg_pool"}, {"op": "log_sum_exp", "groups": [65536, 65536]})",
       "the groups have 131072 channels"},
      {R"({"op": "linear", "name": "a", "out_features": 4}, {"op": "conv2d", "name": "b", "out_channels": 4, "kernel": 1})",
       "conv2d needs"},
      {R"({"op": "relu", "id": "x"}, {"op": "max_pool", "kernel": 2}, {"op": "add", "from": "x"})",
       "its input is 3×16×16, but \"x\" is 3×32×32"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 1, "kernel": 1, "padding": 40000})", "output side is above"},
      {R"({"op": "conv2d", "name": "a", "out_channels": 65536, "kernel": 1, "padding": 1000})", "more than 2^28"},
  };
  for (const auto& [layers, message] : cases) {
    SCOPED_TRACE(layers);
    expect_failure(Status::model_format, message, [&text = layers] { infer_shapes(with_layers(text), 32, 32); });
  }
  expect_failure(Status::model_format, "input sides", [] { infer_shapes({}, 0, 32); });
}

TEST(Network, CountsWeightsWithoutOverflow) {
  // 65536 × 65536 × 65536 × 65536 = 2^64 weights would wrap to none.
  const Network network = with_layers(R"(
    {"op": "conv2d", "name": "a", "out_channels": 65536, "kernel": 1, "stride": 8},
    {"op": "conv2d", "name": "b", "out_channels": 65536, "kernel": 65536, "stride": 65536, "padding": 32767})");
  expect_failure(Status::model_format, "b.weight brings the weights above", [&] { state_dict_specs(network, 16, 16); });
}

}  // namespace
}  // namespace catdog::core
