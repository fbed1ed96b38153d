// SPDX-License-Identifier: Apache-2.0
// Curves and intervals of a report. No I/O, like the metrics.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "metrics.hpp"

namespace catdog::cli {

struct Point {
  double x = 0;
  double y = 0;
};

using Curve = std::vector<Point>;

// Equal scores make one point. All three are empty where a share has no images to be a share of.
Curve roc_curve(const std::vector<double>& scores, const std::vector<bool>& positive);               // FPR → TPR
Curve precision_recall_curve(const std::vector<double>& scores, const std::vector<bool>& positive);  // recall → it
Curve coverage_curve(const std::vector<double>& trust, const std::vector<bool>& right);  // share answered → accuracy

// Shares of the scores in equal bins of [0, 1]; the first bin holds 0 as well, a bin is (lower, upper].
std::vector<double> histogram(const std::vector<double>& scores, int bins);

// 95 % intervals by the bootstrap: the 2.5 % and 97.5 % quantiles of each figure over sets that are drawn from the
// samples with replacement, as many of each truth as there are. The seed is fixed. Empty for a figure that most of
// the sets don't have.
std::vector<std::optional<Interval>> bootstrap_intervals(
    const std::vector<Sample>& samples, std::size_t labels,
    const std::function<std::vector<std::optional<double>>(const Metrics&)>& figures, int sets = 400);

}  // namespace catdog::cli
