// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "images.hpp"

namespace catdog::bench {

struct Settings {
  std::string model;
  std::vector<Image> images;
  int workers = 2;
  int repetitions = 9;
  double seconds = 1;  // Of each measurement.
  bool form = false;   // Images in a form instead of as the body.
};

// A POST /predict for each image.
std::vector<std::string> make_requests(const Settings& settings);

// Each prints what it measured; false when a promise was broken that no busy machine excuses.
bool compare_speed(const Settings& settings);
bool overload(const Settings& settings);
bool slow_clients(const Settings& settings);
bool memory(const Settings& settings);
// Asks a server that already runs; one line of JSON for scripts.
bool against(const Settings& settings, const std::vector<std::uint16_t>& ports, int connections);

// "0.973 (0.961–0.984)": median and range.
std::string spread(const std::vector<double>& ratios);

}  // namespace catdog::bench
