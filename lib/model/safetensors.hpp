// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/weights.hpp"

namespace catdog::core {

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

}  // namespace catdog::core
