// SPDX-License-Identifier: Apache-2.0
// The model: loaded on a thread of its own, at the start and for each reload, while the I/O thread answers.
#include <boost/asio/post.hpp>

#include "server.hpp"

namespace catdog::service {

void Server::load_first_model() {
  loading_ = true;
  loader_ = std::thread([this] {
    ModelPtr model;
    std::string failure;
    try {
      model = load_model(service_.config, service_.log);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    asio::post(io_, [this, model = std::move(model), failure] {
      loading_ = false;
      if (model) {
        install_first_model(model);
      } else {
        service_.log.event(Level::error, "model_failed", {{"model", service_.config.model}, {"reason", failure}});
        stop(exit_model);
      }
    });
  });
}

void Server::install_first_model(const ModelPtr& model) {
  const Config& config = service_.config;
  FeedbackOptions options;
  options.labels = model->info.labels.size();
  options.max_answers = config.feedback_answers;
  options.window = config.feedback_window;
  service_.feedback = std::make_unique<FeedbackWindow>(options);
  service_.model.set(model);
  service_.queue.start(config.workers > 0 ? config.workers : model->quota_threads);
  service_.ready = true;
  report_model(model);
}

bool Server::reload(ReloadDone done) {
  const ModelPtr current = service_.model.get();
  if (loading_ || !current || service_.draining) return false;
  loading_ = true;
  if (loader_.joinable()) loader_.join();
  service_.log.event(Level::info, "reload_started");
  loader_ = std::thread([this, current, done = std::move(done)] {
    ModelPtr next;
    std::string refusal;
    try {
      next = load_model(service_.config, service_.log);
      check_successor(service_.config, *current, *next);
    } catch (const std::exception& error) {
      refusal = error.what();
    }
    asio::post(io_, [this, next, refusal, done] {
      loading_ = false;
      service_.metrics.reloads.at({refusal.empty() ? "swapped" : "refused"}).Increment();
      if (refusal.empty()) {
        service_.model.set(next);
        report_model(next);
      } else {
        service_.log.event(Level::error, "reload_refused", {{"reason", refusal}});
      }
      done(refusal);
    });
  });
  return true;
}

void Server::report_model(const ModelPtr& model) {
  const ModelInfo& info = model->info;
  if (model_infos_ == nullptr) {
    model_infos_ = &service_.metrics.gauges("model_info", "The model in use; always 1.");
  }
  if (model_info_ != nullptr) model_infos_->Remove(model_info_);
  model_info_ = &model_infos_->Add({{"name", info.name},
                                    {"version", info.version},
                                    {"sha256", info.sha256},
                                    {"engine", info.engine},
                                    {"precision", info.precision}});
  model_info_->Set(1);
  service_.log.event(Level::info, "model_loaded",
                     {{"name", info.name},
                      {"version", info.version},
                      {"sha256", info.sha256},
                      {"engine", info.engine},
                      {"precision", info.precision},
                      {"load_ms", static_cast<std::int64_t>(model->load_seconds * 1e3)}});
}

}  // namespace catdog::service
