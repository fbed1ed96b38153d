// SPDX-License-Identifier: Apache-2.0
#include "curves.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

namespace catdog::cli {
namespace {

// From the highest score down: visit(taken, hits) after each group of equal scores.
void sweep(const std::vector<double>& scores, const std::vector<bool>& flags,
           const std::function<void(std::size_t, std::size_t)>& visit) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::size_t hits = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    hits += flags[order[i]] ? 1 : 0;
    if (i + 1 == order.size() || scores[order[i + 1]] != scores[order[i]]) visit(i + 1, hits);
  }
}

double share(std::size_t part, std::size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

}  // namespace

Curve roc_curve(const std::vector<double>& scores, const std::vector<bool>& positive) {
  const auto positives = static_cast<std::size_t>(std::count(positive.begin(), positive.end(), true));
  const std::size_t negatives = scores.size() - positives;
  if (positives == 0 || negatives == 0) return {};
  Curve curve = {{0, 0}};
  sweep(scores, positive, [&](std::size_t taken, std::size_t hits) {
    curve.push_back({share(taken - hits, negatives), share(hits, positives)});
  });
  return curve;
}

Curve precision_recall_curve(const std::vector<double>& scores, const std::vector<bool>& positive) {
  const auto positives = static_cast<std::size_t>(std::count(positive.begin(), positive.end(), true));
  if (positives == 0) return {};
  Curve curve;
  sweep(scores, positive, [&](std::size_t taken, std::size_t hits) {
    curve.push_back({share(hits, positives), share(hits, taken)});
  });
  return curve;
}

Curve coverage_curve(const std::vector<double>& trust, const std::vector<bool>& right) {
  Curve curve;
  sweep(trust, right, [&](std::size_t taken, std::size_t hits) {
    curve.push_back({share(taken, trust.size()), share(hits, taken)});
  });
  return curve;
}

std::vector<double> histogram(const std::vector<double>& scores, int bins) {
  std::vector<double> shares(static_cast<std::size_t>(bins), 0.0);
  for (const double score : scores) {
    shares[static_cast<std::size_t>(bin_of(score, bins))] += 1 / static_cast<double>(scores.size());
  }
  return shares;
}

std::vector<std::optional<Interval>> bootstrap_intervals(
    const std::vector<Sample>& samples, std::size_t labels,
    const std::function<std::vector<std::optional<double>>(const Metrics&)>& figures, int sets) {
  std::map<int, std::vector<std::size_t>> by_truth;
  for (std::size_t i = 0; i < samples.size(); ++i) by_truth[samples[i].truth].push_back(i);
  std::mt19937_64 random(1);
  std::vector<std::vector<double>> seen(figures(compute_metrics(samples, labels)).size());
  for (int set = 0; set < sets; ++set) {
    std::vector<Sample> drawn;
    drawn.reserve(samples.size());
    for (const auto& [truth, members] : by_truth) {
      for (std::size_t i = 0; i < members.size(); ++i) drawn.push_back(samples[members[random() % members.size()]]);
    }
    const auto values = figures(compute_metrics(drawn, labels));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i]) seen[i].push_back(*values[i]);
    }
  }
  std::vector<std::optional<Interval>> intervals;
  for (std::vector<double>& values : seen) {
    std::sort(values.begin(), values.end());
    const auto quantile = [&](double q) {
      return values[static_cast<std::size_t>(q * double(values.size() - 1) + 0.5)];
    };
    const bool known = 2 * values.size() > static_cast<std::size_t>(sets);
    intervals.push_back(known ? std::optional(Interval{quantile(0.025), quantile(0.975)}) : std::nullopt);
  }
  return intervals;
}

}  // namespace catdog::cli
