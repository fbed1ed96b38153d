// SPDX-License-Identifier: Apache-2.0
// The interval of a share, as `catdog evaluate` and the trainer report it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace catdog::core {

struct Interval {
  double low = 0;
  double high = 1;
};

// Wilson's score interval of successes / trials; 95 % by default.
inline Interval wilson_interval(std::size_t successes, std::size_t trials, double z = 1.959963984540054) {
  if (trials == 0) return {};
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double scale = 1 + z * z / n;
  const double centre = (p + z * z / (2 * n)) / scale;
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace catdog::core
