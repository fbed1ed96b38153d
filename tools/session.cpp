// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <CLI/CLI.hpp>

#include "interrupt.hpp"

namespace catdog::cli {
namespace {

Options make_options(const ModelOptions& from) {
  try {
    Options options;
    options.engine(from.engine).precision(from.precision);
    options.expected_sha256(from.expected_sha256).trusted_key(from.trusted_key).torch_plugin(from.plugin);
    options.verify_weights(from.verify_weights);
    if (from.threads) options.threads(*from.threads);
    if (from.abstain_below) options.abstain_below(*from.abstain_below);
    if (from.neither_above) options.neither_above(*from.neither_above);
    if (from.min_precision) options.min_precision(*from.min_precision);
    if (from.max_encoded_bytes) options.max_encoded_bytes(*from.max_encoded_bytes);
    if (from.max_pixels) options.max_pixels(*from.max_pixels);
    if (from.max_side) options.max_side(*from.max_side);
    if (from.max_scans) options.max_scans(*from.max_scans);
    if (from.max_decode_bytes) options.max_decode_bytes(*from.max_decode_bytes);
    if (from.timeout_ms) options.timeout_ms(*from.timeout_ms);
    return options;
  } catch (const Error& error) {
    throw CommandError(exit_usage, error.what());
  }
}

Classifier open_model(const ModelOptions& from) {
  const Options options = make_options(from);
  try {
    return from.path.empty() ? Classifier::open(options) : Classifier::open(from.path, options);
  } catch (const Error& error) {
    const std::string named = from.path.empty() ? "the default model" : "'" + from.path + "'";
    throw CommandError(exit_model, "can't open " + named + " (" + error.status_name() + "): " + error.what());
  }
}

}  // namespace

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_flag("--no-progress", options.no_progress, "No progress bar, even on a terminal");
}

void add_model_options(CLI::App& command, ModelOptions& options, bool with_path_option) {
  const std::string model = "Model";
  const std::string limits = "Limits";
  if (with_path_option) {
    command.add_option("--model", options.path, "Model file, or the name of a shipped one; default: the installed one")
        ->group(model);
  }
  command
      .add_option("--engine", options.engine, "auto (native), native or torch (executes the program in the model file)")
      ->check(CLI::IsMember({"auto", "native", "torch"}))
      ->capture_default_str()
      ->group(model);
  command.add_option("--precision", options.precision, "auto, fp32, bf16 or int8")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "int8"}))
      ->capture_default_str()
      ->group(model);
  command.add_option("-j,--threads", options.threads, "Images at once; default: the CPU quota")
      ->check(CLI::Range(0, 1024))
      ->group(model);
  CLI::Option* abstain_below = command
                                   .add_option("--abstain-below", options.abstain_below,
                                               "Answer \"uncertain\" when the trust is lower; default: the model's own")
                                   ->check(CLI::Range(0.0, 1.0))
                                   ->group(model);
  command
      .add_option("--min-precision", options.min_precision,
                  "Choose --abstain-below so that this share of the answers is right, by the model's own figures")
      ->check(CLI::Range(0.0, 1.0))
      ->excludes(abstain_below)
      ->group(model);
  command
      .add_option("--neither-above", options.neither_above,
                  "Answer \"neither\" when that score is higher, 1 = never; default: the model's own")
      ->check(CLI::Range(0.0, 1.0))
      ->group(model);
  command.add_option("--expected-sha256", options.expected_sha256, "Refuse any other model file")->group(model);
  command
      .add_option("--trusted-key", options.trusted_key,
                  "Public key of minisign: refuse a model file without its signature in FILE.minisig")
      ->group(model);
  command.add_option("--plugin", options.plugin, "Path of libcatdog-torch.so")->group(model);
  command.add_option("--max-bytes", options.max_encoded_bytes, "Most bytes of an image file")->group(limits);
  command.add_option("--max-pixels", options.max_pixels, "Most pixels of an image")->group(limits);
  command.add_option("--max-side", options.max_side, "Longest side of an image in pixels")->group(limits);
  command.add_option("--max-scans", options.max_scans, "Most scans of a progressive JPEG")->group(limits);
  command.add_option("--max-decode-bytes", options.max_decode_bytes, "Most bytes of memory to decode an image")
      ->group(limits);
  command.add_option("--timeout-ms", options.timeout_ms, "Most milliseconds for an image; default: any")->group(limits);
}

Session::Session(const ModelOptions& options) : classifier_(open_model(options)), labels_(classifier_.labels()) {}

std::size_t Session::classify(const std::vector<std::string>& paths, const std::function<void(Verdict)>& deliver,
                              const std::string& piped) const {
  catch_interrupt();
  Stream stream = classifier_.stream();
  std::size_t added = 0;
  std::size_t done = 0;
  while (done < paths.size() && !interrupted()) {
    for (; added < paths.size() && stream.room() > 0; ++added) {
      if (paths[added] == "-") {
        stream.add(Image::encoded(piped));
      } else {
        stream.add_file(paths[added]);
      }
    }
    deliver({paths[done++], stream.take()});
  }
  return done;
}

Explanation Session::explain(const std::string& path, int label, const std::string& piped) const {
  return path == "-" ? classifier_.explain(Image::encoded(piped), label) : classifier_.explain_file(path, label);
}

}  // namespace catdog::cli
