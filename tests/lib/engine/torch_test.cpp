// SPDX-License-Identifier: Apache-2.0
// The torch plug-in against the native engine and against modules that it must refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <sstream>
#include <thread>

#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "engine/torch_loader.hpp"
#include "lib/engine/networks.hpp"
#include "model/safetensors.hpp"
#include "status.hpp"

namespace catdog {
namespace {

using core::EngineKind;
using core::Status;
using test_support::Bytes;
using testing::HasSubstr;

core::EngineOptions torch_options() {
  core::EngineOptions options;
  options.kind = EngineKind::torch;
  options.torch_plugin = CATDOG_TORCH_PLUGIN;
  return options;
}

Bytes bytes_of(const torch::jit::Module& module) {
  std::ostringstream stream;
  module.save(stream);
  const std::string text = stream.str();
  return {text.begin(), text.end()};
}

// A plain archive around one line of Python.
core::ModelFile plain_model(const std::string& result) {
  torch::jit::Module module("plain");
  module.define("def forward(self, x):\n    return " + result + "\n");
  return core::ModelFile::from_memory(bytes_of(module));
}

// The input with its padding written out, and no padding left.
std::string padded(const core::Padding& padding, const char* value) {
  const auto side = [](int pixels) { return std::to_string(pixels); };
  return "torch.constant_pad_nd(x, [" + side(padding.left) + ", " + side(padding.right) + ", " + side(padding.top) +
         ", " + side(padding.bottom) + "], " + value + ")";
}

std::string list(const core::Pair& pair) { return "[" + std::to_string(pair.h) + ", " + std::to_string(pair.w) + "]"; }

// The layer list as Python for TorchScript, one statement a layer, written straight from docs/model-format.md.
std::string statement(const core::Layer& layer) {
  const auto weight = [](std::string name, const char* what) {
    std::replace(name.begin(), name.end(), '.', '_');
    return "self." + name + "_" + what;
  };
  if (const auto* conv = std::get_if<core::ConvLayer>(&layer.op)) {
    return "torch.conv2d(" + padded(conv->padding, "0.0") + ", " + weight(conv->name, "weight") + ", " +
           (conv->bias ? weight(conv->name, "bias") : "None") + ", " + list(conv->stride) + ", [0, 0], [1, 1], " +
           std::to_string(conv->groups) + ")";
  }
  if (const auto* norm = std::get_if<core::BatchNormLayer>(&layer.op)) {
    std::ostringstream eps;
    eps << norm->eps;
    return "torch.batch_norm(x, " + weight(norm->name, "weight") + ", " + weight(norm->name, "bias") + ", " +
           weight(norm->name, "running_mean") + ", " + weight(norm->name, "running_var") + ", False, 0.1, " +
           eps.str() + ", False)";
  }
  if (const auto* relu = std::get_if<core::ReluLayer>(&layer.op)) {
    return relu->six ? "torch.clamp(x, 0.0, 6.0)" : "torch.relu(x)";
  }
  if (const auto* add = std::get_if<core::AddLayer>(&layer.op)) return "x + kept_" + add->from;
  if (const auto* pool = std::get_if<core::PoolLayer>(&layer.op)) {
    const std::string shape = list(pool->kernel) + ", " + list(pool->stride) + ", [0, 0]";
    if (pool->max) return "torch.max_pool2d(" + padded(pool->padding, "-1e30") + ", " + shape + ")";
    const std::string sum = "torch.avg_pool2d(" + padded(pool->padding, "0.0") + ", " + shape + ")";
    std::string count = sum;
    count.replace(count.find("(x,"), 3, "(torch.ones_like(x),");
    return sum + " / " + count;
  }
  if (std::holds_alternative<core::GlobalAvgPoolLayer>(layer.op)) return "x.mean(dim=[2, 3])";
  if (const auto* linear = std::get_if<core::LinearLayer>(&layer.op)) {
    return "torch.matmul(torch.flatten(x, 1), " + weight(linear->name, "weight") + ".t())" +
           (linear->bias ? " + " + weight(linear->name, "bias") : "");
  }
  if (const auto* sum = std::get_if<core::LogSumExpLayer>(&layer.op)) {
    const std::string factor = std::to_string(sum->sharpness);
    std::string sizes;
    for (const int size : sum->groups) sizes += std::to_string(size) + ", ";
    return "torch.cat([torch.log(torch.sum(torch.exp(part * " + factor + "), 1, True)) / " + factor +
           " for part in torch.split(x, [" + sizes + "], 1)], 1)";
  }
  if (const auto* concat = std::get_if<core::ConcatLayer>(&layer.op)) {
    std::string parts = "x";
    for (const std::string& id : concat->from) parts += ", kept_" + id;
    return "torch.cat([" + parts + "], 1)";
  }
  return "x";  // Dropout.
}

core::ModelFile torch_model(const core::ModelFile& native, const std::string& json) {
  torch::jit::Module module("network");
  std::vector<core::NamedTensor> tensors;
  for (const auto& [name, view] : native.weights()) {
    std::string attribute = name;
    std::replace(attribute.begin(), attribute.end(), '.', '_');
    const at::Tensor tensor = at::empty(view.shape, at::kFloat);
    std::copy(view.values.begin(), view.values.end(), tensor.data_ptr<float>());
    module.register_parameter(attribute, tensor, false);
    tensors.push_back({name, view.shape, view.values});
  }
  std::string source = "def forward(self, x):\n";
  for (const core::Layer& layer : native.config().network.layers) {
    if (!layer.input.empty()) source += "    x = kept_" + layer.input + "\n";
    source += "    x = " + statement(layer) + "\n";
    if (!layer.id.empty()) source += "    kept_" + layer.id + " = x\n";
  }
  module.define(source + "    return x\n");
  const Bytes weights = core::write_safetensors(tensors);
  std::ostringstream stream;
  module.save(stream, {{"catdog.json", json}, {"weights.safetensors", std::string(weights.begin(), weights.end())}});
  const std::string text = stream.str();
  return core::ModelFile::from_memory({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

class TorchNetwork : public testing::TestWithParam<test_support::NetworkCase> {};

TEST_P(TorchNetwork, AgreesWithTheNativeEngine) {
  auto recipe = test_support::recipe_for(GetParam());
  recipe.format_version = 1;  // torch_model() writes the weights' copy.
  const auto model = torch_model(test_support::model_for(recipe), test_support::make_catdog_json(recipe));
  const auto native = core::create_native_engine(model, core::Precision::fp32);
  const auto torch = core::create_torch_engine(model, torch_options());
  EXPECT_STREQ(torch->name(), "torch");
  for (const std::uint32_t seed : {1U, 2U}) {
    const auto image = test_support::random_image(GetParam().height, GetParam().width, seed);
    const auto expected = test_support::run(*native, image, recipe.labels.size());
    const auto actual = test_support::run(*torch, image, recipe.labels.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(actual[i], expected[i], 1e-4F * std::max(1.0F, std::abs(expected[i]))) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, TorchNetwork, testing::ValuesIn(test_support::network_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(TorchEngine, RunsAPlainArchiveWhenItIsAskedFor) {
  const auto options = torch_options();
  const auto model = plain_model("x.mean(dim=[2, 3])[:, 0:2]");
  const auto engine = core::create_engine(model, options, {});
  EXPECT_STREQ(engine->name(), "torch");
  const auto input = model.config().input;
  const auto image = test_support::random_image(input.height, input.width, 3);
  const auto logits = test_support::run(*engine, image, 2);
  const std::size_t pixels = static_cast<std::size_t>(input.height) * input.width;
  for (std::size_t c = 0; c < 2; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < pixels; ++i) sum += image[c * pixels + i];
    EXPECT_NEAR(logits[c], sum / static_cast<double>(pixels), 1e-5);
  }
}

// The plug-in is there, and still the program in the file isn't run.
TEST(TorchEngine, AutomaticNeverRunsIt) {
  auto options = torch_options();
  options.kind = EngineKind::automatic;
  const auto model = plain_model("x.mean(dim=[2, 3])[:, 0:2]");
  try {
    core::create_engine(model, options, {});
    FAIL() << "nothing was thrown";
  } catch (const core::Failure& failure) {
    EXPECT_EQ(failure.status(), Status::model_unsupported);
    EXPECT_THAT(failure.what(), HasSubstr("engine \"torch\""));
  }
}

core::Failure refusal(const core::ModelFile& model) {
  try {
    core::create_torch_engine(model, torch_options());
  } catch (const core::Failure& failure) {
    return failure;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {Status::ok, ""};
}

TEST(TorchEngine, SaysWhatShapeItGotAndWanted) {
  const auto failure = refusal(plain_model("x.mean(dim=[2, 3])"));
  EXPECT_EQ(failure.status(), Status::model_unsupported);
  EXPECT_THAT(failure.what(), HasSubstr("1×3 "));
  EXPECT_THAT(failure.what(), HasSubstr("1×2"));
}

TEST(TorchEngine, RefusesAResultThatIsNoTensor) {
  const auto failure = refusal(plain_model("(x, x)"));
  EXPECT_EQ(failure.status(), Status::model_unsupported);
  EXPECT_THAT(failure.what(), HasSubstr("Tuple"));
}

TEST(TorchEngine, ReportsAModuleThatThrows) {
  const auto failure = refusal(plain_model("x.view([7, 7])"));
  EXPECT_EQ(failure.status(), Status::model_unsupported);
  EXPECT_THAT(failure.what(), HasSubstr("libtorch"));
}

TEST(TorchEngine, AnArchiveThatLibtorchCannotReadIsAModelFormatError) {
  const auto failure = refusal(test_support::model_for({}));  // No TorchScript part.
  EXPECT_EQ(failure.status(), Status::model_format);
}

TEST(TorchEngine, ManyThreadsOnOneModuleGiveTheAnswersOfOne) {
  auto recipe = test_support::recipe_for(test_support::network_cases()[0]);
  recipe.format_version = 1;
  const auto model = torch_model(test_support::model_for(recipe), test_support::make_catdog_json(recipe));
  const auto engine = core::create_torch_engine(model, torch_options());
  std::vector<std::vector<float>> expected;
  for (std::uint32_t i = 0; i < 4; ++i) {
    expected.push_back(test_support::run(*engine, test_support::random_image(recipe.height, recipe.width, i), 2));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (std::uint32_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 50; ++i) {
        const auto image = test_support::random_image(recipe.height, recipe.width, (i + t) % 4);
        if (test_support::run(*engine, image, 2) != expected[(i + t) % 4]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace catdog
