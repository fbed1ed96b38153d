// SPDX-License-Identifier: Apache-2.0
// When a call has to end. Long loops ask it between rows, scans and stages.
#pragma once

#include <chrono>

namespace catdog::core {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = Clock::time_point (*)();  // Another clock in tests.

  Deadline() = default;  // Never passes.
  Deadline(Clock::time_point start, std::chrono::milliseconds timeout, Now now = Clock::now)
      : end_(start + timeout), timeout_(timeout), now_(now) {}

  bool passed() const { return now_ != nullptr && now_() >= end_; }
  // Throws Failure(limit) once it has passed.
  void check() const;

 private:
  Clock::time_point end_;
  std::chrono::milliseconds timeout_{};
  Now now_ = nullptr;
};

}  // namespace catdog::core
