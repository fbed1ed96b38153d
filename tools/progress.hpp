// SPDX-License-Identifier: Apache-2.0
// Progress bar on standard error, for a terminal only.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace catdog::cli {

class Progress {
 public:
  Progress(std::size_t total, bool wanted);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance();
  void hide();  // Before something else is written to the terminal.

 private:
  void draw();

  std::size_t total_;
  std::size_t done_ = 0;
  bool enabled_;
  std::size_t drawn_ = 0;  // Columns in use.
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

// The bar's text, such as "[#####.....] 50/100  25.0 images/s  ETA 0:02".
std::string progress_text(std::size_t done, std::size_t total, double seconds);

}  // namespace catdog::cli
