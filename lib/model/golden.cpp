// SPDX-License-Identifier: Apache-2.0
// The golden picture. Its algorithm is part of the model format (docs/model-format.md): never change it.
#include <algorithm>
#include <array>
#include <opencv2/core.hpp>

#include "model/model_file.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

constexpr int octaves = 4;
constexpr std::uint32_t grain_octave = 255;

std::uint32_t mix(std::uint32_t x) {
  x = (x ^ (x >> 16U)) * 0x7FEB352DU;
  x = (x ^ (x >> 15U)) * 0x846CA68BU;
  return x ^ (x >> 16U);
}

std::uint32_t hash(std::uint32_t seed, std::uint32_t plane, std::uint32_t octave, int x, int y) {
  std::uint32_t h = mix(seed ^ 0x9E3779B9U);
  h = mix(h + plane);
  h = mix(h + octave);
  h = mix(h + static_cast<std::uint32_t>(x));
  return mix(h + static_cast<std::uint32_t>(y));
}

// Smoothed position in a cell, 0..256.
int fade(int offset, int cell) {
  const int t = (offset * 256 + 128) / cell;
  return (t * t * (768 - 2 * t)) >> 16;
}

// Value noise, 0..255×15: four octaves, each half as coarse and half as strong as the one before.
int blobs(std::uint32_t seed, std::uint32_t plane, int x, int y, int side) {
  int sum = 0;
  for (int k = 0; k < octaves; ++k) {
    const int cell = std::max(1, side >> (k + 1));
    const int gx = x / cell;
    const int gy = y / cell;
    const int fx = fade(x % cell, cell);
    const int fy = fade(y % cell, cell);
    const auto octave = static_cast<std::uint32_t>(k);
    const auto corner = [&](int dx, int dy) {
      return static_cast<int>(hash(seed, plane, octave, gx + dx, gy + dy) >> 24U);
    };
    const int upper = corner(0, 0) * (256 - fx) + corner(1, 0) * fx;
    const int lower = corner(0, 1) * (256 - fx) + corner(1, 1) * fx;
    sum += ((upper * (256 - fy) + lower * fy) >> 16) * (8 >> k);
  }
  return sum;
}

}  // namespace

cv::Mat golden_picture(std::uint32_t seed, Size size) {
  if (size.width < 1 || size.height < 1 || size.width > 16'384 || size.height > 16'384) {
    throw Failure(Status::invalid_argument, "golden picture: sides must be 1 to 16384");
  }
  const int side = std::max(size.width, size.height);
  cv::Mat rgb(size.height, size.width, CV_8UC3);
  for (int y = 0; y < size.height; ++y) {
    auto* row = rgb.ptr<std::uint8_t>(y);
    for (int x = 0; x < size.width; ++x) {
      const int light = blobs(seed, 3, x, y, side);
      for (std::uint32_t channel = 0; channel < 3; ++channel) {
        // Photos: channels that follow a common light, stretched to use most of the range, with a little grain.
        const int level = (3 * light + blobs(seed, channel, x, y, side)) / 60;
        const int grain = static_cast<int>(hash(seed, channel, grain_octave, x, y) >> 28U) - 8;
        row[3 * x + static_cast<int>(channel)] =
            static_cast<std::uint8_t>(std::clamp(128 + (level - 128) * 2 + grain, 0, 255));
      }
    }
  }
  return rgb;
}

}  // namespace catdog::core
