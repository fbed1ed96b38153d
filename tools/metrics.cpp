// SPDX-License-Identifier: Apache-2.0
#include "metrics.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace catdog::cli {
namespace {

std::optional<double> ratio(std::size_t part, std::size_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

void measure_neither(const std::vector<Sample>& samples, Metrics& metrics) {
  std::size_t declined = 0;
  std::size_t called = 0;
  std::size_t answered = 0;
  std::size_t right = 0;
  std::vector<double> scores;
  std::vector<bool> positive;
  for (const Sample& sample : samples) {
    const bool stranger = sample.truth == no_label;
    metrics.neither.count += stranger ? 1 : 0;
    declined += stranger && sample.abstained ? 1 : 0;
    called += stranger && sample.called_neither ? 1 : 0;
    answered += sample.abstained ? 0 : 1;
    right += !sample.abstained && sample.truth == sample.predicted ? 1 : 0;
    if (sample.neither) scores.push_back(*sample.neither);
    positive.push_back(stranger);
  }
  metrics.neither.declined = ratio(declined, metrics.neither.count);
  metrics.neither.called_neither = ratio(called, metrics.neither.count);
  if (scores.size() == samples.size()) metrics.neither.auc = area_under_roc(scores, positive);
  metrics.answered = ratio(answered, samples.size());
  metrics.answered_accuracy = ratio(right, answered);
}

ClassMetrics class_metrics(const std::vector<Sample>& samples, const Metrics& metrics, std::size_t label) {
  ClassMetrics result;
  const std::size_t hits = metrics.confusion[label][label];
  std::size_t predicted = 0;
  for (const auto& row : metrics.confusion) predicted += row[label];
  for (const std::size_t n : metrics.confusion[label]) result.support += n;
  result.precision = ratio(hits, predicted);
  result.recall = ratio(hits, result.support);
  result.f1 = ratio(2 * hits, predicted + result.support);
  std::vector<double> scores;
  std::vector<bool> positive;
  for (const Sample& sample : samples) {
    scores.push_back(sample.probabilities[label]);
    positive.push_back(sample.truth == static_cast<int>(label));
  }
  result.auc = area_under_roc(scores, positive);
  return result;
}

}  // namespace

std::optional<double> area_under_roc(const std::vector<double>& scores, const std::vector<bool>& positive) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double rank_sum = 0;  // Of the positives; equal scores share the mean of their ranks.
  double positives = 0;
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last < order.size() && scores[order[last]] == scores[order[first]]) ++last;
    const double rank = static_cast<double>(first + 1 + last) / 2;
    for (; first < last; ++first) {
      if (!positive[order[first]]) continue;
      rank_sum += rank;
      positives += 1;
    }
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

int bin_of(double value, int bins) { return std::clamp(static_cast<int>(std::ceil(value * bins)) - 1, 0, bins - 1); }

std::vector<ReliabilityBin> reliability(const std::vector<double>& confidences, const std::vector<bool>& correct,
                                        int bins) {
  std::vector<ReliabilityBin> result(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < confidences.size(); ++i) {
    ReliabilityBin& bin = result[static_cast<std::size_t>(bin_of(confidences[i], bins))];
    ++bin.count;
    bin.right += correct[i] ? 1 : 0;
    bin.confidence += confidences[i];
  }
  return result;
}

double expected_calibration_error(const std::vector<double>& confidences, const std::vector<bool>& correct, int bins) {
  double sum = 0;
  for (const ReliabilityBin& bin : reliability(confidences, correct, bins)) {
    sum += std::abs(bin.confidence - static_cast<double>(bin.right));
  }
  return confidences.empty() ? 0.0 : sum / static_cast<double>(confidences.size());
}

Metrics compute_metrics(const std::vector<Sample>& all, std::size_t labels) {
  Metrics metrics;
  measure_neither(all, metrics);
  std::vector<Sample> samples;
  std::copy_if(all.begin(), all.end(), std::back_inserter(samples),
               [](const Sample& sample) { return sample.truth != no_label; });
  metrics.count = samples.size();
  metrics.confusion.assign(labels, std::vector<std::size_t>(labels, 0));
  metrics.classes.resize(labels);
  if (samples.empty()) return metrics;
  std::vector<double> confidences;
  std::vector<bool> correct;
  std::size_t covered = 0;
  std::size_t covered_correct = 0;
  for (const Sample& sample : samples) {
    const auto truth = static_cast<std::size_t>(sample.truth);
    const auto predicted = static_cast<std::size_t>(sample.predicted);
    const bool right = truth == predicted;
    ++metrics.confusion[truth][predicted];
    metrics.correct += right ? 1 : 0;
    if (!sample.abstained) {
      ++covered;
      covered_correct += right ? 1 : 0;
    }
    confidences.push_back(sample.probabilities[predicted]);
    correct.push_back(right);
    metrics.log_loss -= std::log(std::max(sample.probabilities[truth], 1e-15));
    for (std::size_t label = 0; label < labels; ++label) {
      const double error = sample.probabilities[label] - (label == truth ? 1.0 : 0.0);
      metrics.brier += error * error;
    }
  }
  const auto n = static_cast<double>(samples.size());
  metrics.log_loss /= n;
  metrics.brier /= n;
  metrics.accuracy = static_cast<double>(metrics.correct) / n;
  metrics.accuracy_interval = wilson_interval(metrics.correct, metrics.count);
  metrics.ece = expected_calibration_error(confidences, correct);
  metrics.coverage = static_cast<double>(covered) / n;
  metrics.covered_accuracy = ratio(covered_correct, covered);
  double auc_sum = 0;
  bool all_known = true;
  for (std::size_t label = 0; label < labels; ++label) {
    metrics.classes[label] = class_metrics(samples, metrics, label);
    all_known = all_known && metrics.classes[label].auc.has_value();
    auc_sum += metrics.classes[label].auc.value_or(0.0);
  }
  if (all_known) metrics.auc = auc_sum / static_cast<double>(labels);
  return metrics;
}

}  // namespace catdog::cli
