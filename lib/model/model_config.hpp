// SPDX-License-Identifier: Apache-2.0
// catdog.json. Documented in docs/model-format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/preprocess.hpp"
#include "model/network.hpp"

namespace catdog::core {

inline constexpr int model_format_version = 2;  // The newest that this library reads.

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
  std::vector<float> ranges;            // Of each layer: largest absolute value of its output that int8 represents.
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

// Parses catdog.json. Throws Failure: model_format (says which field), model_version.
ModelConfig parse_model_config(std::string_view json);

}  // namespace catdog::core
