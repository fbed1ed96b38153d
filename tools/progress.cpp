// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>

namespace catdog::cli {
namespace {
constexpr std::size_t few_images = 5;
constexpr std::size_t bar_columns = 24;
constexpr auto redraw_interval = std::chrono::milliseconds(100);
}  // namespace

std::string progress_text(std::size_t done, std::size_t total, double seconds) {
  const std::size_t filled = total == 0 ? bar_columns : done * bar_columns / total;
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const auto left = rate > 0 ? static_cast<unsigned long>(std::lround(static_cast<double>(total - done) / rate)) : 0UL;
  std::array<char, 96> numbers{};
  std::snprintf(numbers.data(), numbers.size(), "] %zu/%zu  %.1f images/s  ETA %lu:%02lu", done, total, rate, left / 60,
                left % 60);
  std::string text(1, '[');
  text.append(filled, '#').append(bar_columns - filled, '.').append(numbers.data());
  return text;
}

Progress::Progress(std::size_t total, bool wanted)
    : total_(total),
      enabled_(wanted && total > few_images && isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {
  if (enabled_) draw();
}

Progress::~Progress() { hide(); }

void Progress::advance() {
  ++done_;
  const auto now = std::chrono::steady_clock::now();
  if (!enabled_ || now - last_ < redraw_interval) return;
  last_ = now;
  draw();
}

void Progress::draw() {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  std::string text = progress_text(done_, total_, passed.count());
  const std::size_t columns = text.size();
  if (columns < drawn_) text.append(drawn_ - columns, ' ');
  std::fprintf(stderr, "\r%s", text.c_str());
  std::fflush(stderr);
  drawn_ = columns;
}

void Progress::hide() {
  if (drawn_ == 0) return;
  std::fprintf(stderr, "\r%s\r", std::string(drawn_, ' ').c_str());
  std::fflush(stderr);
  drawn_ = 0;
}

}  // namespace catdog::cli
