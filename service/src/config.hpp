// SPDX-License-Identifier: Apache-2.0
// Every setting of the service; flag before environment before configuration file before default.
#pragma once

#include <catdog/catdog.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace catdog::service {

struct Config {
  // Model
  std::string model;  // "" = /app/models/best_model.pt when it exists, else the installed model.
  std::string engine = "auto";
  std::string precision = "auto";
  std::string expected_sha256;
  std::string trusted_key;
  // Of the answer; without a value: the model's own.
  std::optional<double> abstain_below;
  std::optional<double> neither_above;
  std::optional<double> min_precision;
  // By default the library's own limits.
  std::int64_t max_pixels = Options().max_pixels();
  std::int64_t max_side = Options().max_side();
  std::int64_t max_decode_bytes = Options().max_decode_bytes();  // Of one image, and of all workers together.
  int workers = 0;                                               // 0 = the control group's CPU quota.
  std::string reload_check_dir;
  double reload_min_agreement = 0.9;

  // Listening
  std::string address = "::";
  std::uint16_t port = 8000;
  std::string admin_address = "::";
  std::uint16_t admin_port = 8081;
  bool check_health = false;  // Ask the running server instead of being one.
  std::string admin_token;    // From CATDOG_ADMIN_TOKEN or admin_token_file; "" = no administration.
  std::string admin_token_file;
  std::string port_file;

  // Limits of HTTP
  std::uint32_t max_header_bytes = 16 * 1024;
  std::uint64_t max_body_bytes = 32ULL * 1024 * 1024;
  int read_timeout_ms = 30'000;  // Whole request, from its first byte.
  int write_timeout_ms = 30'000;
  int idle_timeout_ms = 75'000;  // Longer than that of common load balancers, 60 s: they must be the ones to close.
  std::size_t max_connections = 1024;

  // Limits of work
  int request_timeout_ms = 10'000;
  std::size_t max_queue = 1024;
  std::uint64_t max_queue_bytes = 256ULL * 1024 * 1024;
  std::size_t max_images = 32;

  // Life
  int grace_ms = 5'000;
  int drain_limit_ms = 25'000;  // From SIGTERM to the end.

  // Seen from outside
  std::string log_level = "info";
  std::string log_format = "auto";
  std::size_t feedback_window = 1000;
  std::size_t feedback_answers = 100'000;
  std::string feedback_key;  // From CATDOG_FEEDBACK_KEY or feedback_key_file; "" = one made at the start.
  std::string feedback_key_file;
  bool feedback_needs_token = false;
  std::vector<std::string> unknown_variables;  // Of the environment: CATDOG_… that is no setting.
};

// Nothing when the process is to end at once with `exit_code`: --help, --version, a wrong setting (2, said on stderr).
std::optional<Config> parse_config(int argc, const char* const* argv, int& exit_code);

}  // namespace catdog::service
