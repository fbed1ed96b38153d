// SPDX-License-Identifier: Apache-2.0
// The training loop, and what is measured of the trained weights.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint.hpp"
#include "dataset.hpp"
#include "image/preprocess.hpp"
#include "network_module.hpp"
#include "options.hpp"

namespace catdog::training {

// Logits of one split, in the order of Dataset::indices(split).
struct Predictions {
  at::Tensor logits;  // N×classes, float32.
  at::Tensor labels;  // N, int64.
};

struct Metrics {
  std::size_t count = 0;
  double accuracy = 0;
  double accuracy_low = 0;  // 95 % Wilson score interval.
  double accuracy_high = 0;
  double log_loss = 0;  // Of softmax(logits / temperature), in nats.
};

Metrics measure(const Predictions& predictions, double temperature);

// The temperature that minimises the log loss (Guo et al., On calibration of modern neural networks, 2017).
double fit_temperature(const Predictions& predictions);

// Learning rate at a step: warm-up, then down to (almost) nothing along a cosine. "one-cycle" warms up along a cosine
// too (Smith 2018), "cosine" linearly.
double learning_rate(const TrainOptions& options, double progress);

// Loss of one batch: (1 - w) · cross-entropy with the targets + w · T² · KL(teacher ‖ network at temperature T) (Hinton
// et al. 2015).
at::Tensor batch_loss(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& teacher,
                      const TrainOptions& options);

enum class Outcome : std::uint8_t { finished, interrupted };

class Trainer {
 public:
  Trainer(const Dataset& data, core::Network network, const TrainOptions& options);

  // Trains to the end, or until `stop` is set: then the state is saved after the batch at hand. Writes checkpoint.pt
  // and metrics.jsonl.
  Outcome run(const std::atomic<bool>& stop);
  // Weights of the last complete or interrupted state; the moving average where there is one.
  const StateDict& result() const { return options_.ema > 0 ? ema_ : network_.state(); }
  Predictions predict(Split split) const;
  TrainableNetwork& network() { return network_; }
  void reset_average();  // The moving average starts from the network's present weights.

 private:
  void run_epoch(const std::vector<std::size_t>& train, const std::atomic<bool>& stop);
  void update_average();
  void finish_epoch(std::size_t batches);

  const Dataset& data_;
  TrainOptions options_;
  core::InputSpec spec_;
  TrainableNetwork network_;
  StateDict ema_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  Progress progress_;
};

}  // namespace catdog::training
