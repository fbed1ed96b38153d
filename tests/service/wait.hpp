// SPDX-License-Identifier: Apache-2.0
// Waiting for what must happen, however long a busy machine takes; only a fault needs the whole time.
#pragma once

#include <chrono>
#include <thread>

namespace catdog::service_tests {

inline constexpr std::chrono::seconds wait_timeout{60};

template <typename Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + wait_timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace catdog::service_tests
