// SPDX-License-Identifier: Apache-2.0
// The model in use, which another may take the place of while requests run on the old one.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <catdog/catdog.hpp>
#include <memory>
#include <mutex>

#include "config.hpp"
#include "formats/feedback.hpp"
#include "log.hpp"
#include "metrics.hpp"

namespace catdog::service {

struct LoadedModel {
  Classifier classifier;
  double load_seconds;
  std::shared_ptr<FeedbackWindow> feedback;  // For the I/O thread.

  int quota_threads() const;  // CPUs that the process may use.
};
using ModelPtr = std::shared_ptr<const LoadedModel>;

class ModelStore {
 public:
  ModelStore(const Config& config, Log& log, Metrics& metrics);

  // Null until a model was loaded. Whoever holds the pointer may use the model to the end.
  ModelPtr current() const;
  // Loads the configured model, which runs its golden self-test, on a thread for it, and puts it in place. Throws
  // catdog::Error, and the old one stays, unless it may take the place of the old one: with the same labels, and enough
  // agreement with --reload-check-dir. Throws Problem 409 while another load runs.
  boost::asio::awaitable<ModelPtr> load();
  // Waits for a load that still runs.
  void finish() { loader_.join(); }

 private:
  ModelPtr open() const;
  void check_successor(const LoadedModel& current, const LoadedModel& next) const;
  boost::asio::awaitable<ModelPtr> open_successor(ModelPtr current);
  void report(const LoadedModel& model);

  const Config& config_;
  Log& log_;
  prometheus::Family<prometheus::Gauge>& infos_;
  prometheus::Gauge* info_ = nullptr;
  mutable std::mutex mutex_;
  ModelPtr model_;
  bool loading_ = false;
  boost::asio::thread_pool loader_{1};
};

}  // namespace catdog::service
