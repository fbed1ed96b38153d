// SPDX-License-Identifier: Apache-2.0
#include "model/model_file.hpp"

#include <algorithm>
#include <cmath>

#include "model/archive.hpp"
#include "runtime/file_reader.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

constexpr std::uint64_t max_archive_bytes = 2ULL << 30U;
constexpr std::uint64_t max_config_bytes = 4ULL << 20U;
constexpr std::uint64_t max_weight_bytes = 1ULL << 30U;
constexpr const char* config_entry = "extra/catdog.json";
constexpr const char* weights_entry = "extra/weights.safetensors";

[[noreturn]] void fail(const std::string& problem) { throw Failure(Status::model_format, problem); }

void check_size(std::uint64_t bytes) {
  if (bytes > max_archive_bytes) fail("the model file is larger than 2 GiB");
}

// What docs/model-format.md promises for a plain TorchScript archive.
ModelConfig plain_torchscript_config() {
  ModelConfig config;
  config.labels = {"cat", "dog"};
  config.input.width = 128;
  config.input.height = 128;
  config.json = "{}";
  return config;
}

std::string describe(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

void check_weights(const ModelConfig& config, const std::map<std::string, TensorView, std::less<>>& weights) {
  for (const TensorSpec& spec : state_dict_specs(config.network, config.input.height, config.input.width)) {
    const auto found = weights.find(spec.name);
    if (found == weights.end()) fail("weights.safetensors: " + spec.name + " is missing");
    if (found->second.shape != spec.shape) {
      fail("weights.safetensors: " + spec.name + " has shape " + describe(found->second.shape) +
           ", but the architecture needs " + describe(spec.shape));
    }
  }
  for (const auto& [name, tensor] : weights) {
    if (!std::all_of(tensor.values.begin(), tensor.values.end(), [](float value) { return std::isfinite(value); })) {
      fail("weights.safetensors: " + name + " has a value that is not finite");
    }
  }
}

}  // namespace

ModelFile ModelFile::load(std::vector<std::uint8_t> bytes, std::string_view expected_sha256, const std::string& path) {
  ModelFile model;
  model.path_ = path;
  const std::string expected = checked_sha256(expected_sha256);
  model.sha256_ = sha256_hex(bytes);
  if (!expected.empty() && expected != model.sha256_) {
    throw Failure(Status::model_checksum,
                  "the model file has SHA-256 " + model.sha256_ + ", but " + expected + " was expected");
  }
  model.archive_ = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  const Archive archive(*model.archive_);
  const bool has_weights = archive.contains(weights_entry);
  const auto config = archive.read(config_entry, max_config_bytes);
  if (!config) {
    if (has_weights)
      fail(std::string("model archive: ") + weights_entry + " is there, but " + config_entry + " is missing");
    if (!archive.contains("data.pkl") && !archive.contains("constants.pkl")) {
      fail("not a model file: the archive has neither " + std::string(config_entry) + " nor a TorchScript module");
    }
    model.config_ = plain_torchscript_config();
    return model;
  }
  model.config_ = parse_model_config({reinterpret_cast<const char*>(config->data()), config->size()});
  if (model.config_.network.layers.empty()) {
    if (has_weights) fail("catdog.json: architecture: is missing, although there are weights");
    return model;
  }
  if (!has_weights)
    fail(std::string("model archive: ") + config_entry + " is there, but " + weights_entry + " is missing");
  model.weight_bytes_ =
      std::make_shared<const std::vector<std::uint8_t>>(*archive.read(weights_entry, max_weight_bytes));
  model.weights_ = parse_safetensors(*model.weight_bytes_);
  check_weights(model.config_, model.weights_);
  return model;
}

ModelFile ModelFile::from_file(const std::filesystem::path& path, std::string_view expected_sha256) {
  return load(read_file(path.string(), max_archive_bytes, "model"), expected_sha256, path.string());
}

ModelFile ModelFile::from_memory(std::span<const std::uint8_t> bytes, std::string_view expected_sha256) {
  check_size(bytes.size());
  return load({bytes.begin(), bytes.end()}, expected_sha256, "");
}

}  // namespace catdog::core
