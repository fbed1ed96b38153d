// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "failure_matcher.hpp"
#include "model/model_file.hpp"

namespace catdog::core {
namespace {

std::string checksum(const cv::Mat& rgb) {
  EXPECT_TRUE(rgb.isContinuous());
  return sha256_hex({rgb.data, rgb.total() * rgb.elemSize()});
}

// From tests/lib/model/golden_reference.py, an implementation of docs/model-format.md in another language.
TEST(GoldenPicture, NeverChanges) {
  EXPECT_EQ(checksum(golden_picture(1, {128, 128})),
            "7da40f67cfb4c3539267c1f2e0a6ba6a6743442787f4ce96f08eb115b74494b5");
  EXPECT_EQ(checksum(golden_picture(4'000'000'000U, {37, 20})),
            "60cf5dffa5fd54decc320f4a31090bec15aab042a2502fb3214af73b54a0de88");
}

TEST(GoldenPicture, HasShapeAndSpread) {
  const cv::Mat rgb = golden_picture(7, {96, 64});
  EXPECT_EQ(rgb.type(), CV_8UC3);
  EXPECT_EQ(rgb.cols, 96);
  EXPECT_EQ(rgb.rows, 64);
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(rgb, mean, deviation);
  for (int channel = 0; channel < 3; ++channel) EXPECT_GT(deviation[channel], 25.0) << channel;
  EXPECT_GT(cv::norm(rgb, golden_picture(8, {96, 64}), cv::NORM_L1) / (96 * 64 * 3), 10.0);
}

// Photos change little from one pixel to the next, compared with their spread.
TEST(GoldenPicture, IsSmooth) {
  const cv::Mat rgb = golden_picture(3, {128, 128});
  const cv::Mat left = rgb.colRange(0, 127);
  const cv::Mat right = rgb.colRange(1, 128);
  EXPECT_LT(cv::norm(left, right, cv::NORM_L1) / (127 * 128 * 3), 12.0);
}

TEST(GoldenPicture, RefusesSizes) {
  for (const Size size : {Size{0, 10}, Size{10, 0}, Size{-1, 10}, Size{20'000, 10}}) {
    test_support::expect_failure(Status::invalid_argument, "1 to 16384", [&] { golden_picture(1, size); });
  }
}

}  // namespace
}  // namespace catdog::core
