// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <algorithm>
#include <cstdlib>

namespace catdog::cli {
namespace {

struct DestroyOptions {
  void operator()(catdog_options* options) const noexcept { catdog_options_destroy(options); }
};
using OptionsPointer = std::unique_ptr<catdog_options, DestroyOptions>;

void check(catdog_status status, ExitCode code) {
  if (status != CATDOG_OK) throw CommandError(code, catdog_last_error());
}

void set(catdog_options* options, catdog_option key, const std::optional<std::int64_t>& value) {
  if (value) check(catdog_options_set_int(options, key, *value), exit_usage);
}

void set(catdog_options* options, catdog_option key, const std::string& value) {
  if (!value.empty()) check(catdog_options_set_string(options, key, value.c_str()), exit_usage);
}

OptionsPointer make_options(const ModelOptions& from) {
  catdog_options* raw = nullptr;
  check(catdog_options_create(&raw), exit_model);
  OptionsPointer options(raw);
  set(raw, CATDOG_OPTION_ENGINE, from.engine);
  set(raw, CATDOG_OPTION_PRECISION, from.precision);
  set(raw, CATDOG_OPTION_EXPECTED_SHA256, from.expected_sha256);
  set(raw, CATDOG_OPTION_TORCH_PLUGIN, from.plugin);
  if (from.threads) set(raw, CATDOG_OPTION_THREADS, std::int64_t{*from.threads});
  set(raw, CATDOG_OPTION_MAX_ENCODED_BYTES, from.max_encoded_bytes);
  set(raw, CATDOG_OPTION_MAX_PIXELS, from.max_pixels);
  set(raw, CATDOG_OPTION_MAX_SIDE, from.max_side);
  set(raw, CATDOG_OPTION_MAX_SCANS, from.max_scans);
  if (from.abstain_below) {
    check(catdog_options_set_double(raw, CATDOG_OPTION_ABSTAIN_BELOW, *from.abstain_below), exit_usage);
  }
  return options;
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options, bool with_path_option) {
  const std::string model = "Model";
  const std::string limits = "Limits";
  if (with_path_option) {
    command.add_option("--model", options.path, "Model file; default: the installed one")->group(model);
  }
  command.add_option("--engine", options.engine, "auto, native or torch")
      ->check(CLI::IsMember({"auto", "native", "torch"}))
      ->capture_default_str()
      ->group(model);
  command.add_option("--precision", options.precision, "auto, fp32 or bf16")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str()
      ->group(model);
  command.add_option("--threads", options.threads, "Threads granted to the library; default: the CPU quota")
      ->check(CLI::Range(0, 1024))
      ->group(model);
  command
      .add_option("--abstain-below", options.abstain_below,
                  "Abstain when the confidence is lower; default: the model's own")
      ->check(CLI::Range(0.0, 1.0))
      ->group(model);
  command.add_option("--expected-sha256", options.expected_sha256, "Refuse any other model file")->group(model);
  command.add_option("--plugin", options.plugin, "Path of libcatdog-torch.so")->group(model);
  command.add_option("--max-bytes", options.max_encoded_bytes, "Most bytes of a picture file")->group(limits);
  command.add_option("--max-pixels", options.max_pixels, "Most pixels of a picture")->group(limits);
  command.add_option("--max-side", options.max_side, "Longest side of a picture in pixels")->group(limits);
  command.add_option("--max-scans", options.max_scans, "Most scans of a progressive JPEG")->group(limits);
}

Session::Session(const ModelOptions& options) {
  const OptionsPointer settings = make_options(options);
  catdog_classifier* raw = nullptr;
  const char* path = options.path.empty() ? nullptr : options.path.c_str();
  const catdog_status status = catdog_classifier_open_file(&raw, path, settings.get());
  if (status != CATDOG_OK) {
    const std::string named = options.path.empty() ? "the default model" : "'" + options.path + "'";
    throw CommandError(exit_model,
                       "can't open " + named + " (" + catdog_status_name(status) + "): " + catdog_last_error());
  }
  classifier_.reset(raw);
  for (int i = 0; i < catdog_classifier_label_count(raw); ++i) labels_.emplace_back(catdog_classifier_label(raw, i));
}

std::string Session::info(catdog_info key) const {
  const char* value = catdog_classifier_info(classifier_.get(), key);
  return value == nullptr ? std::string() : value;
}

int Session::granted_threads() const {
  return std::max(1, static_cast<int>(std::strtol(info(CATDOG_INFO_THREADS).c_str(), nullptr, 10)));
}

Verdict Session::classify_file(const std::string& path) const {
  catdog_result* result = nullptr;
  const catdog_status status = catdog_classifier_classify_file(&result, classifier_.get(), path.c_str());
  return verdict(path, status, result);
}

Verdict Session::classify_bytes(const std::string& name, const std::string& bytes) const {
  catdog_result* result = nullptr;
  const catdog_status status =
      catdog_classifier_classify_encoded(&result, classifier_.get(), bytes.data(), bytes.size());
  return verdict(name, status, result);
}

Verdict Session::verdict(const std::string& path, catdog_status status, catdog_result* result) const {
  const std::unique_ptr<catdog_result, void (*)(catdog_result*)> owner(result, &catdog_result_destroy);
  Verdict verdict;
  verdict.path = path;
  verdict.status = status;
  if (status != CATDOG_OK) {
    verdict.message = catdog_last_error();
    return verdict;
  }
  verdict.label = catdog_result_label(result, 0);
  verdict.confidence = catdog_result_confidence(result, 0);
  verdict.abstained = catdog_result_abstained(result, 0) != 0;
  verdict.probabilities.resize(labels_.size());
  for (std::size_t rank = 0; rank < labels_.size(); ++rank) {
    std::int32_t index = 0;
    double probability = 0;
    check(catdog_result_ranked(result, 0, static_cast<std::int32_t>(rank), &index, &probability), exit_model);
    if (rank == 0) verdict.label_index = index;
    verdict.probabilities.at(static_cast<std::size_t>(index)) = probability;
  }
  verdict.format = catdog_result_format(result, 0);
  verdict.width = static_cast<int>(catdog_result_measure(result, 0, CATDOG_MEASURE_WIDTH));
  verdict.height = static_cast<int>(catdog_result_measure(result, 0, CATDOG_MEASURE_HEIGHT));
  verdict.total_ms = catdog_result_measure(result, 0, CATDOG_MEASURE_TOTAL_MS);
  return verdict;
}

}  // namespace catdog::cli
