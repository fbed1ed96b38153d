// SPDX-License-Identifier: Apache-2.0
// What the handlers and the sessions share.
#pragma once

#include <atomic>

#include "config.hpp"
#include "formats/feedback.hpp"
#include "formats/feedback_token.hpp"
#include "log.hpp"
#include "memory_budget.hpp"
#include "metrics.hpp"
#include "model_store.hpp"
#include "worker_queue.hpp"

namespace catdog::service {

struct Service {
  explicit Service(const Config& settings)
      : config(settings),
        log(config.log_level, config.log_format),
        bodies(config.max_queue_bytes),
        decoding(static_cast<std::uint64_t>(config.max_decode_bytes),
                 static_cast<std::uint64_t>(config.max_decode_bytes)),
        models(config, log, metrics),
        feedback_tokens(config.feedback_key),
        used_tokens(config.feedback_answers),
        queue(config.max_queue, [this](const char* reason) { metrics.reject(reason); }) {}

  const Config config;
  Log log;
  Metrics metrics;
  MemoryBudget bodies;    // Requests and responses of all connections.
  MemoryBudget decoding;  // What decoding takes, in all workers.
  ModelStore models;
  FeedbackTokens feedback_tokens;
  UsedTokens used_tokens;
  WorkerQueue queue;
  std::atomic<bool> ready{false};  // A model passed its self-test and the workers run.
  std::atomic<bool> draining{false};
};

}  // namespace catdog::service
