// SPDX-License-Identifier: Apache-2.0
#include "calibration.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "status.hpp"

namespace catdog::training {
namespace {

std::vector<double> values(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.to(torch::kFloat64).contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

// The value at or below which that share of the values lies.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::min(std::max<std::size_t>(rank, 1), values.size()) - 1];
}

}  // namespace

NeitherCalibration fit_neither(const Predictions& predictions, double answered, double declined) {
  const std::vector<double> shown = values(predictions.neither);
  const std::vector<double> strange = values(predictions.negative_neither);
  if (shown.empty() || strange.empty()) {
    throw core::Failure(core::Status::invalid_argument,
                        "the validation split has no negatives: add some to --negatives");
  }
  // Newton's method on the weighted log loss, which is convex in (scale, offset).
  NeitherCalibration fit;
  for (int i = 0; i < 100; ++i) {
    double g0 = 0, g1 = 0, h00 = 1e-6, h01 = 0, h11 = 1e-6;
    const auto add = [&](const std::vector<double>& logits, double target, double share) {
      const double weight = share / static_cast<double>(logits.size());
      for (const double x : logits) {
        const double p = 1 / (1 + std::exp(-(fit.scale * x + fit.offset)));
        const double slope = weight * p * (1 - p);
        g0 += weight * (p - target) * x;
        g1 += weight * (p - target);
        h00 += slope * x * x;
        h01 += slope * x;
        h11 += slope;
      }
    };
    add(shown, 0, 1 - stranger_share);
    add(strange, 1, stranger_share);
    const double determinant = h00 * h11 - h01 * h01;
    const double step_scale = (h11 * g0 - h01 * g1) / determinant;
    const double step_offset = (h00 * g1 - h01 * g0) / determinant;
    // Perfectly separated scores have no best scale: small steps, and an end.
    const double limit = std::min(1.0, 1 / std::max(1e-12, std::max(std::abs(step_scale), std::abs(step_offset))));
    fit.scale = std::clamp(fit.scale - limit * step_scale, 1e-3, 100.0);
    fit.offset -= limit * step_offset;
    if (std::abs(step_scale) + std::abs(step_offset) < 1e-9) break;
  }
  // Where nearly all negatives lie above that, anything in the gap declines them, and its middle costs fewest answers.
  double logit = quantile(shown, answered);
  logit = std::max(logit, (logit + quantile(strange, 1 - declined)) / 2);
  fit.above = 1 / (1 + std::exp(-(fit.scale * logit + fit.offset)));
  return fit;
}

void fold(const NeitherCalibration& calibration, const core::Network& network, std::int64_t output, StateDict& state) {
  const auto* last = std::get_if<core::LinearLayer>(&network.layers.back().op);
  if (last == nullptr || !last->bias) {
    throw core::Failure(core::Status::invalid_argument,
                        "a network with an output for neither must end with a linear layer that has a bias");
  }
  const torch::NoGradGuard no_grad;
  state.at(last->name + ".weight")[output].mul_(calibration.scale);
  state.at(last->name + ".bias")[output].mul_(calibration.scale).add_(calibration.offset);
}

void fold(const NeitherCalibration& calibration, Predictions& predictions) {
  predictions.neither = predictions.neither * calibration.scale + calibration.offset;
  predictions.negative_neither = predictions.negative_neither * calibration.scale + calibration.offset;
}

nlohmann::ordered_json operating_curve(const Predictions& predictions, double temperature, double above) {
  struct Answer {
    double trust;
    double weight;
    bool right;
  };
  std::vector<Answer> answers;
  double total = 0;
  const auto add = [&](const at::Tensor& logits, const at::Tensor& neither, const at::Tensor& labels, double share) {
    if (!logits.defined() || logits.size(0) == 0) return;
    const at::Tensor probabilities = torch::softmax(logits.to(torch::kFloat64) / temperature, 1);
    const auto [confidence, best] = probabilities.max(1);
    const at::Tensor score =
        neither.defined() ? torch::sigmoid(neither.to(torch::kFloat64)) : torch::zeros_like(confidence);
    const std::vector<double> trust = values(confidence * (1 - score));
    const std::vector<double> scores = values(score);
    const std::vector<double> right =
        labels.defined() ? values(best.eq(labels)) : std::vector<double>(trust.size(), 0.0);
    const double weight = share / static_cast<double>(trust.size());
    total += share;
    for (std::size_t i = 0; i < trust.size(); ++i) {
      if (scores[i] <= above) answers.push_back({trust[i], weight, right[i] > 0});
    }
  };
  const bool strangers = predictions.negatives.defined() && predictions.negatives.size(0) > 0;
  add(predictions.logits, predictions.neither, predictions.labels, strangers ? 1 - stranger_share : 1);
  if (strangers) add(predictions.negatives, predictions.negative_neither, {}, stranger_share);

  std::sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) { return a.trust > b.trust; });
  // Thresholds in even steps of the log odds, so that the end that matters is the finest.
  nlohmann::ordered_json curve = nlohmann::ordered_json::array();
  std::size_t used = 0;
  double right = 0;
  double answered = 0;
  for (int step = 64; step >= 0; --step) {
    const double threshold = step == 0 ? 0 : 1 / (1 + std::exp(-static_cast<double>(step) / 8));
    for (; used < answers.size() && answers[used].trust >= threshold; ++used) {
      answered += answers[used].weight;
      if (answers[used].right) right += answers[used].weight;
    }
    if (answered <= 0) continue;
    const nlohmann::ordered_json point{{"abstain_below", threshold},
                                       {"precision", std::min(1.0, right / answered)},
                                       {"coverage", std::min(1.0, answered / total)}};
    curve.insert(curve.begin(), point);
  }
  return curve;
}

}  // namespace catdog::training
