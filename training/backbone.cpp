// SPDX-License-Identifier: Apache-2.0
#include "backbone.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/model_file.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

using nlohmann::ordered_json;

constexpr double dropout = 0.2;  // Before the new layer.

// The layers up to the global average pooling, itself included.
ordered_json layers_of(const core::ModelFile& model) {
  const ordered_json all = ordered_json::parse(model.config().json).at("architecture").at("layers");
  const auto pooling = std::find_if(all.begin(), all.end(),
                                    [](const ordered_json& layer) { return layer.at("op") == "global_avg_pool"; });
  if (pooling == all.end()) {
    throw core::Failure(core::Status::invalid_argument,
                        "--backbone " + model.path() + ": its network has no global average pooling");
  }
  ordered_json layers = ordered_json::array();
  std::copy(all.begin(), pooling + 1, std::back_inserter(layers));
  return layers;
}

core::ModelFile open(const std::string& path) {
  core::ModelFile model = core::ModelFile::from_file(path);
  if (model.has_native_part()) return model;
  throw core::Failure(core::Status::invalid_argument, "--backbone " + path + ": the file has no layer list");
}

}  // namespace

void use_backbone(TrainOptions& options) {
  if (options.backbone.empty()) return;
  const core::ModelFile model = open(options.backbone);
  const core::InputSpec& input = model.config().input;
  if (input.width != input.height || !input.rgb) {
    throw core::Failure(core::Status::invalid_argument,
                        "--backbone " + options.backbone + ": its input is no square of RGB, which the trainer needs");
  }
  options.init = options.backbone;
  options.image_size = input.width;
  std::copy(input.mean.begin(), input.mean.end(), options.mean.begin());
  std::copy(input.std_dev.begin(), input.std_dev.end(), options.std_dev.begin());
  if (options.views == 0) options.views = 4;
  for (const ordered_json& layer : layers_of(model)) {
    if (layer.contains("name")) options.freeze.push_back(layer.at("name"));
  }
}

std::string backbone_architecture(const std::string& model, std::size_t outputs) {
  const core::ModelFile file = open(model);
  ordered_json layers = layers_of(file);
  layers.push_back({{"op", "dropout"}, {"p", dropout}});
  layers.push_back({{"op", "linear"}, {"name", "labels"}, {"out_features", outputs}});
  return ordered_json{{"name", file.config().network.name}, {"layers", std::move(layers)}}.dump();
}

}  // namespace catdog::training
