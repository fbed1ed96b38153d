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
#include "loader.hpp"
#include "network_module.hpp"
#include "options.hpp"

namespace catdog::training {

// What the network says of the images of one split.
struct Predictions {
  at::Tensor logits;            // N×classes, float32, of the images that show a class.
  at::Tensor labels;            // N, int64.
  at::Tensor neither;           // Logits of neither for those; undefined without such an output.
  at::Tensor negatives;         // M×classes, of the negatives.
  at::Tensor negative_neither;  // M.
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
// et al. 2015), averaged over the images that show a class; and over all images the binary cross-entropy of the output
// for neither.
at::Tensor batch_loss(const at::Tensor& logits, const Targets& targets, const TrainOptions& options);

enum class Outcome : std::uint8_t { finished, interrupted };

core::InputSpec input_spec(const TrainOptions& options);

class Trainer {
 public:
  // `start`: tensors to begin with, by name and shape; the others begin at random.
  Trainer(const Dataset& data, core::Network network, const TrainOptions& options, const StateDict& start = {});

  // Trains to the end, or until `stop` is set: then the state is saved after the batch at hand. Writes checkpoint.pt
  // and metrics.jsonl.
  Outcome run(const std::atomic<bool>& stop);
  // Weights of the last complete or interrupted state; the moving average where there is one.
  // With options.average_with_start mixed with the start weights (Wortsman et al., Robust fine-tuning of zero-shot
  // models, 2021).
  StateDict result() const;
  Predictions predict(Split split) const;
  const core::Network& network() const { return network_.network(); }
  const std::vector<std::string>& random_start() const { return random_start_; }  // Tensors that weren't in `start`.

 private:
  // Inputs of the part of the network that trains: the image, or what the frozen part made of it.
  void put_input(at::Tensor& inputs, std::size_t row, std::size_t sample) const;
  at::Tensor make_inputs(std::size_t count) const;
  std::string lessons_path() const { return options_.output + "/teacher.cache"; }
  void run_epoch(const std::vector<std::size_t>& train, const std::atomic<bool>& stop);
  void update_average();
  void finish_epoch(std::size_t batches);

  const Dataset& data_;
  TrainOptions options_;
  core::InputSpec spec_;
  TrainableNetwork network_;
  std::vector<std::string> random_start_;
  std::size_t first_ = 0;  // The first layer that trains.
  FixedModels models_;
  StateDict start_;
  StateDict ema_;
  std::vector<double> rates_;  // Of each of the optimizer's groups, as a share of the learning rate.
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  Progress progress_;
};

}  // namespace catdog::training
