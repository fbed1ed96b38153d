// SPDX-License-Identifier: Apache-2.0
// What the import tests share: the stored numbers of a checkpoint, the catdog.json that fits it, running a model file.
#pragma once

#include <torch/script.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "model/golden.hpp"
#include "model/model_file.hpp"
#include "model/network_shapes.hpp"
#include "torch_io/model_writer.hpp"

namespace catdog::test_support {

using Json = nlohmann::json;

inline std::string checkpoint_path(const std::string& file) {
  return std::string(CATDOG_SOURCE_DIR "/tests/golden/checkpoints/") + file;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  return {text.begin(), text.end()};
}

inline Json simple_cnn(const std::vector<int>& channels, int hidden, int classes) {
  Json layers = Json::array();
  int number = 0;
  for (const int out : channels) {
    const std::string block = "conv" + std::to_string(++number);
    layers.push_back({{"op", "conv2d"}, {"name", block + ".0"}, {"out_channels", out}, {"kernel", 3}, {"padding", 1}});
    layers.push_back({{"op", "batch_norm"}, {"name", block + ".1"}});
    layers.push_back({{"op", "relu"}});
    layers.push_back({{"op", "max_pool"}, {"kernel", 2}});
  }
  layers.push_back({{"op", "global_avg_pool"}});
  layers.push_back({{"op", "linear"}, {"name", "fc.1"}, {"out_features", hidden}});
  layers.push_back({{"op", "relu"}});
  layers.push_back({{"op", "dropout"}, {"p", 0.5}});
  layers.push_back({{"op", "linear"}, {"name", "fc.4"}, {"out_features", classes}});
  return {{"name", "simplecnn"}, {"layers", layers}};
}

// Without format, format_version and golden, which the writer fills in.
inline Json config_for(const Json& architecture, int size, int classes = 2) {
  std::vector<std::string> labels{"cat", "dog"};
  for (int i = 2; i < classes; ++i) labels.push_back("label" + std::to_string(i));
  return {{"name", "imported"},
          {"version", "0.1.0"},
          {"labels", labels},
          {"input",
           {{"width", size},
            {"height", size},
            {"colour", "rgb"},
            {"resize", "squash-area"},
            {"mean", {0.485, 0.456, 0.406}},
            {"std", {0.229, 0.224, 0.225}}}},
          {"architecture", architecture}};
}

inline Json config_for_numbers(const Json& numbers) {
  const int classes = numbers.at("classes").get<int>();
  return config_for(
      simple_cnn(numbers.at("channels").get<std::vector<int>>(), numbers.at("hidden").get<int>(), classes),
      numbers.at("size").get<int>(), classes);
}

inline std::vector<float> native_logits(const core::ModelFile& model, std::uint32_t seed, int golden_version = 1) {
  const auto engine = core::create_native_engine(model, core::Precision::fp32);
  const auto context = engine->create_context();
  const core::InputSpec& input = model.config().input;
  core::normalise(core::golden_image(seed, core::Size{input.width, input.height}, golden_version), input,
                  context->input());
  std::vector<float> logits(model.config().outputs());
  context->run(logits);
  return logits;
}

inline std::vector<float> script_logits(const std::filesystem::path& file, const core::InputSpec& input,
                                        std::uint32_t seed, int golden_version = 1) {
  torch::jit::Module module = torch::jit::load(file.string());
  at::Tensor image = at::empty({1, 3, input.height, input.width}, at::kFloat);
  core::normalise(core::golden_image(seed, core::Size{input.width, input.height}, golden_version), input,
                  core::InputTensor{image.data_ptr<float>(), core::ElementType::float32, core::Layout::nchw,
                                    input.height, input.width});
  const at::Tensor logits = module.forward({image}).toTensor().contiguous();
  return {logits.data_ptr<float>(), logits.data_ptr<float>() + logits.numel()};
}

// Random weights for a network; batch-norm statistics as training could have left them.
inline torch_io::StateDict random_state(const core::Network& network, int height, int width) {
  torch_io::StateDict state;
  for (const core::TensorSpec& spec : core::state_dict_specs(network, height, width)) {
    at::Tensor tensor = at::randn(spec.shape) * 0.5;
    if (spec.name.ends_with("running_var")) tensor = tensor.abs() + 0.3;
    state[spec.name] = tensor;
  }
  return state;
}

}  // namespace catdog::test_support
