// SPDX-License-Identifier: Apache-2.0
#include "metrics.hpp"

#include <torch/types.h>

#include <cmath>

namespace catdog::training {
namespace {

double log_loss(const Predictions& predictions, double temperature) {
  return torch::nll_loss(torch::log_softmax(predictions.logits.to(torch::kFloat64) / temperature, 1),
                         predictions.labels)
      .item<double>();
}

}  // namespace

Metrics measure(const Predictions& predictions, double temperature) {
  Metrics metrics;
  metrics.count = static_cast<std::size_t>(predictions.labels.size(0));
  const auto correct = predictions.logits.argmax(1).eq(predictions.labels).sum().item<std::int64_t>();
  metrics.accuracy = static_cast<double>(correct) / static_cast<double>(metrics.count);
  metrics.accuracy_interval = core::wilson_interval(static_cast<std::size_t>(correct), metrics.count);
  metrics.log_loss = log_loss(predictions, temperature);
  return metrics;
}

double fit_temperature(const Predictions& predictions) {
  // Golden-section search on the logarithm: the log loss is convex in 1/T.
  constexpr double ratio = 0.6180339887498949;
  const auto wrong = predictions.logits.argmax(1).ne(predictions.labels).sum().item<std::int64_t>();
  double low = std::log(wrong < 10 ? 1.0 : 0.05);
  double high = std::log(20.0);
  for (int i = 0; i < 40; ++i) {
    const double a = high - ratio * (high - low);
    const double b = low + ratio * (high - low);
    if (log_loss(predictions, std::exp(a)) < log_loss(predictions, std::exp(b))) {
      high = b;
    } else {
      low = a;
    }
  }
  return std::exp((low + high) / 2);
}

double learning_rate(const TrainOptions& options, double progress) {
  constexpr double pi = 3.14159265358979323846;
  const double peak = options.learning_rate;
  const double start = peak / 25;
  const double end = start / 1e4;
  if (progress < options.warm_up) {
    const double t = progress / options.warm_up;
    return start + (peak - start) * (options.schedule == "one-cycle" ? (1 - std::cos(pi * t)) / 2 : t);
  }
  const double t = (progress - options.warm_up) / (1 - options.warm_up);
  return end + (peak - end) * (1 + std::cos(pi * t)) / 2;
}

at::Tensor batch_loss(const at::Tensor& outputs, const Targets& targets, const TrainOptions& options) {
  const at::Tensor logits = outputs.slice(1, 0, targets.labels.size(1));
  const at::Tensor images = targets.labels.sum().clamp_min(1e-6);  // That show a class.
  at::Tensor loss = -(targets.labels * torch::log_softmax(logits, 1)).sum() / images;
  if (targets.teacher.defined() && options.distill_weight > 0) {
    const double t = options.distill_temperature;
    const at::Tensor soft =
        torch::kl_div(torch::log_softmax(logits / t, 1), targets.teacher, at::Reduction::Sum) * (t * t) / images;
    loss = loss * (1 - options.distill_weight) + soft * options.distill_weight;
  }
  if (targets.neither.defined()) {
    loss = loss + options.negative_weight * torch::binary_cross_entropy_with_logits(
                                                outputs.select(1, targets.labels.size(1)), targets.neither);
  }
  return loss;
}

}  // namespace catdog::training
