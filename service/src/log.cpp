// SPDX-License-Identifier: Apache-2.0
#include "log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <thread>

namespace catdog::service {

namespace {

constexpr std::size_t queued_lines = 8192;

spdlog::level::level_enum to_spdlog(Level level) { return static_cast<spdlog::level::level_enum>(level); }

std::string name_of(Level level) {
  const auto name = spdlog::level::to_string_view(to_spdlog(level));
  return {name.data(), name.size()};
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return std::string(text, length) + fmt::format(".{:03}Z", ms);
}

std::string dump(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

Log::Log(const std::string& level, const std::string& format)
    : pool_(std::make_shared<spdlog::details::thread_pool>(queued_lines, 1)),
      json_(format == "json" || (format == "auto" && isatty(STDERR_FILENO) == 0)) {
  logger_ = std::make_shared<spdlog::async_logger>("catdog", std::make_shared<spdlog::sinks::stderr_sink_mt>(), pool_,
                                                   spdlog::async_overflow_policy::overrun_oldest);
  logger_->set_pattern("%v");
  logger_->set_level(spdlog::level::from_str(level));
}

Log::~Log() { pool_.reset(); }  // Its thread ends before what it writes with does.

bool Log::enabled(Level level) const noexcept { return logger_->should_log(to_spdlog(level)); }

void Log::event(Level level, std::string_view name, const Fields& fields) noexcept {
  if (!enabled(level)) return;
  try {
    std::string line;
    if (json_) {
      Fields object{{"timestamp", timestamp()}, {"level", name_of(level)}, {"event", name}};
      object.update(fields);
      line = dump(object);
    } else {
      line = timestamp() + ' ' + name_of(level) + ' ' + std::string(name);
      for (const auto& [key, value] : fields.items()) line += ' ' + key + '=' + dump(value);
    }
    logger_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {  // A line less is better than a request less.
  }
}

std::uint64_t Log::lost() const noexcept { return pool_->overrun_counter(); }

bool Log::flush() noexcept {
  for (int i = 0; i < 100 && pool_->queue_size() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return pool_->queue_size() == 0;
}

}  // namespace catdog::service
