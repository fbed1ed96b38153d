// SPDX-License-Identifier: Apache-2.0
#include "model/golden.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <span>

#include "failure_matcher.hpp"
#include "model/sha256.hpp"

namespace catdog::core {
namespace {

std::span<const std::uint8_t> values_of(const Image& rgb) {
  EXPECT_EQ(rgb.stride(), 3U * static_cast<unsigned>(rgb.size().width));
  return {rgb.row(0), rgb.stride() * static_cast<std::size_t>(rgb.size().height)};
}

std::string checksum(const Image& rgb) { return sha256_hex(values_of(rgb)); }

// Mean of |a - b|.
double mean_difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(int{a[i]} - int{b[i]});
  return sum / static_cast<double>(a.size());
}

// From tests/lib/model/golden_reference.py, an implementation of docs/model-format.md in another language.
TEST(GoldenImages, NeverChange) {
  EXPECT_EQ(checksum(golden_image(1, {128, 128}, 1)),
            "7da40f67cfb4c3539267c1f2e0a6ba6a6743442787f4ce96f08eb115b74494b5");
  EXPECT_EQ(checksum(golden_image(4'000'000'000U, {37, 20}, 1)),
            "60cf5dffa5fd54decc320f4a31090bec15aab042a2502fb3214af73b54a0de88");
  EXPECT_EQ(checksum(golden_image(1, {128, 128}, 2)),
            "3a212a9d0750eaa6890b7a4f0ca5d6880c322c8672109aa6484c7a22c0c4b8e7");
  EXPECT_EQ(checksum(golden_image(4'000'000'000U, {37, 20}, 2)),
            "bdbec14a1f3e31a848d19c1e952ff59169de48d37f8259600330c0620b38ff80");
}

class GoldenImage : public testing::TestWithParam<int> {};

TEST_P(GoldenImage, HasShapeAndSpread) {
  const Image rgb = golden_image(7, {96, 64}, GetParam());
  EXPECT_EQ(rgb.format(), PixelFormat::rgb8);
  ASSERT_EQ(rgb.size(), (Size{96, 64}));
  const auto values = values_of(rgb);
  const auto pixels = static_cast<double>(pixels_of(rgb.size()));
  for (std::size_t channel = 0; channel < 3; ++channel) {
    double sum = 0;
    double squares = 0;
    for (std::size_t i = channel; i < values.size(); i += 3) {
      sum += values[i];
      squares += static_cast<double>(values[i]) * values[i];
    }
    EXPECT_GT(std::sqrt(squares / pixels - sum / pixels * sum / pixels), 25.0) << channel;
  }
  EXPECT_GT(mean_difference(values, values_of(golden_image(8, {96, 64}, GetParam()))), 10.0);
}

// Photos change little from one pixel to the next, compared with their spread.
TEST_P(GoldenImage, IsSmooth) {
  const Image rgb = golden_image(3, {128, 128}, GetParam());
  double sum = 0;
  for (int y = 0; y < 128; ++y) sum += mean_difference({rgb.row(y), 3 * 127}, {rgb.row(y) + 3, 3 * 127});
  EXPECT_LT(sum / 128, 12.0);
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenImage, testing::Values(1, 2));

TEST(GoldenImages, RefuseSizes) {
  for (const Size size : {Size{0, 10}, Size{10, 0}, Size{-1, 10}, Size{20'000, 10}}) {
    test_support::expect_failure(Status::invalid_argument, "1 to 16384", [&] { golden_image(1, size, 2); });
  }
}

}  // namespace
}  // namespace catdog::core
