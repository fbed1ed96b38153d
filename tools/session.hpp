// SPDX-License-Identifier: Apache-2.0
// What the commands share: the model's options, an open classifier, and the verdict on one image.
#pragma once

#include <catdog/catdog.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace CLI {
class App;  // <CLI/CLI.hpp> takes ten seconds to compile.
}

namespace catdog::cli {

enum ExitCode { exit_ok = 0, exit_unreadable = 1, exit_usage = 2, exit_model = 3, exit_output = 4, exit_signal = 130 };

// Ends the command with a message and that exit code.
class CommandError : public std::runtime_error {
 public:
  CommandError(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

struct ModelOptions {
  std::string path;  // "" = the shipped model, wherever it is installed.
  std::string engine = "auto";
  std::string precision = "auto";
  std::string expected_sha256;
  std::string trusted_key;
  bool verify_weights = false;
  std::string plugin;
  std::optional<int> threads;
  std::optional<double> abstain_below;
  std::optional<double> neither_above;
  std::optional<double> min_precision;
  std::optional<std::int64_t> max_encoded_bytes;
  std::optional<std::int64_t> max_pixels;
  std::optional<std::int64_t> max_side;
  std::optional<std::int64_t> max_scans;
  std::optional<std::int64_t> max_decode_bytes;
  std::optional<std::int64_t> timeout_ms;

  std::int64_t encoded_limit() const { return max_encoded_bytes.value_or(Options().max_encoded_bytes()); }
};

// How a command that reads many images goes through them.
struct RunOptions {
  bool no_progress = false;
};

void add_run_options(CLI::App& command, RunOptions& options);

void add_model_options(CLI::App& command, ModelOptions& options, bool with_path_option);

// An image that can't be read is a row like any other: its result has the status.
struct Verdict {
  std::string path;
  Result result;
};

class Session {
 public:
  explicit Session(const ModelOptions& options);  // Throws CommandError.

  // Delivers the verdict on each path in order, on the calling thread; "-" is the image in `piped`. Ctrl-C ends it
  // after a verdict. Returns the number delivered.
  std::size_t classify(const std::vector<std::string>& paths, const std::function<void(Verdict)>& deliver,
                       const std::string& piped = "") const;

  // "-" is the image in `piped`. Label index, or -1 for the most probable one. Throws Error.
  Explanation explain(const std::string& path, int label, const std::string& piped) const;

  void warm_up() const { classifier_.warm_up(); }  // Of every thread.

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  std::string info(catdog_info key) const { return classifier_.info(key); }
  std::int64_t integer(catdog_info key) const noexcept { return classifier_.integer(key); }
  double number(catdog_info key) const noexcept { return classifier_.number(key); }

 private:
  Classifier classifier_;
  std::vector<std::string> labels_;
};

}  // namespace catdog::cli
