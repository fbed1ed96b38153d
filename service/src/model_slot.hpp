// SPDX-License-Identifier: Apache-2.0
// The model in use, which another may take the place of while requests run on the old one.
#pragma once

#include <catdog/catdog.hpp>
#include <memory>
#include <mutex>

#include "config.hpp"
#include "exchange.hpp"
#include "log.hpp"

namespace catdog::service {

struct LoadedModel {
  Classifier classifier;
  ModelInfo info;
  int quota_threads;  // CPUs that the process may use.
  double load_seconds;
};
using ModelPtr = std::shared_ptr<const LoadedModel>;

// Opens the configured model, which runs its golden self-test. Throws catdog::Error.
ModelPtr load_model(const Config& config, Log& log);

// Throws catdog::Error unless `next` may take the place of `current`: the same labels, and enough agreement with the
// folder of labelled pictures when one is configured.
void check_successor(const Config& config, const LoadedModel& current, const LoadedModel& next);

class ModelSlot {
 public:
  // Null until a model was loaded. Whoever holds the pointer may use the model to the end.
  ModelPtr get() const {
    const std::lock_guard lock(mutex_);
    return model_;
  }
  void set(ModelPtr model) {
    const std::lock_guard lock(mutex_);
    model_.swap(model);
  }

 private:
  mutable std::mutex mutex_;
  ModelPtr model_;
};

}  // namespace catdog::service
