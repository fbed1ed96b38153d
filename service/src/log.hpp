// SPDX-License-Identifier: Apache-2.0
// One event a line, JSON or text. Asynchronous and bounded: when the reader is slow the oldest lines are lost and
// counted.
#pragma once

#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace spdlog::details {
class thread_pool;
}

namespace catdog::service {

enum class Level {
  debug = SPDLOG_LEVEL_DEBUG,
  info = SPDLOG_LEVEL_INFO,
  warning = SPDLOG_LEVEL_WARN,
  error = SPDLOG_LEVEL_ERROR
};

class Log {
 public:
  using Fields = nlohmann::ordered_json;

  // `level`: debug, info, warning, error, off; `format`: json, text, auto (text when stderr is a terminal).
  Log(const std::string& level, const std::string& format);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(Level level) const noexcept;
  // Never throws and never blocks on the reader.
  void event(Level level, std::string_view name, const Fields& fields = Fields::object()) noexcept;
  // Lines lost so far.
  std::uint64_t lost() const noexcept;
  // Waits until what was logged is written, but no longer than a second; whether it was.
  bool flush() noexcept;

 private:
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> logger_;
  bool json_;
};

}  // namespace catdog::service
