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
#include "metrics.hpp"
#include "network_module.hpp"
#include "options.hpp"

namespace catdog::training {

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
