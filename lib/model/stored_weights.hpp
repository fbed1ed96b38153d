// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "model/archive.hpp"
#include "model/model_config.hpp"
#include "model/weights.hpp"

namespace catdog::core {

// An IEEE 754 half-precision number, NaN and infinities included.
float from_fp16(std::uint16_t half) noexcept;

// The weights that catdog.json lists, from the archive's entries, widened to float32.
// Throws Failure(model_format) for an entry that is missing, of another size or damaged.
struct LoadedWeights {
  std::shared_ptr<const void> memory;
  WeightMap views;
};
LoadedWeights read_stored_weights(const Archive& archive,
                                  const std::map<std::string, StoredTensor, std::less<>>& stored);

}  // namespace catdog::core
