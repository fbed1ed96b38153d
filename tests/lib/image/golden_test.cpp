// SPDX-License-Identifier: Apache-2.0
// Decode + resize + orient against Pillow's numbers: tests/golden/make_golden.py.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "image/preprocess.hpp"
#include "outcome.hpp"

namespace catdog::test_support {
namespace {

constexpr core::Size kTarget{16, 12};
constexpr std::size_t kValues = std::size_t{16} * 12 * 3;
constexpr double kMaxDifference = 2.0;  // Mean absolute, of 255.

struct Golden {
  std::string name;
  std::vector<int> values;
};

std::vector<Golden> read_golden() {
  std::ifstream file(CATDOG_SOURCE_DIR "/tests/golden/golden.txt");
  std::vector<Golden> all;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Golden golden;
    words >> golden.name;
    for (int value = 0; words >> value;) {
      golden.values.push_back(value);
    }
    all.push_back(golden);
  }
  return all;
}

double mean_difference(const core::Image& rgb, const std::vector<int>& values) {
  const std::vector<int> actual = values_of(rgb);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += std::abs(actual.at(i) - values[i]);
  }
  return sum / static_cast<double>(values.size());
}

class GoldenImages : public testing::TestWithParam<core::Size> {};

TEST_P(GoldenImages, AgreeWithPillow) {
  const std::vector<Golden> all = read_golden();
  ASSERT_GE(all.size(), 35U);
  testing::internal::CaptureStderr();
  for (const Golden& golden : all) {
    SCOPED_TRACE(golden.name);
    ASSERT_EQ(golden.values.size(), kValues);
    const core::DecodedImage image = core::decode_image(shipped_image(golden.name), GetParam(), {});
    const core::Image rgb = core::resize_and_orient(image, kTarget);
    ASSERT_EQ(rgb.size(), kTarget);
    EXPECT_LE(mean_difference(rgb, golden.values), kMaxDifference);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

INSTANTIATE_TEST_SUITE_P(Full, GoldenImages, testing::Values(kFullSize));
INSTANTIATE_TEST_SUITE_P(Scaled, GoldenImages, testing::Values(kTarget));

TEST(GoldenNumbers, TellOrientationsApart) {
  // Else a decoder that ignored the orientation could still agree on average.
  const std::vector<Golden> all = read_golden();
  const core::DecodedImage image = core::decode_image(shipped_image("orientation1.jpg"), kFullSize, {});
  const core::Image upright = core::resize_and_orient(image, kTarget);
  for (const Golden& golden : all) {
    if (golden.name.rfind("orientation", 0) == 0 && golden.name.ends_with(".jpg") &&
        golden.name != "orientation1.jpg") {
      EXPECT_GT(mean_difference(upright, golden.values), 5 * kMaxDifference) << golden.name;
    }
  }
}

}  // namespace
}  // namespace catdog::test_support
