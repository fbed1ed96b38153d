// SPDX-License-Identifier: Apache-2.0
#include "model_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "message.hpp"

namespace catdog::service {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

Options make_options(const Config& config, Log& log) {
  Options options;
  options.engine(config.engine)
      .precision(config.precision)
      .expected_sha256(config.expected_sha256)
      .trusted_key(config.trusted_key);
  options.max_pixels(config.max_pixels).max_side(config.max_side).max_decode_bytes(config.max_decode_bytes);
  options.max_encoded_bytes(static_cast<std::int64_t>(config.max_body_bytes));
  if (config.abstain_below) options.abstain_below(*config.abstain_below);
  if (config.neither_above) options.neither_above(*config.neither_above);
  if (config.min_precision) options.min_precision(*config.min_precision);
  options.log(CATDOG_LOG_INFO, [&log](catdog_log_level level, std::string_view message) {
    const Level as = level >= CATDOG_LOG_ERROR     ? Level::error
                     : level >= CATDOG_LOG_WARNING ? Level::warning
                                                   : Level::info;
    log.event(as, "library", {{"message", std::string(message)}});
  });
  return options;
}

// True for as long as it lives.
struct Loading {
  explicit Loading(bool& flag) : flag_(flag) { flag_ = true; }
  ~Loading() { flag_ = false; }
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;
  bool& flag_;
};

}  // namespace

int LoadedModel::quota_threads() const { return static_cast<int>(classifier.integer(CATDOG_INFO_THREADS)); }

ModelStore::ModelStore(const Config& config, Log& log, Metrics& metrics)
    : config_(config), log_(log), infos_(metrics.gauges("model_info", "The model in use; always 1.")) {}

ModelPtr ModelStore::current() const {
  const std::lock_guard lock(mutex_);
  return model_;
}

asio::awaitable<ModelPtr> ModelStore::load() {
  if (loading_) {
    throw Problem(409, "reload-running", "A model is being loaded already; try again when that is done.");
  }
  const Loading loading(loading_);
  ModelPtr next = co_await asio::co_spawn(loader_, open_successor(current()), asio::use_awaitable);
  {
    const std::lock_guard lock(mutex_);
    model_ = next;
  }
  report(*next);
  co_return next;
}

asio::awaitable<ModelPtr> ModelStore::open_successor(ModelPtr current) {
  ModelPtr next = open();
  if (current) check_successor(*current, *next);
  co_return next;
}

ModelPtr ModelStore::open() const {
  const auto start = Clock::now();
  const Options options = make_options(config_, log_);
  Classifier classifier = config_.model.empty() ? Classifier::open(options) : Classifier::open(config_.model, options);
  auto feedback = std::make_shared<FeedbackWindow>(classifier.labels().size(), config_.feedback_window);
  LoadedModel model{std::move(classifier), 0, std::move(feedback)};
  model.classifier.warm_up(config_.workers > 0 ? config_.workers : model.quota_threads());
  model.load_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return std::make_shared<const LoadedModel>(std::move(model));
}

void ModelStore::report(const LoadedModel& model) {
  const Classifier& classifier = model.classifier;
  const std::string name = classifier.info(CATDOG_INFO_MODEL_NAME);
  const std::string version = classifier.info(CATDOG_INFO_MODEL_VERSION);
  const std::string sha256 = classifier.info(CATDOG_INFO_MODEL_SHA256);
  const std::string engine = classifier.info(CATDOG_INFO_ENGINE);
  const std::string precision = classifier.info(CATDOG_INFO_PRECISION);
  if (info_ != nullptr) infos_.Remove(info_);
  info_ = &infos_.Add(
      {{"name", name}, {"version", version}, {"sha256", sha256}, {"engine", engine}, {"precision", precision}});
  info_->Set(1);
  log_.event(Level::info, "model_loaded",
             {{"name", name},
              {"version", version},
              {"sha256", sha256},
              {"engine", engine},
              {"precision", precision},
              {"load_ms", static_cast<std::int64_t>(model.load_seconds * 1e3)}});
}

void ModelStore::check_successor(const LoadedModel& current, const LoadedModel& next) const {
  const std::vector<std::string> labels = next.classifier.labels();
  if (labels != current.classifier.labels()) {
    throw Error(CATDOG_ERROR_MODEL_UNSUPPORTED,
                "its labels differ from those of the model in use; start a new instance for it");
  }
  if (config_.reload_check_dir.empty()) return;
  std::size_t right = 0;
  std::size_t all = 0;
  for (const std::string& label : labels) {
    const fs::path folder = fs::path(config_.reload_check_dir) / label;
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
                "no images in " + config_.reload_check_dir + "; it needs a sub-folder of images per label");
  }
  const double agreement = static_cast<double>(right) / static_cast<double>(all);
  if (agreement < config_.reload_min_agreement) {
    throw Error(CATDOG_ERROR_MODEL_UNSUPPORTED, "it got " + std::to_string(right) + " of " + std::to_string(all) +
                                                    " check images right, less than --reload-min-agreement");
  }
}

}  // namespace catdog::service
