// SPDX-License-Identifier: Apache-2.0
// The golden images. Their algorithms are part of the model format (docs/model-format.md): never change them.
#include "model/golden.hpp"

#include <algorithm>
#include <vector>

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

Image hashed_image(std::uint32_t seed, Size size) {
  const int side = std::max(size.width, size.height);
  Image rgb(size);
  for (int y = 0; y < size.height; ++y) {
    auto* row = rgb.row(y);
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

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : state_(seed ^ 0x9E3779B9U) {}
  int next() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<int>(state_ >> 24U);
  }
  // Of the last draw, -8..7 for each of three channels.
  int grain(int channel) const {
    return static_cast<int>((state_ >> (28U - 4U * static_cast<unsigned>(channel))) & 15U) - 8;
  }

 private:
  std::uint32_t state_;
};

// Colours at the corners of n×n cells over the whole image.
class Grid {
 public:
  Grid(int cells, Size size, Generator& generator) : cells_(cells), size_(size) {
    for (int node = 0; node < (cells + 1) * (cells + 1); ++node) {
      const int light = generator.next();
      for (int channel = 0; channel < 3; ++channel) nodes_.push_back((3 * light + generator.next()) / 4);
    }
    row_.resize(2 * per_row());
  }

  // Both rows of corners around y, to be blended when a pixel is taken: the order of the rounding is in the format.
  void select_row(int y) {
    const int q = y * cells_ * 256 / size_.height;
    fraction_ = q & 255;
    const auto first = nodes_.begin() + static_cast<std::ptrdiff_t>(per_row()) * (q >> 8);
    std::copy(first, first + static_cast<std::ptrdiff_t>(2 * per_row()), row_.begin());
  }

  int sample(int x, int channel) const {
    const int p = x * cells_ * 256 / size_.width;
    const int t = p & 255;
    const int* upper = row_.data() + 3 * (p >> 8) + channel;
    const int* lower = upper + per_row();
    return ((upper[0] * (256 - t) + upper[3] * t) * (256 - fraction_) +
            (lower[0] * (256 - t) + lower[3] * t) * fraction_) >>
           16;
  }

 private:
  std::size_t per_row() const { return 3 * (static_cast<std::size_t>(cells_) + 1); }

  int cells_;
  Size size_;
  std::vector<int> nodes_;
  std::vector<int> row_;
  int fraction_ = 0;
};

Image interpolated_image(std::uint32_t seed, Size size) {
  Generator generator(seed);
  Grid coarse(4, size, generator);
  Grid fine(16, size, generator);
  Image rgb(size);
  for (int y = 0; y < size.height; ++y) {
    coarse.select_row(y);
    fine.select_row(y);
    auto* pixel = rgb.row(y);
    for (int x = 0; x < size.width; ++x) {
      generator.next();
      for (int channel = 0; channel < 3; ++channel) {
        const int level = (coarse.sample(x, channel) + fine.sample(x, channel)) / 2;
        *pixel++ = static_cast<std::uint8_t>(std::clamp(128 + (level - 128) * 2 + generator.grain(channel), 0, 255));
      }
    }
  }
  return rgb;
}

}  // namespace

Image golden_image(std::uint32_t seed, Size size, int version) {
  if (size.width < 1 || size.height < 1 || size.width > 16'384 || size.height > 16'384) {
    throw Failure(Status::invalid_argument, "golden image: sides must be 1 to 16384");
  }
  return version == 1 ? hashed_image(seed, size) : interpolated_image(seed, size);
}

}  // namespace catdog::core
