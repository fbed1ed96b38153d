// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cfenv>

namespace catdog::core {

// While it lives, this thread computes as a program does that has changed nothing: rounds to nearest, traps nothing,
// keeps denormal numbers. Then the thread's own settings are restored, and its exception flags too.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment() noexcept;
  ~DefaultFloatEnvironment();
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
  std::fenv_t saved_{};
};

}  // namespace catdog::core
