// SPDX-License-Identifier: Apache-2.0
// What the shipped models say of images that are not simply one cat or one dog. In fp32, so that it doesn't depend on
// the CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "capi/support.hpp"
#include "catdog/catdog.hpp"
#include "image/decode.hpp"
#include "image/preprocess.hpp"
#include "runtime/file_reader.hpp"

namespace catdog::test_support {
namespace {

constexpr int side = 300;

// Packed RGB, `side` pixels high.
struct Photo {
  int width = side;
  std::vector<std::uint8_t> rgb;

  Image image() const { return Image::pixels(CATDOG_FORMAT_RGB8, rgb, width, side); }
};

Photo sample(const std::string& name) {
  const auto file = core::read_file(CATDOG_SOURCE_DIR "/examples/images/" + name, 1 << 24, "image", {});
  const auto rgb = core::resize_and_orient(core::decode_image(file, {side, side}, {}), {side, side});
  return {side, {rgb.row(0), rgb.row(0) + std::size_t{3} * side * side}};
}

Photo beside(const Photo& left, const Photo& right) {
  Photo both{left.width + right.width, {}};
  for (int y = 0; y < side; ++y) {
    for (const Photo* photo : {&left, &right}) {
      const auto row = photo->rgb.begin() + std::ptrdiff_t{3} * y * photo->width;
      both.rgb.insert(both.rgb.end(), row, row + std::ptrdiff_t{3} * photo->width);
    }
  }
  return both;
}

Photo plain(std::uint8_t value) { return {side, std::vector<std::uint8_t>(std::size_t{3} * side * side, value)}; }

Photo noise() {
  Photo photo = plain(0);
  std::mt19937 bits(1);
  for (std::uint8_t& value : photo.rgb) value = static_cast<std::uint8_t>(bits());
  return photo;
}

// A page of text, as in a screenshot: dark strokes on white.
Photo page() {
  Photo photo = plain(255);
  std::mt19937 bits(2);
  for (int line = 12; line + 8 < side; line += 16) {
    for (int x = 10; x + 10 < side; x += 2) {
      if (bits() % 5 == 0) x += 4;
      const int top = line + static_cast<int>(bits() % 4);
      for (int y = top; y < line + 8; ++y) {
        for (int c = 0; c < 3; ++c) photo.rgb[std::size_t(3 * (y * side + x) + c)] = 20;
      }
    }
  }
  return photo;
}

class ShippedModels : public testing::TestWithParam<const char*> {
 protected:
  Classifier classifier_ = Classifier::open(GetParam(), Options().precision("fp32"));

  Result says(const Photo& photo) const { return classifier_.classify(photo.image()); }
};

TEST_P(ShippedModels, TellTheSamplesApart) {
  EXPECT_EQ(says(sample("cat/chelsea.png")).answer(), "cat");
  EXPECT_EQ(says(sample("dog/dog.jpg")).answer(), "dog");
}

// The models know no answer for both (models/README.md): it is the animal that they see more of.
TEST_P(ShippedModels, GiveAnImageOfBothOneLabel) {
  const Photo cat = sample("cat/chelsea.png");
  const Photo dog = sample("dog/dog.jpg");
  for (const Photo& both : {beside(cat, dog), beside(dog, cat)}) {
    const Result result = says(both);
    EXPECT_EQ(result.answer(), "cat");
    EXPECT_LT(*result.neither(), 0.2);
  }
}

TEST_P(ShippedModels, SeeNoAnimalWhereThereIsNothing) {
  for (const std::uint8_t value : {0, 128, 255}) {
    EXPECT_EQ(says(plain(value)).answer(), "neither") << int{value};
  }
  EXPECT_EQ(says(noise()).answer(), "neither");
  EXPECT_EQ(says(page()).answer(), "neither");
}

TEST_P(ShippedModels, ExplainAnAnimalInOneCorner) {
  const Photo cat = sample("cat/chelsea.png");
  for (const int corner : {0, 1, 2, 3}) {
    Photo scene{2 * side, std::vector<std::uint8_t>(std::size_t{3} * 4 * side * side, 120)};
    const int right = corner % 2;
    const int lower = corner / 2;
    for (int y = 0; y < side; ++y) {
      const auto row = cat.rgb.begin() + std::ptrdiff_t{3} * y * side;
      const int at = (y + lower * side) * 2 * side + right * side;
      std::copy(row, row + std::ptrdiff_t{3} * side, scene.rgb.begin() + std::ptrdiff_t{3} * at);
    }
    const Explanation explanation =
        classifier_.explain(Image::pixels(CATDOG_FORMAT_RGB8, scene.rgb, 2 * side, 2 * side), 0);
    double sums[2] = {0, 0};  // Elsewhere, and in the corner.
    int counts[2] = {0, 0};
    for (int y = 0; y < explanation.rows(); ++y) {
      for (int x = 0; x < explanation.columns(); ++x) {
        // A place sees its neighbours, too: those beside the border don't count.
        const double down = (y + 0.5) / explanation.rows();
        const double across = (x + 0.5) / explanation.columns();
        if (std::abs(down - 0.5) < 0.15 || std::abs(across - 0.5) < 0.15) continue;
        const bool inside = (down > 0.5) == (lower == 1) && (across > 0.5) == (right == 1);
        sums[inside ? 1 : 0] += explanation.at(y, x);
        ++counts[inside ? 1 : 0];
      }
    }
    EXPECT_GT(sums[1] / counts[1], 0.5) << corner;
    EXPECT_LT(sums[0] / counts[0], 0.2) << corner;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, ShippedModels, testing::Values("best_model", "simple_cnn"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace catdog::test_support
