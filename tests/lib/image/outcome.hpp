// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "image/decode.hpp"
#include "status.hpp"
#include "support/images.hpp"

namespace catdog::test_support {

constexpr core::Size kFullSize{0, 0};

struct Outcome {
  core::Status status = core::Status::ok;
  std::string message;
};

// What an operation that may throw Failure came to.
template <typename Operation>
Outcome outcome_of(const Operation& operation) {
  try {
    operation();
    return {};
  } catch (const core::Failure& failure) {
    return {failure.status(), failure.what()};
  }
}

inline Outcome decode_outcome(const ByteString& bytes, const core::ImageLimits& limits = {}) {
  return outcome_of([&] { core::decode_image(bytes, kFullSize, limits); });
}

// All channels of all pixels, row by row.
inline std::vector<int> values_of(const core::Image& rgb) {
  std::vector<int> values;
  for (int y = 0; y < rgb.size().height; ++y) {
    values.insert(values.end(), rgb.row(y), rgb.row(y) + 3 * static_cast<std::ptrdiff_t>(rgb.size().width));
  }
  return values;
}

}  // namespace catdog::test_support
