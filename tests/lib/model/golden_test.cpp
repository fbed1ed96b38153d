// SPDX-License-Identifier: Apache-2.0
#include "model/golden.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "failure_matcher.hpp"
#include "model/sha256.hpp"

namespace catdog::core {
namespace {

std::string checksum(const cv::Mat& rgb) {
  EXPECT_TRUE(rgb.isContinuous());
  return sha256_hex({rgb.data, rgb.total() * rgb.elemSize()});
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
  const cv::Mat rgb = golden_image(7, {96, 64}, GetParam());
  EXPECT_EQ(rgb.type(), CV_8UC3);
  EXPECT_EQ(rgb.cols, 96);
  EXPECT_EQ(rgb.rows, 64);
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(rgb, mean, deviation);
  for (int channel = 0; channel < 3; ++channel) EXPECT_GT(deviation[channel], 25.0) << channel;
  EXPECT_GT(cv::norm(rgb, golden_image(8, {96, 64}, GetParam()), cv::NORM_L1) / (96 * 64 * 3), 10.0);
}

// Photos change little from one pixel to the next, compared with their spread.
TEST_P(GoldenImage, IsSmooth) {
  const cv::Mat rgb = golden_image(3, {128, 128}, GetParam());
  const cv::Mat left = rgb.colRange(0, 127);
  const cv::Mat right = rgb.colRange(1, 128);
  EXPECT_LT(cv::norm(left, right, cv::NORM_L1) / (127 * 128 * 3), 12.0);
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenImage, testing::Values(1, 2));

TEST(GoldenImages, RefuseSizes) {
  for (const Size size : {Size{0, 10}, Size{10, 0}, Size{-1, 10}, Size{20'000, 10}}) {
    test_support::expect_failure(Status::invalid_argument, "1 to 16384", [&] { golden_image(1, size, 2); });
  }
}

}  // namespace
}  // namespace catdog::core
