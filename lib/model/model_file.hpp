// SPDX-License-Identifier: Apache-2.0
// The model file: a TorchScript archive (zip) with two extra entries, extra/catdog.json and extra/weights.safetensors.
// Nothing in it is trusted, nothing in it is unpickled. Documented in docs/model-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/preprocess.hpp"
#include "model/network.hpp"

namespace catdog::core {

inline constexpr int model_format_version = 1;  // The newest that this library reads.

// A float32 tensor that points into the model's weights.
struct TensorView {
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

// One golden case: the deterministic picture with that seed (golden_picture()) must give these fp32 logits.
struct GoldenCase {
  std::uint32_t seed = 0;
  std::vector<float> logits;
};

struct Calibration {
  double temperature = 1.0;    // Probabilities = softmax(logits / temperature).
  double abstain_below = 0.0;  // Confidence under which the verdict abstains.
};

struct ModelConfig {
  std::string name;
  std::string version;
  std::vector<std::string> labels;
  InputSpec input;
  Network network;  // No layers: no native part.
  Calibration calibration;
  std::vector<GoldenCase> golden;
  std::string json;  // All of catdog.json, as it stands in the file; "{}" for a plain TorchScript archive.
};

class ModelFile {
 public:
  // Reads and checks a model file. `expected_sha256` (64 hex digits, any case; empty = any) is compared before anything
  // is parsed. Throws Failure: not_found, io, model_checksum, model_format, model_version.
  static ModelFile from_file(const std::filesystem::path& path, std::string_view expected_sha256 = {});
  static ModelFile from_memory(std::span<const std::uint8_t> bytes, std::string_view expected_sha256 = {});

  const ModelConfig& config() const { return config_; }
  const std::string& sha256() const { return sha256_; }  // 64 lower-case hex digits.
  const std::string& path() const { return path_; }      // "" when from memory.
  bool has_native_part() const { return !config_.network.layers.empty(); }
  // All weights by state-dict name; empty without a native part. Valid as long as this object or a copy of it lives.
  const std::map<std::string, TensorView, std::less<>>& weights() const { return weights_; }
  // The whole archive, kept only until release_archive(): what the torch engine loads.
  std::span<const std::uint8_t> archive() const { return {archive_->data(), archive_->size()}; }
  void release_archive() { archive_ = std::make_shared<const std::vector<std::uint8_t>>(); }

 private:
  static ModelFile load(std::vector<std::uint8_t> bytes, std::string_view expected_sha256, const std::string& path);

  ModelConfig config_;
  std::string sha256_;
  std::string path_;
  std::shared_ptr<const std::vector<std::uint8_t>> archive_ = std::make_shared<const std::vector<std::uint8_t>>();
  std::shared_ptr<const std::vector<std::uint8_t>> weight_bytes_;
  std::map<std::string, TensorView, std::less<>> weights_;
};

// Parses catdog.json. Throws Failure: model_format (says which field), model_version.
ModelConfig parse_model_config(std::string_view json);

// Parses a safetensors file (float32 tensors only); every offset, shape and length is checked. The views point into
// `bytes`, which must be aligned for float. Throws Failure(model_format).
std::map<std::string, TensorView, std::less<>> parse_safetensors(std::span<const std::uint8_t> bytes);

// Writes the safetensors format (header padded with spaces so that the data starts at a multiple of 8).
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};
std::vector<std::uint8_t> write_safetensors(const std::vector<NamedTensor>& tensors);

// SHA-256 as 64 lower-case hex digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);
// A SHA-256 as a user gives it, in lower case; "" stays "". Anything but 64 hexadecimal digits: invalid_argument.
std::string checked_sha256(std::string_view given);

// The deterministic test picture of the golden self-test: CV_8UC3 RGB, smooth blobs and noise from integer arithmetic
// only, the same on every machine. The algorithm is part of the model format and never changes.
cv::Mat golden_picture(std::uint32_t seed, Size size);

}  // namespace catdog::core
