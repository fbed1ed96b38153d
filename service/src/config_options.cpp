// SPDX-License-Identifier: Apache-2.0
// The settings as flags: name, environment variable, range, group and the line of --help.
#include "config_options.hpp"

#include <CLI/CLI.hpp>
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

// The settings under one heading of --help.
class Group {
 public:
  Group(CLI::App& app, const char* name) : app_(app), name_(name) {}

  template <typename Value>
  CLI::Option* option(const char* flag, const char* variable, Value& value, const char* help,
                      const CLI::Validator& check = {}) const {
    return app_.add_option(flag, value, help)->envname(variable)->check(check)->capture_default_str()->group(name_);
  }
  void flag(const char* flag, const char* variable, bool& value, const char* help) const {
    app_.add_flag(flag, value, help)->envname(variable)->group(name_);
  }

 private:
  CLI::App& app_;
  const char* name_;
};

void add_model_options(CLI::App& app, Config& c) {
  const Group group(app, "Model");
  group.option("--model", "MODEL_PATH", c.model,
               "Model file, or a shipped model's name, such as simple_cnn; default /app/models/best_model.pt, else the "
               "installed model");
  group.option("--engine", "CATDOG_ENGINE", c.engine, "Engine: auto, native or torch",
               CLI::IsMember({"auto", "native", "torch"}));
  group.option("--precision", "CATDOG_PRECISION", c.precision, "Precision: auto, fp32, bf16 or int8",
               CLI::IsMember({"auto", "fp32", "bf16", "int8"}));
  group.option("--expected-sha256", "CATDOG_EXPECTED_SHA256", c.expected_sha256,
               "SHA-256 that the model file must have");
  group.option("--trusted-key", "CATDOG_TRUSTED_KEY", c.trusted_key,
               "Public key of minisign; the model file must have its signature, in FILE.minisig");
  group.option("--min-precision", "CATDOG_MIN_PRECISION", c.min_precision,
               "Share of answers that must be right, by the model's own figures; the others are 'uncertain'",
               CLI::Range(0.001, 1.0));
  group.option("--abstain-below", "CATDOG_ABSTAIN_BELOW", c.abstain_below,
               "Instead: the answer is 'uncertain' when the trust is below this; default: the model's own",
               CLI::Range(0.0, 1.0));
  group.option("--neither-above", "CATDOG_NEITHER_ABOVE", c.neither_above,
               "The answer is 'neither' when that score is above this; 1 = never; default: the model's own",
               CLI::Range(0.0, 1.0));
  group.option("--max-pixels", "CATDOG_MAX_PIXELS", c.max_pixels, "Most pixels of an image",
               CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  group.option("--max-side", "CATDOG_MAX_SIDE", c.max_side, "Longest side of an image in pixels", CLI::Range(1, 65535));
  group.option("--max-decode-bytes", "CATDOG_MAX_DECODE_BYTES", c.max_decode_bytes,
               "Most memory that decoding takes, for one image and for all workers together",
               CLI::Range(std::int64_t{1}, std::int64_t{1} << 40U));
  group.option("--workers", "CATDOG_WORKERS", c.workers,
               "Threads that classify; 0 = CPU quota of the control group, at least 1", CLI::Range(0, 1024));
  group.option("--reload-check-dir", "CATDOG_RELOAD_CHECK_DIR", c.reload_check_dir,
               "Folder with one sub-folder of images per label; a reloaded model must agree with it");
  group.option("--reload-min-agreement", "CATDOG_RELOAD_MIN_AGREEMENT", c.reload_min_agreement,
               "Least share of those images that it must get right", CLI::Range(0.0, 1.0));
}

void add_listening_options(CLI::App& app, Config& c) {
  const Group group(app, "Listening");
  // Not CATDOG_PORT: Kubernetes sets that to an URL for a Service named "catdog".
  group.option("--address", "CATDOG_LISTEN_ADDRESS", c.address, "Address of the API; '::' is IPv6 and IPv4",
               is_address);
  group.option("--port", "CATDOG_LISTEN_PORT", c.port, "Port of the API; 0 = any free one", CLI::Range(0, 65535));
  group.option("--admin-address", "CATDOG_ADMIN_LISTEN_ADDRESS", c.admin_address,
               "Address of metrics and administration", is_address);
  group.option("--admin-port", "CATDOG_ADMIN_LISTEN_PORT", c.admin_port,
               "Port of metrics and administration; 0 = any free one", CLI::Range(0, 65535));
  group.option("--admin-token-file", "CATDOG_ADMIN_TOKEN_FILE", c.admin_token_file,
               "File with the bearer token of /admin; or the token itself in the environment as CATDOG_ADMIN_TOKEN. "
               "Neither: /admin is off");
  group.option("--port-file", "CATDOG_PORT_FILE", c.port_file,
               "File to write the ports to once they listen: 'api=N' and 'admin=N'");
}

void add_limit_options(CLI::App& app, Config& c) {
  const Group group(app, "Limits");
  const auto ms = CLI::Range(1, 3'600'000);
  group.option("--max-header-bytes", "CATDOG_MAX_HEADER_BYTES", c.max_header_bytes, "Most bytes of a request's header",
               CLI::Range(256, 1 << 20));
  group.option("--max-body-bytes", "CATDOG_MAX_BODY_BYTES", c.max_body_bytes, "Most bytes of a request's body",
               CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 31U));
  group.option("--read-timeout-ms", "CATDOG_READ_TIMEOUT_MS", c.read_timeout_ms,
               "Time for a whole request from its first byte", ms);
  group.option("--write-timeout-ms", "CATDOG_WRITE_TIMEOUT_MS", c.write_timeout_ms,
               "Time for the client to take the reply", ms);
  group.option("--idle-timeout-ms", "CATDOG_IDLE_TIMEOUT_MS", c.idle_timeout_ms,
               "Time that a connection may wait for its next request", ms);
  group.option("--max-connections", "CATDOG_MAX_CONNECTIONS", c.max_connections,
               "Most connections at once, for each port", CLI::Range(1, 1'000'000));
  group.option("--request-timeout-ms", "CATDOG_REQUEST_TIMEOUT_MS", c.request_timeout_ms,
               "Deadline of a request without X-Request-Timeout-Ms, from when it was read whole", ms);
  group.option("--max-queue", "CATDOG_MAX_QUEUE", c.max_queue,
               "Most requests that wait for a worker, whatever the predicted wait", CLI::Range(1, 1'000'000));
  group.option("--max-queue-bytes", "CATDOG_MAX_QUEUE_BYTES", c.max_queue_bytes,
               "Most bytes of all request bodies that are read, wait or are worked on, and of large responses",
               CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40U));
  group.option("--max-pictures", "CATDOG_MAX_PICTURES", c.max_images, "Most images in one request",
               CLI::Range(1, 10'000));
}

void add_life_options(CLI::App& app, Config& c) {
  const Group life(app, "Life");
  life.option("--grace-ms", "CATDOG_GRACE_MS", c.grace_ms,
              "After SIGTERM: time in which new connections are still accepted", CLI::Range(0, 3'600'000));
  life.option("--drain-limit-ms", "CATDOG_DRAIN_LIMIT_MS", c.drain_limit_ms,
              "After SIGTERM: time until what is unfinished is cut off", CLI::Range(1, 3'600'000));
  const Group group(app, "Seen from outside");
  group.option("--log-level", "LOG_LEVEL", c.log_level, "debug, info, warning, error or off")
      ->transform(CLI::Validator(&level_of, ""));
  group.option("--log-format", "CATDOG_LOG_FORMAT", c.log_format, "json, text, or auto: text on a terminal",
               CLI::IsMember({"auto", "json", "text"}));
  group.option("--feedback-window", "CATDOG_FEEDBACK_WINDOW", c.feedback_window,
               "Feedbacks that the live accuracy is over", CLI::Range(1, 1'000'000));
  group.option("--feedback-answers", "CATDOG_FEEDBACK_ANSWERS", c.feedback_answers,
               "Feedback tokens that are remembered as used", CLI::Range(1, 10'000'000));
  group.option("--feedback-key-file", "CATDOG_FEEDBACK_KEY_FILE", c.feedback_key_file,
               "File with the key that signs feedback tokens, the same for all instances; or the key itself in the "
               "environment as CATDOG_FEEDBACK_KEY. Neither: one made at the start");
  group.flag("--feedback-needs-token", "CATDOG_FEEDBACK_NEEDS_TOKEN", c.feedback_needs_token,
             "POST /feedback takes the bearer token of /admin only");
}

}  // namespace

void add_options(CLI::App& app, Config& config) {
  add_model_options(app, config);
  add_listening_options(app, config);
  add_limit_options(app, config);
  add_life_options(app, config);
}

}  // namespace catdog::service
