// SPDX-License-Identifier: Apache-2.0
// What the endpoints share.
#pragma once

#include <atomic>
#include <memory>

#include "codec/feedback.hpp"
#include "config.hpp"
#include "log.hpp"
#include "metrics.hpp"
#include "model_slot.hpp"
#include "work_queue.hpp"

namespace catdog::service {

struct Service {
  explicit Service(const Config& settings)
      : config(settings),
        log(config.log_level, config.log_format),
        queue({config.max_queue, config.max_queue_bytes}, [this](const char* reason) { metrics.reject(reason); }) {}

  const Config config;
  Log log;
  Metrics metrics;
  ModelSlot model;
  std::unique_ptr<FeedbackWindow> feedback;  // Set before `ready`.
  WorkQueue queue;
  std::atomic<bool> ready{false};  // A model passed its self-test and the workers run.
  std::atomic<bool> draining{false};
};

}  // namespace catdog::service
