// SPDX-License-Identifier: Apache-2.0
#include "model_slot.hpp"

#include <filesystem>

namespace catdog::service {

namespace fs = std::filesystem;

namespace {

Options make_options(const Config& config, Log& log) {
  Options options;
  options.engine(config.engine).precision(config.precision).expected_sha256(config.expected_sha256);
  options.max_pixels(config.max_pixels).max_side(config.max_side);
  options.max_encoded_bytes(static_cast<std::int64_t>(config.max_body_bytes));
  if (config.abstain_below >= 0) options.abstain_below(config.abstain_below);
  options.log(CATDOG_LOG_INFO, [&log](catdog_log_level level, std::string_view message) {
    const Level as = level >= CATDOG_LOG_ERROR     ? Level::error
                     : level >= CATDOG_LOG_WARNING ? Level::warning
                                                   : Level::info;
    log.event(as, "library", {{"message", std::string(message)}});
  });
  return options;
}

ModelInfo describe(const Classifier& classifier) {
  ModelInfo info;
  info.name = classifier.info(CATDOG_INFO_MODEL_NAME);
  info.version = classifier.info(CATDOG_INFO_MODEL_VERSION);
  info.sha256 = classifier.info(CATDOG_INFO_MODEL_SHA256);
  info.engine = classifier.info(CATDOG_INFO_ENGINE);
  info.precision = classifier.info(CATDOG_INFO_PRECISION);
  info.labels = classifier.labels();
  info.input_width = static_cast<int>(classifier.number(CATDOG_INFO_INPUT_WIDTH));
  info.input_height = static_cast<int>(classifier.number(CATDOG_INFO_INPUT_HEIGHT));
  return info;
}

}  // namespace

ModelPtr load_model(const Config& config, Log& log) {
  const auto start = Clock::now();
  const Options options = make_options(config, log);
  Classifier classifier = config.model.empty() ? Classifier::open(options) : Classifier::open(config.model, options);
  const int quota = static_cast<int>(classifier.number(CATDOG_INFO_THREADS));
  classifier.warm_up(config.workers > 0 ? config.workers : quota);
  ModelInfo info = describe(classifier);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return std::make_shared<const LoadedModel>(LoadedModel{std::move(classifier), std::move(info), quota, seconds});
}

void check_successor(const Config& config, const LoadedModel& current, const LoadedModel& next) {
  if (next.info.labels != current.info.labels) {
    throw Error(CATDOG_ERROR_MODEL_UNSUPPORTED,
                "its labels differ from those of the model in use; start a new instance for it");
  }
  if (config.reload_check_dir.empty()) return;
  std::size_t right = 0;
  std::size_t all = 0;
  for (const std::string& label : next.info.labels) {
    const fs::path folder = fs::path(config.reload_check_dir) / label;
    if (!fs::is_directory(folder)) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      ++all;
      try {
        right += next.classifier.classify_file(entry.path().string()).label() == label ? 1 : 0;
      } catch (const Error&) {  // Counts as wrong: the folder is meant to be readable.
      }
    }
  }
  if (all == 0) {
    throw Error(CATDOG_ERROR_NOT_FOUND,
                "no pictures in " + config.reload_check_dir + "; it needs a sub-folder of pictures per label");
  }
  const double agreement = static_cast<double>(right) / static_cast<double>(all);
  if (agreement < config.reload_min_agreement) {
    throw Error(CATDOG_ERROR_MODEL_UNSUPPORTED, "it got " + std::to_string(right) + " of " + std::to_string(all) +
                                                    " check pictures right, less than --reload-min-agreement");
  }
}

}  // namespace catdog::service
