// SPDX-License-Identifier: Apache-2.0
#include "svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "output.hpp"

namespace catdog::cli {
namespace {

// The plot's area in the units of the viewBox.
constexpr double left = 52, right = 348, top = 10, bottom = 230, view_width = 360, legend_row = 18;
constexpr int grid_lines = 5;
// Colours of Okabe and Ito, told apart with colour blindness; the dashes tell them apart in grey.
constexpr std::array<const char*, 4> colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7"};
constexpr std::array<const char*, 4> dashes = {"none", "6 3", "2 2", "8 3 2 3"};

std::string formatted(double value, const char* format = "%.1f") {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

std::string text_at(double x, double y, const std::string& attributes, const std::string& text) {
  return "<text x=\"" + formatted(x) + "\" y=\"" + formatted(y) + "\" " + attributes + ">" + escaped(text) + "</text>";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& attributes) {
  return "<line x1=\"" + formatted(x1) + "\" y1=\"" + formatted(y1) + "\" x2=\"" + formatted(x2) + "\" y2=\"" +
         formatted(y2) + "\" " + attributes + "/>";
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {}

  std::string svg() {
    const double height = bottom + 40 + legend_row * static_cast<double>(chart_.series.size());
    out_ = "<svg role=\"img\" viewBox=\"0 0 360 " + formatted(height) + "\"><title>" + escaped(chart_.title) +
           "</title><desc>" + escaped(chart_.description) + "</desc>\n";
    axes();
    for (std::size_t i = 0; i < chart_.series.size(); ++i) {
      series(chart_.series[i], i);
      legend(chart_.series[i], i);
    }
    return out_ + "</svg>";
  }

 private:
  double x(double value) const { return left + value * (right - left); }
  double y(double value) const {
    return bottom - (value - chart_.y_low) / (chart_.y_high - chart_.y_low) * (bottom - top);
  }

  void axes() {
    const double range = chart_.y_high - chart_.y_low;
    for (int i = 0; i <= grid_lines; ++i) {
      const double part = static_cast<double>(i) / grid_lines;
      const double value = chart_.y_low + part * range;
      out_ += line(left, y(value), right, y(value), "class=\"grid\"");
      out_ += line(x(part), top, x(part), bottom, "class=\"grid\"");
      out_ += text_at(left - 5, y(value) + 4, "text-anchor=\"end\"", formatted(value, range < 0.1 ? "%.3f" : "%.2f"));
      out_ += text_at(x(part), bottom + 15, "text-anchor=\"middle\"", formatted(part));
    }
    out_ += text_at((left + right) / 2, bottom + 31, "text-anchor=\"middle\"", chart_.x_title);
    out_ += text_at(-(top + bottom) / 2, 12, "text-anchor=\"middle\" transform=\"rotate(-90)\"", chart_.y_title);
    if (chart_.diagonal) out_ += line(x(0), y(0), x(1), y(1), "class=\"ideal\"");
    out_ += "\n";
  }

  void series(const Series& one, std::size_t index) {
    const std::string colour = colours[index % colours.size()];
    if (one.kind == Series::Kind::bars) return bars(one, index, colour);
    std::string path;
    Point last{-1, -1};
    for (std::size_t i = 0; i < one.points.size(); ++i) {
      const Point point{x(one.points[i].x), y(one.points[i].y)};
      // Points that no eye can tell from the one before would only make the file big.
      const bool near = std::abs(point.x - last.x) < 0.4 && std::abs(point.y - last.y) < 0.4;
      if (near && i + 1 < one.points.size()) continue;
      path += (path.empty() ? "" : " ") + formatted(point.x) + "," + formatted(point.y);
      last = point;
      if (one.kind == Series::Kind::dots) {
        out_ += "<circle cx=\"" + formatted(point.x) + "\" cy=\"" + formatted(point.y) + "\" r=\"3\" fill=\"" + colour +
                "\"/>";
      }
    }
    out_ += "<polyline points=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"2\" " +
            "stroke-dasharray=\"" + dashes[index % dashes.size()] + "\"/>\n";
  }

  // The bars of all series stand side by side in each bin.
  void bars(const Series& one, std::size_t index, const std::string& colour) {
    const double bin = (right - left) / static_cast<double>(one.points.size());
    const double width = bin * 0.9 / static_cast<double>(chart_.series.size());
    for (const Point& point : one.points) {
      out_ += "<rect x=\"" + formatted(x(point.x) - bin * 0.45 + width * static_cast<double>(index)) + "\" y=\"" +
              formatted(y(point.y)) + "\" width=\"" + formatted(width) + "\" height=\"" +
              formatted(bottom - y(point.y)) + "\" fill=\"" + colour + "\"/>";
    }
    out_ += "\n";
  }

  void legend(const Series& one, std::size_t index) {
    const double row = bottom + 44 + legend_row * static_cast<double>(index);
    const std::string colour = colours[index % colours.size()];
    const bool bars = one.kind == Series::Kind::bars;
    out_ += line(left, row, left + 24, row,
                 "stroke=\"" + colour + "\" stroke-width=\"" + (bars ? "10" : "2") + "\" stroke-dasharray=\"" +
                     (bars ? "none" : dashes[index % dashes.size()]) + "\"");
    out_ += text_at(left + 30, row + 4, "", one.name) + "\n";
  }

  const Chart& chart_;
  std::string out_;
};

}  // namespace

std::string escaped(const std::string& text) {
  // The JSON library already replaces bytes that aren't UTF-8.
  const auto valid = nlohmann::json::parse(dump_json(printable(text))).get<std::string>();
  std::string out;
  for (const char c : valid) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string figure(const Chart& chart) {
  const bool any =
      std::any_of(chart.series.begin(), chart.series.end(), [](const Series& one) { return !one.points.empty(); });
  return "<figure><figcaption>" + escaped(chart.title) + "</figcaption>\n" +
         (any ? Drawing(chart).svg() : "<p>No image that this could be drawn from.</p>") + "</figure>\n";
}

}  // namespace catdog::cli
