// SPDX-License-Identifier: Apache-2.0
#include "network_module.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "parameter_groups.hpp"
#include "status.hpp"

namespace {

using namespace catdog;
using training::TrainableNetwork;

core::Network simplecnn() {
  std::ifstream in(CATDOG_SOURCE_DIR "/training/architectures/simplecnn.json");
  std::ostringstream text;
  text << in.rdbuf();
  return core::parse_network(text.str());
}

// The field's SimpleCNN written by hand, with torch's own modules.
struct SimpleCnnByHand : torch::nn::Module {
  std::vector<torch::nn::Sequential> blocks;
  torch::nn::Sequential fc;

  SimpleCnnByHand() {
    int in = 3;
    for (int i = 0; i < 4; ++i) {
      const int out = 32 << i;
      blocks.push_back(register_module(
          "conv" + std::to_string(i + 1),
          torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1)),
                                torch::nn::BatchNorm2d(out), torch::nn::ReLU(), torch::nn::MaxPool2d(2))));
      in = out;
    }
    fc = register_module("fc",
                         torch::nn::Sequential(torch::nn::Flatten(), torch::nn::Linear(256, 128), torch::nn::ReLU(),
                                               torch::nn::Dropout(0.5), torch::nn::Linear(128, 2)));
  }
  at::Tensor forward(at::Tensor x) {
    for (auto& block : blocks) x = block->forward(x);
    return fc->forward(torch::adaptive_avg_pool2d(x, {1, 1}));
  }
  training::StateDict state() const {
    training::StateDict state;
    for (const auto& item : named_parameters()) state[item.key()] = item.value().detach();
    for (const auto& item : named_buffers()) {
      if (item.value().is_floating_point()) state[item.key()] = item.value();
    }
    return state;
  }
};

// TensorFlow's SAME padding, and an input that is an earlier layer's output.
TEST(TrainableNetwork, PadsEachSideApartAndReadsEarlierLayers) {
  torch::manual_seed(5);
  const TrainableNetwork network(core::parse_network(R"({"layers": [
    {"op": "conv2d", "name": "a", "out_channels": 4, "kernel": 3, "stride": 2, "padding": [0, 0, 1, 1], "id": "x"},
    {"op": "max_pool", "kernel": 3, "stride": 2, "padding": [0, 0, 1, 1], "id": "y"},
    {"op": "avg_pool", "kernel": 3, "stride": 2, "padding": [0, 1, 1, 0], "input": "x"}, {"op": "add", "from": "y"}]})"),
                                 16);
  const at::Tensor x = torch::randn({2, 3, 16, 16});
  const at::Tensor a = torch::conv2d(at::constant_pad_nd(x, {0, 1, 0, 1}, 0), network.state().at("a.weight"),
                                     network.state().at("a.bias"), 2);
  const auto windows = [](const at::Tensor& t) { return t.unfold(2, 3, 2).unfold(3, 3, 2); };
  const auto sums = [&](const at::Tensor& t) { return windows(at::constant_pad_nd(t, {1, 0, 0, 1}, 0)).sum({4, 5}); };
  const at::Tensor expected =
      windows(at::constant_pad_nd(a, {0, 1, 0, 1}, -1e30)).amax({4, 5}) + sums(a) / sums(at::ones_like(a));
  EXPECT_TRUE(at::allclose(network.forward(x, false), expected, 1e-4, 1e-5));
}

TEST(TrainableNetwork, SimpleCnnHasTheOriginalsStateDictAndAnswers) {
  torch::manual_seed(3);
  SimpleCnnByHand original;
  original.train();
  for (int i = 0; i < 3; ++i)
    original.forward(torch::randn({4, 3, 64, 64}));  // Batch-norm statistics other than 0 and 1.
  original.eval();
  TrainableNetwork network(simplecnn(), 64);
  network.load(original.state());
  EXPECT_EQ(network.state().size(), original.state().size());
  const at::Tensor x = torch::randn({2, 3, 64, 64});
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::allclose(network.forward(x, false), original.forward(x), 1e-5, 1e-5));
}

TEST(TrainableNetwork, TrainingUsesBatchStatisticsAndDropout) {
  TrainableNetwork network(simplecnn(), 32);
  const torch::NoGradGuard no_grad;
  const at::Tensor x = torch::randn({8, 3, 32, 32});
  EXPECT_TRUE(torch::equal(network.forward(x, false), network.forward(x, false)));
  const at::Tensor before = network.state().at("conv1.1.running_mean").clone();
  EXPECT_FALSE(torch::equal(network.forward(x, true), network.forward(x, true)));
  EXPECT_FALSE(torch::equal(network.state().at("conv1.1.running_mean"), before));
}

TEST(TrainableNetwork, InitialWeightsHavePyTorchsSpread) {
  torch::manual_seed(1);
  const TrainableNetwork network(simplecnn(), 32);
  const at::Tensor weight = network.state().at("conv3.0.weight");  // Fan-in 64·9: uniform in ±1/24.
  EXPECT_LE(weight.abs().max().item<double>(), 1.0 / 24);
  EXPECT_NEAR(weight.std().item<double>(), 1.0 / 24 / std::sqrt(3.0), 5e-4);
  EXPECT_EQ(network.state().at("conv3.1.running_var").min().item<double>(), 1);
}

TEST(ParameterGroups, OnlyMatricesAndFiltersDecay) {
  const TrainableNetwork network(simplecnn(), 32);
  const auto groups = training::group_parameters(network, {});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_TRUE(groups[0].decayed);
  EXPECT_EQ(groups[0].parameters.size(), 6U);  // Four convolutions, two linear layers.
  EXPECT_FALSE(groups[1].decayed);
  EXPECT_EQ(groups[1].parameters.size(), 14U);  // Their biases, and batch-norm's scale and shift.
}

TEST(ParameterGroups, AFrozenLayerIsInNoneAndARateMakesItsOwn) {
  TrainableNetwork network(simplecnn(), 32);
  network.freeze({"conv1", "conv2", "conv3.0"});
  training::TrainOptions options;
  options.rate = {"fc=0.5", "fc.4=0.1"};
  const auto groups = training::group_parameters(network, options);
  std::map<double, std::size_t> parameters;
  for (const auto& group : groups) parameters[group.rate] += group.parameters.size();
  EXPECT_THAT(parameters, testing::UnorderedElementsAre(testing::Pair(1.0, 6U),    // conv3.1, conv4.
                                                        testing::Pair(0.5, 2U),    // fc.1.
                                                        testing::Pair(0.1, 2U)));  // fc.4.
  options.rate = {"fc=fast"};
  EXPECT_THROW(training::group_parameters(network, options), core::Failure);
  network.freeze({"conv3", "conv4", "fc"});
  options.rate.clear();
  EXPECT_THROW(training::group_parameters(network, options), core::Failure);
}

TEST(TrainableNetwork, AFrozenLayerKeepsItsBatchNormStatistics) {
  torch::manual_seed(1);
  TrainableNetwork network(simplecnn(), 32);
  network.freeze({"conv1"});
  network.forward(torch::randn({4, 3, 32, 32}), true);
  EXPECT_EQ(network.state().at("conv1.1.running_mean").abs().max().item<double>(), 0);
  EXPECT_GT(network.state().at("conv2.1.running_mean").abs().max().item<double>(), 0);
  EXPECT_THROW(network.freeze({"conv9"}), core::Failure);
}

TEST(TrainableNetwork, LoadingTakesWhatFitsAndNamesTheRest) {
  TrainableNetwork network(simplecnn(), 32);
  training::StateDict state = training::detached_copy(network.state());
  state["conv1.0.bias"].fill_(7);
  state["fc.4.weight"] = torch::zeros({3, 128});
  state.erase("fc.4.bias");
  EXPECT_THAT(network.load(state), testing::ElementsAre("fc.4.weight", "fc.4.bias"));
  EXPECT_EQ(network.state().at("conv1.0.bias").min().item<double>(), 7);
  EXPECT_THROW(network.load({{"other", torch::zeros({1})}}), core::Failure);
}

}  // namespace
