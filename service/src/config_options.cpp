// SPDX-License-Identifier: Apache-2.0
// The settings as flags: name, environment variable, range, group and the line of --help.
#include "config_options.hpp"

#include <boost/asio/ip/address.hpp>
#include <map>

namespace catdog::service {

namespace {

std::string address_error(const std::string& text) {
  boost::system::error_code failure;
  boost::asio::ip::make_address(text, failure);
  if (!failure) return "";
  return "takes a numeric IPv4 or IPv6 address, such as 127.0.0.1, 0.0.0.0, ::1 or ::, not '" + text + "'";
}

// By the names that other programs give the levels, in any case.
std::string level_of(std::string& text) {
  static const std::map<std::string, std::string> levels{
      {"trace", "debug"},  {"debug", "debug"},     {"info", "info"}, {"notice", "info"},
      {"warn", "warning"}, {"warning", "warning"}, {"err", "error"}, {"error", "error"},
      {"fatal", "error"},  {"critical", "error"},  {"off", "off"},   {"none", "off"}};
  const auto found = levels.find(CLI::detail::to_lower(text));
  if (found == levels.end()) return "takes debug, info, warning, error or off, not '" + text + "'";
  text = found->second;
  return "";
}

const CLI::Validator is_address(&address_error, "ADDRESS");

void add_model_options(CLI::App& app, Config& c) {
  const char* group = "Model";
  app.add_option(
         "--model", c.model,
         "Model file, or a shipped model's name, such as simple_cnn; default /app/models/best_model.pt, else the "
         "installed model")
      ->envname("MODEL_PATH")
      ->group(group);
  app.add_option("--engine", c.engine, "Engine: auto, native or torch")
      ->envname("CATDOG_ENGINE")
      ->check(CLI::IsMember({"auto", "native", "torch"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--precision", c.precision, "Precision: auto, fp32 or bf16")
      ->envname("CATDOG_PRECISION")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--expected-sha256", c.expected_sha256, "SHA-256 that the model file must have")
      ->envname("CATDOG_EXPECTED_SHA256")
      ->group(group);
  app.add_option("--min-precision", c.min_precision,
                 "Share of answers that must be right, by the model's own figures; the others are 'uncertain'")
      ->envname("CATDOG_MIN_PRECISION")
      ->check(CLI::Range(0.001, 1.0))
      ->group(group);
  app.add_option("--abstain-below", c.abstain_below,
                 "Instead: the answer is 'uncertain' when the trust is below this; default: the model's own")
      ->envname("CATDOG_ABSTAIN_BELOW")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  app.add_option("--neither-above", c.neither_above,
                 "The answer is 'neither' when that score is above this; 1 = never; default: the model's own")
      ->envname("CATDOG_NEITHER_ABOVE")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  app.add_option("--max-pixels", c.max_pixels, "Most pixels of an image")
      ->envname("CATDOG_MAX_PIXELS")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-side", c.max_side, "Longest side of an image in pixels")
      ->envname("CATDOG_MAX_SIDE")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str()
      ->group(group);
  app.add_option("--workers", c.workers, "Threads that classify; 0 = CPU quota of the control group, at least 1")
      ->envname("CATDOG_WORKERS")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
  app.add_option("--reload-check-dir", c.reload_check_dir,
                 "Folder with one sub-folder of images per label; a reloaded model must agree with it")
      ->envname("CATDOG_RELOAD_CHECK_DIR")
      ->group(group);
  app.add_option("--reload-min-agreement", c.reload_min_agreement, "Least share of those images that it must get right")
      ->envname("CATDOG_RELOAD_MIN_AGREEMENT")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
}

void add_listening_options(CLI::App& app, Config& c) {
  const char* group = "Listening";
  // Not CATDOG_PORT: Kubernetes sets that to an URL for a Service named "catdog".
  app.add_option("--address", c.address, "Address of the API; '::' is IPv6 and IPv4")
      ->envname("CATDOG_LISTEN_ADDRESS")
      ->check(is_address)
      ->capture_default_str()
      ->group(group);
  app.add_option("--port", c.port, "Port of the API; 0 = any free one")
      ->envname("CATDOG_LISTEN_PORT")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str()
      ->group(group);
  app.add_option("--admin-address", c.admin_address, "Address of metrics and administration")
      ->envname("CATDOG_ADMIN_LISTEN_ADDRESS")
      ->check(is_address)
      ->capture_default_str()
      ->group(group);
  app.add_option("--admin-port", c.admin_port, "Port of metrics and administration; 0 = any free one")
      ->envname("CATDOG_ADMIN_LISTEN_PORT")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str()
      ->group(group);
  app.add_option("--admin-token-file", c.admin_token_file,
                 "File with the bearer token of /admin; or the token itself in the environment as CATDOG_ADMIN_TOKEN. "
                 "Neither: /admin is off")
      ->envname("CATDOG_ADMIN_TOKEN_FILE")
      ->group(group);
  app.add_option("--port-file", c.port_file, "File to write the ports to once they listen: 'api=N' and 'admin=N'")
      ->envname("CATDOG_PORT_FILE")
      ->group(group);
}

void add_limit_options(CLI::App& app, Config& c) {
  const char* group = "Limits";
  const auto ms = CLI::Range(1, 3'600'000);
  app.add_option("--max-header-bytes", c.max_header_bytes, "Most bytes of a request's header")
      ->envname("CATDOG_MAX_HEADER_BYTES")
      ->check(CLI::Range(256, 1 << 20))
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-body-bytes", c.max_body_bytes, "Most bytes of a request's body")
      ->envname("CATDOG_MAX_BODY_BYTES")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 31U))
      ->capture_default_str()
      ->group(group);
  app.add_option("--read-timeout-ms", c.read_timeout_ms, "Time for a whole request from its first byte")
      ->envname("CATDOG_READ_TIMEOUT_MS")
      ->check(ms)
      ->capture_default_str()
      ->group(group);
  app.add_option("--write-timeout-ms", c.write_timeout_ms, "Time for the client to take the reply")
      ->envname("CATDOG_WRITE_TIMEOUT_MS")
      ->check(ms)
      ->capture_default_str()
      ->group(group);
  app.add_option("--idle-timeout-ms", c.idle_timeout_ms, "Time that a connection may wait for its next request")
      ->envname("CATDOG_IDLE_TIMEOUT_MS")
      ->check(ms)
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-connections", c.max_connections, "Most connections at once, for each port")
      ->envname("CATDOG_MAX_CONNECTIONS")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  app.add_option("--request-timeout-ms", c.request_timeout_ms,
                 "Deadline of a request without X-Request-Timeout-Ms, from when it was read whole")
      ->envname("CATDOG_REQUEST_TIMEOUT_MS")
      ->check(ms)
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-queue", c.max_queue, "Most requests that wait for a worker, whatever the predicted wait")
      ->envname("CATDOG_MAX_QUEUE")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-queue-bytes", c.max_queue_bytes,
                 "Most bytes of all request bodies that are read, wait or are worked on, and of large responses")
      ->envname("CATDOG_MAX_QUEUE_BYTES")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40U))
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-pictures", c.max_images, "Most images in one request")
      ->envname("CATDOG_MAX_PICTURES")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->group(group);
}

void add_life_options(CLI::App& app, Config& c) {
  app.add_option("--grace-ms", c.grace_ms, "After SIGTERM: time in which new connections are still accepted")
      ->envname("CATDOG_GRACE_MS")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str()
      ->group("Life");
  app.add_option("--drain-limit-ms", c.drain_limit_ms, "After SIGTERM: time until what is unfinished is cut off")
      ->envname("CATDOG_DRAIN_LIMIT_MS")
      ->check(CLI::Range(1, 3'600'000))
      ->capture_default_str()
      ->group("Life");
  const char* group = "Seen from outside";
  app.add_option("--log-level", c.log_level, "debug, info, warning, error or off")
      ->envname("LOG_LEVEL")
      ->transform(CLI::Validator(&level_of, ""))
      ->capture_default_str()
      ->group(group);
  app.add_option("--log-format", c.log_format, "json, text, or auto: text on a terminal")
      ->envname("CATDOG_LOG_FORMAT")
      ->check(CLI::IsMember({"auto", "json", "text"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--feedback-window", c.feedback_window, "Feedbacks that the live accuracy is over")
      ->envname("CATDOG_FEEDBACK_WINDOW")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  app.add_option("--feedback-answers", c.feedback_answers, "Feedback tokens that are remembered as used")
      ->envname("CATDOG_FEEDBACK_ANSWERS")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str()
      ->group(group);
  app.add_option("--feedback-key-file", c.feedback_key_file,
                 "File with the key that signs feedback tokens, the same for all instances; or the key itself in the "
                 "environment as CATDOG_FEEDBACK_KEY. Neither: one made at the start")
      ->envname("CATDOG_FEEDBACK_KEY_FILE")
      ->group(group);
  app.add_flag("--feedback-needs-token", c.feedback_needs_token, "POST /feedback takes the bearer token of /admin only")
      ->envname("CATDOG_FEEDBACK_NEEDS_TOKEN")
      ->group(group);
}

}  // namespace

void add_options(CLI::App& app, Config& config) {
  add_model_options(app, config);
  add_listening_options(app, config);
  add_limit_options(app, config);
  add_life_options(app, config);
}

}  // namespace catdog::service
