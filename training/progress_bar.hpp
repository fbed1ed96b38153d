// SPDX-License-Identifier: Apache-2.0
// A line on the terminal that rewrites itself: share done, images a second, loss, time left. Silent where stderr is
// no terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace catdog::training {

class ProgressBar {
 public:
  ProgressBar(std::string title, std::size_t total, std::size_t done, bool enabled);
  void update(std::size_t done, double images_per_second, double loss);
  void finish();  // Removes it.

 private:
  std::string title_;
  std::size_t total_;
  std::size_t first_;
  bool enabled_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace catdog::training
