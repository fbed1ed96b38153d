// SPDX-License-Identifier: Apache-2.0
// Text and charts of a report as HTML and SVG.
#pragma once

#include <string>
#include <vector>

#include "curves.hpp"

namespace catdog::cli {

// Safe in HTML text and in quoted attributes; bytes that aren't UTF-8 become U+FFFD, control characters are spelt out.
std::string escaped(const std::string& text);

struct Series {
  enum class Kind { line, dots, bars };
  std::string name;  // Plain text, for the legend.
  Curve points;      // Bars: x is the middle of the bar's bin.
  Kind kind = Kind::line;
};

struct Chart {
  std::string title;
  std::string description;  // For those who can't see the drawing.
  std::string x_title;
  std::string y_title;
  double y_low = 0;  // x goes from 0 to 1, y from here to y_high.
  double y_high = 1;
  bool diagonal = false;
  std::vector<Series> series = {};
};

// A <figure> with the drawing, or with a sentence where no series has a point.
std::string figure(const Chart& chart);

}  // namespace catdog::cli
