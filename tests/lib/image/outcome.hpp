// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "image/image.hpp"
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

}  // namespace catdog::test_support
