// SPDX-License-Identifier: Apache-2.0
#include "augment.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace {

using namespace catdog::training;

cv::Mat gradient(int width, int height) {
  cv::Mat rgb(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      rgb.at<cv::Vec3b>(y, x) = cv::Vec3b(static_cast<uchar>(x * 2), static_cast<uchar>(y * 2), 90);
    }
  }
  return rgb;
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

bool same(const cv::Mat& a, const cv::Mat& b) { return a.size() == b.size() && cv::norm(a, b, cv::NORM_INF) == 0; }

TEST(Augment, WithEverythingOffChangesNothing) {
  Random random(1, 1);
  const cv::Mat image = gradient(50, 40);
  EXPECT_TRUE(same(augment(image, plain(), random), image));
}

TEST(Augment, NeverWritesIntoTheStoredImage) {
  const cv::Mat image = gradient(32, 32);
  const cv::Mat before = image.clone();
  TrainOptions options = plain();
  options.colour = 0.5;
  options.erase = 1;
  options.degrade = 1;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Random random(1, i);
    augment(image, options, random);
  }
  EXPECT_TRUE(same(image, before));
}

TEST(Augment, IsDeterministicInSeedAndStream) {
  TrainOptions options = plain();
  options.crop_scale_min = 0.4;
  options.flip = 0.5;
  options.colour = 0.3;
  options.erase = 0.5;
  const cv::Mat image = gradient(60, 48);
  int different = 0;
  for (std::uint64_t i = 0; i < 10; ++i) {
    Random first(3, i);
    Random again(3, i);
    Random other(4, i);
    const cv::Mat result = augment(image, options, first);
    EXPECT_TRUE(same(result, augment(image, options, again))) << i;
    different += same(result, augment(image, options, other)) ? 0 : 1;
  }
  EXPECT_EQ(different, 10);
}

TEST(Augment, DegradationBlursCompressesRescalesOrAddsNoise) {
  TrainOptions options = plain();
  options.degrade = 1;
  // A checkerboard: blur and JPEG lower its contrast, rescaling changes its size, noise gives it many levels.
  cv::Mat board(48, 48, CV_8UC3);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 48; ++x) board.at<cv::Vec3b>(y, x) = cv::Vec3b::all((x / 2 + y / 2) % 2 == 0 ? 60 : 200);
  }
  int smaller = 0;
  int softer = 0;
  int grainy = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    Random random(2, i);
    const cv::Mat out = augment(board, options, random);
    ASSERT_EQ(out.type(), CV_8UC3);
    double low = 0;
    double high = 0;
    cv::minMaxLoc(out.reshape(1), &low, &high);
    if (out.rows < 48) {
      ++smaller;
    } else if (high > 203) {
      ++grainy;
    } else {
      ++softer;
    }
    EXPECT_FALSE(out.size() == board.size() && same(out, board)) << i;
  }
  EXPECT_GT(smaller, 3);
  EXPECT_GT(softer, 3);
  EXPECT_GT(grainy, 3);
}

TEST(Augment, FlipMirrorsAlongTheWidth) {
  TrainOptions options = plain();
  options.flip = 1;
  Random random(1, 1);
  cv::Mat mirrored;
  cv::flip(gradient(50, 40), mirrored, 1);
  EXPECT_TRUE(same(augment(gradient(50, 40), options, random), mirrored));
}

TEST(Augment, ErasingFillsOneRectangleWithTheMeanColour) {
  TrainOptions options = plain();
  options.erase = 1;
  Random random(5, 1);
  const cv::Mat clean = gradient(50, 40);
  const cv::Mat erased = augment(gradient(50, 40), options, random);
  cv::Mat difference;
  cv::absdiff(clean, erased, difference);
  cv::Mat changed;
  cv::Mat any = difference.reshape(1, difference.rows * difference.cols);
  cv::reduce(any, changed, 1, cv::REDUCE_MAX);
  const double share = cv::countNonZero(changed) / 2000.0;
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
    const cv::Mat out = resize_for_evaluation(augment(gradient(100, 100), options, random), {32, 32});
    const auto span = [&](int channel, cv::Vec3b low, cv::Vec3b high) {
      return (high[channel] - low[channel] + 7) / 200.0;
    };
    const double width = span(0, out.at<cv::Vec3b>(16, 0), out.at<cv::Vec3b>(16, 31));
    const double height = span(1, out.at<cv::Vec3b>(0, 16), out.at<cv::Vec3b>(31, 16));
    EXPECT_GT(width * height, 0.2) << i;
    cropped = cropped || width * height < 0.6;
  }
  EXPECT_TRUE(cropped);
}

}  // namespace
