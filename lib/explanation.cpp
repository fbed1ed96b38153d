// SPDX-License-Identifier: Apache-2.0
#include "explanation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "image/preprocess.hpp"

namespace catdog::core {
namespace {

constexpr float darkest = 0.2F;  // Share of a pixel's brightness that is left where the map is 0.

// Two neighbours on one axis of the map, and the weight of the second.
struct Between {
  std::size_t first = 0;
  std::size_t second = 0;
  float weight = 0;
};

// For the middle of pixel `at` of `pixels`, between the middles of the places. Beyond the outer ones: those.
Between between(int at, int pixels, int places) {
  const float exact = (static_cast<float>(at) + 0.5F) * static_cast<float>(places) / static_cast<float>(pixels) - 0.5F;
  const float inside = std::clamp(exact, 0.0F, static_cast<float>(places - 1));
  const auto first = static_cast<std::size_t>(inside);
  return {first, std::min(first + 1, static_cast<std::size_t>(places - 1)), inside - static_cast<float>(first)};
}

}  // namespace

std::vector<float> trust_map(std::span<float> logits, std::size_t label, const ModelConfig& config) {
  std::vector<float> map;
  for (; !logits.empty(); logits = logits.subspan(config.outputs())) {
    const std::span<float> place = logits.first(config.outputs());
    calibrate_in_place(place, config);
    const float neither = config.calibration.neither_above ? place[config.labels.size()] : 0;
    map.push_back(place[label] * (1 - neither));
  }
  return map;
}

Image draw(const Explanation& explanation, Size size) {
  DecodedImage seen;
  seen.pixels = explanation.seen;
  const Image bright = resize_and_orient(seen, size);
  Image drawn(size);
  const auto columns = static_cast<std::size_t>(explanation.grid.columns);
  for (int y = 0; y < size.height; ++y) {
    const Between vertical = between(y, size.height, explanation.grid.rows);
    const float* upper = &explanation.map[vertical.first * columns];
    const float* lower = &explanation.map[vertical.second * columns];
    const std::uint8_t* from = bright.row(y);
    std::uint8_t* to = drawn.row(y);
    for (int x = 0; x < size.width; ++x) {
      const Between across = between(x, size.width, explanation.grid.columns);
      const float above = std::lerp(upper[across.first], upper[across.second], across.weight);
      const float below = std::lerp(lower[across.first], lower[across.second], across.weight);
      const float share = darkest + (1 - darkest) * std::lerp(above, below, vertical.weight);
      for (int channel = 0; channel < 3; ++channel) {
        *to++ = static_cast<std::uint8_t>(std::lround(static_cast<float>(*from++) * share));
      }
    }
  }
  return drawn;
}

}  // namespace catdog::core
