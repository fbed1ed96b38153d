// SPDX-License-Identifier: Apache-2.0
#include "model/model_file.hpp"

#include <algorithm>
#include <cmath>

#include "model/archive.hpp"
#include "model/network_shapes.hpp"
#include "model/safetensors.hpp"
#include "model/sha256.hpp"
#include "model/signature.hpp"
#include "model/stored_weights.hpp"
#include "runtime/file_reader.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

constexpr std::uint64_t max_archive_bytes = 2ULL << 30U;
constexpr std::uint64_t max_config_bytes = 4ULL << 20U;
constexpr std::uint64_t max_weight_bytes = 1ULL << 30U;
constexpr std::uint64_t max_signature_bytes = 16ULL << 10U;
constexpr const char* config_entry = "extra/catdog.json";
constexpr const char* copy_entry = "extra/weights.safetensors";

[[noreturn]] void fail(const std::string& problem) { throw Failure(Status::model_format, problem); }

void check_size(std::uint64_t bytes) {
  if (bytes > max_archive_bytes) fail("the model file is larger than 2 GiB");
}

// Of the model at `path`.
std::string read_signature(const std::string& path) {
  if (path.empty()) {
    throw Failure(Status::model_checksum,
                  "a model in memory has no file with a signature beside it: set the option signature");
  }
  try {
    const auto bytes = read_file(path + signature_suffix, max_signature_bytes, "signature");
    return {bytes.begin(), bytes.end()};
  } catch (const Failure& failure) {
    throw Failure(Status::model_checksum, "the model's signature can't be read: " + std::string(failure.what()) +
                                              "; `minisign -S -m " + path + "` makes one");
  }
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

void check_weights(const ModelConfig& config, const WeightMap& weights) {
  for (const TensorSpec& spec : state_dict_specs(config.network, config.input.height, config.input.width)) {
    const auto found = weights.find(spec.name);
    if (found == weights.end()) fail("weights: " + spec.name + " is missing");
    if (found->second.shape != spec.shape) {
      fail("weights: " + spec.name + " has shape " + describe(found->second.shape) + ", but the architecture needs " +
           describe(spec.shape));
    }
    const auto& values = found->second.values;
    const bool variance = spec.name.ends_with(".running_var");
    if (variance && std::any_of(values.begin(), values.end(), [](float value) { return value < 0; })) {
      fail("weights: " + spec.name + " has a negative value, but it is a variance");
    }
  }
  for (const auto& [name, tensor] : weights) {
    if (!std::all_of(tensor.values.begin(), tensor.values.end(), [](float value) { return std::isfinite(value); })) {
      fail("weights: " + name + " has a value that is not finite");
    }
  }
}

}  // namespace

ModelFile ModelFile::load(std::vector<std::uint8_t> bytes, const ModelIdentity& expected, const std::string& path) {
  ModelFile model;
  model.path_ = path;
  model.sha256_ = sha256_hex(bytes);
  if (const std::string sha256 = checked_sha256(expected.sha256); !sha256.empty() && sha256 != model.sha256_) {
    throw Failure(Status::model_checksum,
                  "the model file has SHA-256 " + model.sha256_ + ", but " + sha256 + " was expected");
  }
  if (!expected.trusted_key.empty()) {
    verify_signature(bytes, expected.signature.empty() ? read_signature(path) : expected.signature,
                     expected.trusted_key);
  }
  model.archive_ = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  const Archive archive(*model.archive_);
  const bool has_copy = archive.contains(copy_entry);  // Format version 1.
  const auto config = archive.read(config_entry, max_config_bytes);
  if (!config) {
    if (has_copy) {
      fail(std::string("model archive: ") + copy_entry + " is there, but " + config_entry + " is missing");
    }
    if (!archive.contains("data.pkl") && !archive.contains("constants.pkl")) {
      fail("not a model file: the archive has neither " + std::string(config_entry) + " nor a TorchScript module");
    }
    model.config_ = plain_torchscript_config();
    return model;
  }
  model.config_ = parse_model_config({reinterpret_cast<const char*>(config->data()), config->size()});
  if (model.config_.network.layers.empty()) {
    if (has_copy || !model.config_.stored_weights.empty())
      fail("catdog.json: architecture: is missing, although there are weights");
    return model;
  }
  if (model.config_.format_version >= 2) {
    LoadedWeights loaded = read_stored_weights(archive, model.config_.stored_weights);
    model.weight_memory_ = std::move(loaded.memory);
    model.weights_ = std::move(loaded.views);
  } else {
    if (!has_copy) fail(std::string("model archive: ") + config_entry + " is there, but " + copy_entry + " is missing");
    auto bytes = std::make_shared<const std::vector<std::uint8_t>>(*archive.read(copy_entry, max_weight_bytes));
    model.weights_ = parse_safetensors(*bytes);
    model.weight_memory_ = std::move(bytes);
  }
  check_weights(model.config_, model.weights_);
  return model;
}

void ModelFile::verify_weights() const {
  if (archive_->empty()) throw Failure(Status::internal, "the archive is no longer in memory");
  const Archive archive(*archive_);
  for (const auto& [name, tensor] : config_.stored_weights) {
    const auto bytes = archive.read(tensor.entry, max_weight_bytes);
    const std::string actual = bytes ? sha256_hex(*bytes) : "";
    if (actual != tensor.sha256) {
      throw Failure(Status::model_checksum, "weights: " + name + " (" + tensor.entry + ") has SHA-256 " + actual +
                                                ", but catdog.json says " + tensor.sha256);
    }
  }
}

ModelFile ModelFile::from_file(const std::filesystem::path& path, const ModelIdentity& expected) {
  return load(read_file(path.string(), max_archive_bytes, "model"), expected, path.string());
}

ModelFile ModelFile::from_memory(std::span<const std::uint8_t> bytes, const ModelIdentity& expected) {
  check_size(bytes.size());
  return load({bytes.begin(), bytes.end()}, expected, "");
}

}  // namespace catdog::core
