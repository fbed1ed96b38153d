// SPDX-License-Identifier: Apache-2.0
// Everything that a stopped run needs to go on exactly where it was.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>

#include "network_module.hpp"

namespace catdog::training {

struct Progress {
  int epoch = 0;           // The epoch that is under way, from 0.
  std::size_t step = 0;    // Batches of it that are done.
  std::int64_t total = 0;  // Batches since the start.
  double loss_sum = 0;     // Of this epoch so far.
  double seconds = 0;      // Of this epoch so far.
};

// Writes to a temporary file first: a crash leaves the last good checkpoint. `options` is describe()'s text.
void save_checkpoint(const std::string& path, const TrainableNetwork& network, const StateDict& ema,
                     const torch::optim::Optimizer& optimizer, const Progress& progress, const std::string& options);

// Restores weights, moving average, optimizer and torch's generator. Throws core::Failure when the checkpoint is
// missing or was made with other options.
Progress load_checkpoint(const std::string& path, TrainableNetwork& network, StateDict& ema,
                         torch::optim::Optimizer& optimizer, const std::string& options);

}  // namespace catdog::training
