// SPDX-License-Identifier: Apache-2.0
// What POST /predict gives for POST /feedback: the prediction itself, signed. Any instance with the key accepts it, so
// none has to remember its answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace catdog::service {

struct FeedbackClaim {
  int predicted = -1;        // Label index.
  std::string model_sha256;  // 64 hex digits.
  std::chrono::system_clock::time_point at;
  std::uint64_t id = 0;  // Different for each token.
};

class FeedbackTokens {
 public:
  // `key` of any length; "" = one made here, which no other instance knows.
  explicit FeedbackTokens(std::string key, std::chrono::seconds expiry = std::chrono::hours(24));

  std::string issue(int predicted, std::string_view model_sha256,
                    std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) const;
  // Throws Problem 400: "invalid-token" when no instance with this key gave it, "expired-token" when it is too old.
  FeedbackClaim check(std::string_view token,
                      std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) const;

 private:
  std::string sign(std::string_view claim) const;

  std::string key_;
  std::chrono::seconds expiry_;
};

}  // namespace catdog::service
