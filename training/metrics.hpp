// SPDX-License-Identifier: Apache-2.0
// What is minimised, and what is measured of a network's predictions.
#pragma once

#include <torch/types.h>

#include <cstddef>

#include "loader.hpp"
#include "options.hpp"
#include "wilson.hpp"

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
  core::Interval accuracy_interval;  // Wilson, 95 %.
  double log_loss = 0;               // Of softmax(logits / temperature), in nats.
};

Metrics measure(const Predictions& predictions, double temperature);

// The temperature that minimises the log loss (Guo et al., On calibration of modern neural networks, 2017). With fewer
// than ten wrong answers it isn't below 1: so few can't justify making the network surer than it is.
double fit_temperature(const Predictions& predictions);

// Learning rate at a step: warm-up, then down to (almost) nothing along a cosine. "one-cycle" warms up along a cosine
// too (Smith 2018), "cosine" linearly.
double learning_rate(const TrainOptions& options, double progress);

// Loss of one batch: (1 - w) · cross-entropy with the targets + w · T² · KL(teacher ‖ network at temperature T) (Hinton
// et al. 2015), averaged over the images that show a class; and over all images the binary cross-entropy of the output
// for neither.
at::Tensor batch_loss(const at::Tensor& logits, const Targets& targets, const TrainOptions& options);

}  // namespace catdog::training
