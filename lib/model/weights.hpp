// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace catdog::core {

// A float32 tensor that points into the model's weights.
struct TensorView {
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

// Weights by state-dict name.
using WeightMap = std::map<std::string, TensorView, std::less<>>;

}  // namespace catdog::core
