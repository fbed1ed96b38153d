// SPDX-License-Identifier: Apache-2.0
// Small model files, made in memory, sound or broken on purpose. No TorchScript part: for the native engine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/model_file.hpp"

namespace catdog::test_support {

using Bytes = std::vector<std::uint8_t>;
using Weights = std::map<std::string, std::pair<std::vector<std::int64_t>, std::vector<float>>>;

// conv(8) → batch-norm → ReLU → max-pool → depthwise conv → global average → linear(`outputs`).
std::string small_architecture(int outputs = 2);

struct ModelRecipe {
  int format_version = 2;
  std::string top = "best_model";
  std::string name = "small";
  std::string version = "1.2.3";
  std::vector<std::string> labels{"cat", "dog"};
  int width = 32;
  int height = 32;
  std::string architecture = small_architecture();  // JSON; "" leaves it out.
  std::uint32_t seed = 1;                           // Of the weights.
  double temperature = 1.0;
  double abstain_below = 0.0;
  int golden_version = 2;
  std::vector<core::GoldenCase> golden;

  // Knobs for breaking it.
  std::string json_patch;                           // RFC 7386 merge patch on catdog.json; null removes a field.
  std::function<void(Weights&)> edit_weights;       // Before they are written.
  std::optional<std::string> catdog_json;           // Instead of the made one, byte for byte.
  std::optional<Bytes> weights;                     // Instead of the made weights.safetensors (format version 1).
  core::StoredType stored = core::StoredType::f32;  // As which the made weights are stored (format version 2).
  bool with_json = true;
  bool with_weights = true;
  bool deflate = false;
  std::vector<std::pair<std::string, Bytes>> more_entries;  // Full names, such as "best_model/data.pkl".
};

// Throws core::Failure for an architecture that can't be. Each weight is in the entry data/0, data/1, … of its order by
// name.
std::string make_catdog_json(const ModelRecipe& recipe);
Weights make_weights(const ModelRecipe& recipe);  // Deterministic, of sensible size (He initialisation).
Bytes make_safetensors(const Weights& weights);
Bytes make_zip(const std::vector<std::pair<std::string, Bytes>>& entries, bool deflate);
Bytes make_model_archive(const ModelRecipe& recipe = {});

}  // namespace catdog::test_support
