// SPDX-License-Identifier: Apache-2.0
#include "augment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace {

using namespace catdog::training;
using catdog::core::Image;
using catdog::core::Size;

template <typename Colour>
Image paint(Size size, const Colour& colour) {
  Image rgb(size);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < 3; ++c) rgb.row(y)[3 * x + c] = static_cast<std::uint8_t>(colour(x, y, c));
    }
  }
  return rgb;
}

Image gradient(int width, int height) {
  return paint({width, height}, [](int x, int y, int c) { return c == 0 ? 2 * x : c == 1 ? 2 * y : 90; });
}

std::vector<int> values_of(const Image& rgb) {
  std::vector<int> values;
  for (int y = 0; y < rgb.size().height; ++y) {
    values.insert(values.end(), rgb.row(y), rgb.row(y) + 3 * rgb.size().width);
  }
  return values;
}

TrainOptions plain() {
  TrainOptions options;
  options.image_size = 32;
  options.crop_scale_min = 1;
  options.flip = 0;
  options.colour = 0;
  options.erase = 0;
  return options;
}

bool same(const Image& a, const Image& b) { return a.size() == b.size() && values_of(a) == values_of(b); }

TEST(Augment, WithEverythingOffChangesNothing) {
  Random random(1, 1);
  const Image image = gradient(50, 40);
  EXPECT_TRUE(same(augment(image, plain(), random), image));
}

TEST(Augment, NeverWritesIntoTheStoredImage) {
  const Image image = gradient(32, 32);
  const std::vector<int> before = values_of(image);
  TrainOptions options = plain();
  options.colour = 0.5;
  options.erase = 1;
  options.degrade = 1;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Random random(1, i);
    augment(image, options, random);
  }
  EXPECT_EQ(values_of(image), before);
}

TEST(Augment, IsDeterministicInSeedAndStream) {
  TrainOptions options = plain();
  options.crop_scale_min = 0.4;
  options.flip = 0.5;
  options.colour = 0.3;
  options.erase = 0.5;
  const Image image = gradient(60, 48);
  int different = 0;
  for (std::uint64_t i = 0; i < 10; ++i) {
    Random first(3, i);
    Random again(3, i);
    Random other(4, i);
    const Image result = augment(image, options, first);
    EXPECT_TRUE(same(result, augment(image, options, again))) << i;
    different += same(result, augment(image, options, other)) ? 0 : 1;
  }
  EXPECT_EQ(different, 10);
}

TEST(Augment, DegradationBlursCompressesRescalesOrAddsNoise) {
  TrainOptions options = plain();
  options.degrade = 1;
  // A checkerboard: blur and JPEG lower its contrast, rescaling changes its size, noise gives it many levels.
  const Image board = paint({48, 48}, [](int x, int y, int) { return (x / 2 + y / 2) % 2 == 0 ? 60 : 200; });
  int smaller = 0;
  int softer = 0;
  int grainy = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    Random random(2, i);
    const Image out = augment(board, options, random);
    const std::vector<int> values = values_of(out);
    if (out.size().height < 48) {
      ++smaller;
    } else if (*std::max_element(values.begin(), values.end()) > 203) {
      ++grainy;
    } else {
      ++softer;
    }
    EXPECT_FALSE(same(out, board)) << i;
  }
  EXPECT_GT(smaller, 3);
  EXPECT_GT(softer, 3);
  EXPECT_GT(grainy, 3);
}

TEST(Augment, FlipMirrorsAlongTheWidth) {
  TrainOptions options = plain();
  options.flip = 1;
  Random random(1, 1);
  const Image mirrored = paint({50, 40}, [](int x, int y, int c) {
    return c == 0 ? 2 * (49 - x) : c == 1 ? 2 * y : 90;
  });
  EXPECT_TRUE(same(augment(gradient(50, 40), options, random), mirrored));
}

TEST(Augment, ErasingFillsOneRectangleWithTheMeanColour) {
  TrainOptions options = plain();
  options.erase = 1;
  Random random(5, 1);
  const Image clean = gradient(50, 40);
  const Image erased = augment(gradient(50, 40), options, random);
  const std::vector<int> before = values_of(clean);
  const std::vector<int> after = values_of(erased);
  std::set<std::size_t> changed;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != after[i]) changed.insert(i / 3);
  }
  const double share = static_cast<double>(changed.size()) / 2000.0;
  EXPECT_GT(share, 0.01);
  EXPECT_LT(share, 0.3);
}

TEST(Augment, CropKeepsAtLeastTheAskedShare) {
  // The red channel encodes the column: the span that is left of it tells the crop's width.
  TrainOptions options = plain();
  options.crop_scale_min = 0.25;
  bool cropped = false;
  for (std::uint64_t i = 0; i < 50; ++i) {
    Random random(9, i);
    const Image out = resize_for_evaluation(augment(gradient(100, 100), options, random), {32, 32});
    const double width = (out.row(16)[3 * 31] - out.row(16)[0] + 7) / 200.0;
    const double height = (out.row(31)[3 * 16 + 1] - out.row(0)[3 * 16 + 1] + 7) / 200.0;
    EXPECT_GT(width * height, 0.2) << i;
    cropped = cropped || width * height < 0.6;
  }
  EXPECT_TRUE(cropped);
}

}  // namespace
