// SPDX-License-Identifier: Apache-2.0
// The model file: a TorchScript archive (zip) with an extra entry, extra/catdog.json, which says where the archive
// stores each weight. Nothing in it is trusted, nothing in it is unpickled. Documented in docs/model-format.md.
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

inline constexpr int model_format_version = 2;  // The newest that this library reads.

class Archive;

// A float32 tensor that points into the model's weights.
struct TensorView {
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

// Weights by state-dict name.
using WeightMap = std::map<std::string, TensorView, std::less<>>;

// One golden case: the deterministic image with that seed (golden_image()) must give these fp32 logits.
struct GoldenCase {
  std::uint32_t seed = 0;
  std::vector<float> logits;
};

// One threshold and what it gives on validation images mixed with one stranger in five.
struct OperatingPoint {
  double abstain_below = 0.0;
  double precision = 0.0;  // Share of right answers among the answered images.
  double coverage = 0.0;   // Share of answered images.
};

struct Calibration {
  double temperature = 1.0;             // Probabilities = softmax(logits / temperature).
  double abstain_below = 0.0;           // Trust under which the answer is "uncertain".
  std::optional<double> neither_above;  // Score above which the answer is "neither". Set: there is such an output.
  std::vector<OperatingPoint> curve;    // By ascending threshold; empty in many files.
};

// Where a weight lies in the archive (format version 2).
enum class StoredType : std::uint8_t { f32, f16, bf16 };
struct StoredTensor {
  std::string entry;  // Below the archive's top folder: raw, little-endian, contiguous.
  StoredType type = StoredType::f32;
  std::vector<std::int64_t> shape;
  std::string sha256;  // 64 lower-case hex digits.
};

struct ModelConfig {
  int format_version = model_format_version;
  std::string name;
  std::string version;
  std::vector<std::string> labels;
  InputSpec input;
  Network network;  // No layers: no native part.
  Calibration calibration;
  int golden_version = 1;  // Of the images behind the golden cases.
  std::vector<GoldenCase> golden;
  std::map<std::string, StoredTensor, std::less<>> stored_weights;  // By state-dict name; format version 2 only.
  std::string json;  // All of catdog.json, as it stands in the file; "{}" for a plain TorchScript archive.

  // Of the network: one for each label, then the score for neither.
  std::size_t outputs() const { return labels.size() + (calibration.neither_above ? 1 : 0); }
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
  const WeightMap& weights() const { return weights_; }
  // Compares the SHA-256 of each weight with catdog.json, while the archive is there. Opening leaves that out: it would
  // double the hashing, and the zip's checksums are compared anyway. Throws Failure(model_checksum).
  void verify_weights() const;
  // The whole archive, kept only until release_archive(): what the torch engine loads.
  std::span<const std::uint8_t> archive() const { return {archive_->data(), archive_->size()}; }
  void release_archive() { archive_ = std::make_shared<const std::vector<std::uint8_t>>(); }

 private:
  static ModelFile load(std::vector<std::uint8_t> bytes, std::string_view expected_sha256, const std::string& path);

  ModelConfig config_;
  std::string sha256_;
  std::string path_;
  std::shared_ptr<const std::vector<std::uint8_t>> archive_ = std::make_shared<const std::vector<std::uint8_t>>();
  std::shared_ptr<const void> weight_memory_;  // Keeps alive what the views point into.
  WeightMap weights_;
};

// Parses catdog.json. Throws Failure: model_format (says which field), model_version.
ModelConfig parse_model_config(std::string_view json);

// Parses a safetensors file (float32 tensors only); every offset, shape and length is checked. The views point into
// `bytes`, which must be aligned for float. Throws Failure(model_format).
WeightMap parse_safetensors(std::span<const std::uint8_t> bytes);

// Writes the safetensors format (header padded with spaces so that the data starts at a multiple of 8).
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};
std::vector<std::uint8_t> write_safetensors(const std::vector<NamedTensor>& tensors);

// The weights that catdog.json lists, from the archive's entries, widened to float32.
// Throws Failure(model_format) for an entry that is missing, of another size or damaged.
struct LoadedWeights {
  std::shared_ptr<const void> memory;
  WeightMap views;
};
LoadedWeights read_stored_weights(const Archive& archive,
                                  const std::map<std::string, StoredTensor, std::less<>>& stored);

// SHA-256 as 64 lower-case hex digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);
// A SHA-256 as a user gives it, in lower case; "" stays "". Anything but 64 hexadecimal digits: invalid_argument.
std::string checked_sha256(std::string_view given);

// The deterministic test image of the golden self-test: CV_8UC3 RGB, smooth blobs and noise from integer arithmetic
// only, the same on every machine. The algorithms are part of the model format and never change: version 1 hashes for
// every pixel, version 2 interpolates a coarse grid.
cv::Mat golden_image(std::uint32_t seed, Size size, int version);

}  // namespace catdog::core
