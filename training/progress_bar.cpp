// SPDX-License-Identifier: Apache-2.0
#include "progress_bar.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace catdog::training {

using Clock = std::chrono::steady_clock;

ProgressBar::ProgressBar(std::string title, std::size_t total, std::size_t done, bool enabled)
    : title_(std::move(title)),
      total_(total),
      first_(done),
      enabled_(enabled && isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      drawn_(start_) {}

void ProgressBar::update(std::size_t done, double images_per_second, double loss) {
  const auto now = Clock::now();
  if (!enabled_ || (done < total_ && now - drawn_ < std::chrono::milliseconds(200))) return;
  drawn_ = now;
  constexpr int width = 30;
  const int filled = static_cast<int>(done * width / total_);
  const std::string bar =
      std::string(static_cast<std::size_t>(filled), '#') + std::string(static_cast<std::size_t>(width - filled), '.');
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const auto left = static_cast<int>(elapsed / static_cast<double>(done - first_) * static_cast<double>(total_ - done));
  std::fprintf(stderr, "\r%s [%s] %3zu %% %6.1f images/s  loss %.4f  ETA %d:%02d ", title_.c_str(), bar.c_str(),
               done * 100 / total_, images_per_second, loss, left / 60, left % 60);
}

void ProgressBar::finish() {
  if (enabled_) std::fputs("\r\x1b[K", stderr);
}

}  // namespace catdog::training
