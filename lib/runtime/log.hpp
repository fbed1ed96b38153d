// SPDX-License-Identifier: Apache-2.0
// Log messages go to the caller's function, or nowhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace catdog::core {

enum class LogLevel : std::int32_t { debug = 10, info = 20, warning = 30, error = 40 };

struct Logger {
  LogLevel level = LogLevel::info;
  std::function<void(LogLevel, const std::string&)> sink;  // Empty: silent.

  void operator()(LogLevel message_level, const std::string& message) const {
    if (sink && message_level >= level) sink(message_level, message);
  }
};

}  // namespace catdog::core
