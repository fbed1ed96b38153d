// SPDX-License-Identifier: Apache-2.0
// The model file: a TorchScript archive (zip) with an extra entry, extra/catdog.json, which says where the archive
// stores each weight. Nothing in it is trusted, nothing in it is unpickled. Documented in docs/model-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/model_config.hpp"
#include "model/weights.hpp"

namespace catdog::core {

// Which file a model must be: checked before anything is parsed. Empty: any.
struct ModelIdentity {
  std::string sha256{};       // 64 hex digits, any case.
  std::string trusted_key{};  // checked_trusted_key(): the file must have a signature of it.
  std::string signature{};    // That signature; empty: of the file beside it, see signature_suffix.
};

class ModelFile {
 public:
  // Reads and checks a model file. Throws Failure: not_found, io, model_checksum, model_format, model_version.
  static ModelFile from_file(const std::filesystem::path& path, const ModelIdentity& expected = {});
  static ModelFile from_memory(std::span<const std::uint8_t> bytes, const ModelIdentity& expected = {});

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
  static ModelFile load(std::vector<std::uint8_t> bytes, const ModelIdentity& expected, const std::string& path);

  ModelConfig config_;
  std::string sha256_;
  std::string path_;
  std::shared_ptr<const std::vector<std::uint8_t>> archive_ = std::make_shared<const std::vector<std::uint8_t>>();
  std::shared_ptr<const void> weight_memory_;  // Keeps alive what the views point into.
  WeightMap weights_;
};

}  // namespace catdog::core
