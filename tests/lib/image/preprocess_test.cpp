// SPDX-License-Identifier: Apache-2.0
#include "image/preprocess.hpp"

#include <gtest/gtest.h>

#include <bit>

#include "image/opencv.hpp"
#include "outcome.hpp"
#include "support/process_threads.hpp"

namespace catdog::test_support {
namespace {

using core::ElementType;
using core::InputTensor;
using core::Layout;

core::DecodedImage image_of(int width, int height, const ByteString& grey) {
  core::DecodedImage image = core::import_pixels({core::PixelFormat::gray8, grey, width, height}, {});
  image.pixels = core::convert_to_rgb(image.pixels);  // Pixels of its own.
  return image;
}

std::vector<int> greys(const core::Image& rgb) {
  std::vector<int> values;
  const std::vector<int> all = values_of(rgb);
  for (std::size_t i = 0; i < all.size(); i += 3) values.push_back(all[i]);
  return values;
}

TEST(Resize, AveragesAreasWhenShrinking) {
  const auto image = image_of(4, 2, {0, 100, 10, 20, 100, 200, 30, 40});
  EXPECT_EQ(greys(core::resize_and_orient(image, {2, 1})), (std::vector<int>{100, 25}));
}

TEST(Resize, InterpolatesWhenGrowing) {
  const auto image = image_of(2, 1, {0, 200});
  EXPECT_EQ(greys(core::resize_and_orient(image, {4, 1})), (std::vector<int>{0, 50, 150, 200}));
}

TEST(Resize, TreatsEachAxisByItself) {
  const auto image = image_of(2, 4, {0, 200, 0, 200, 100, 100, 100, 100});
  EXPECT_EQ(greys(core::resize_and_orient(image, {4, 2})), (std::vector<int>{0, 50, 150, 200, 100, 100, 100, 100}));
}

TEST(Resize, AppliesEachOrientation) {
  // Stored: 1 2 3 / 4 5 6.
  const std::vector<std::vector<int>> displayed{{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1},
                                                {4, 5, 6, 1, 2, 3}, {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3},
                                                {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    auto image = image_of(3, 2, {1, 2, 3, 4, 5, 6});
    image.orientation = orientation;
    const core::Size target = image.displayed_size();
    EXPECT_EQ(target.width, orientation >= 5 ? 2 : 3);
    const core::Image rgb = core::resize_and_orient(image, target);
    EXPECT_EQ(rgb.size(), target);
    EXPECT_EQ(greys(rgb), displayed[static_cast<std::size_t>(orientation - 1)]) << orientation;
  }
}

TEST(Resize, OfTheSameSizeCopiesNothing) {
  const ByteString bytes{1, 2, 3, 0, 4, 5, 6, 0};
  const auto image = core::import_pixels({core::PixelFormat::rgb8, bytes, 1, 2, 4}, {});
  const core::Image rgb = core::resize_and_orient(image, {1, 2});
  EXPECT_EQ(rgb.row(0), bytes.data());
  EXPECT_EQ(values_of(rgb), (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST(Resize, RefusesWhatItCannotDo) {
  EXPECT_EQ(outcome_of([] { core::resize_and_orient({}, {8, 8}); }).status, core::Status::internal);
  EXPECT_EQ(outcome_of([] { core::resize_and_orient(image_of(1, 1, {1}), {0, 8}); }).status, core::Status::internal);
}

TEST(Resize, FailuresOfOpenCvAreTheLibrarys) {
  const auto outcome_with = [](int code) {
    return outcome_of([&] { core::guard_opencv([&] { throw cv::Exception(code, "no room", "f", "f.cpp", 1); }); });
  };
  EXPECT_EQ(outcome_with(cv::Error::StsNoMem).status, core::Status::out_of_memory);
  EXPECT_EQ(outcome_with(cv::Error::StsBadArg).status, core::Status::internal);
  EXPECT_EQ(outcome_with(cv::Error::StsBadArg).message, "OpenCV failed: no room");
  EXPECT_EQ(outcome_of([] { core::guard_opencv([] { throw core::Failure(core::Status::limit, "late"); }); }).status,
            core::Status::limit);
}

TEST(Resize, StaysOnTheCallingThread) {
  const auto image = core::decode_image(encode_png(make_scene(900, 700)), kFullSize, {});
  const int before = process_threads();
  core::resize_and_orient(image, {256, 256});
  core::resize_and_orient(image, {224, 224});
  EXPECT_EQ(process_threads(), before);
}

// Two pixels: (0, 51, 255) and (255, 102, 0).
class Normalise : public testing::Test {
 protected:
  const ByteString bytes_{0, 51, 255, 255, 102, 0};
  const core::Image rgb_{bytes_.data(), {2, 1}, 6, core::PixelFormat::rgb8};
  core::InputSpec spec_{
      .width = 2, .height = 1, .rgb = true, .mean = {0.0F, 0.2F, 0.5F}, .std_dev = {1.0F, 0.5F, 0.25F}};
};

TEST_F(Normalise, EachLayoutAndChannelOrder) {
  std::array<float, 6> out{};
  const auto run = [&](Layout layout) {
    core::normalise(rgb_, spec_, {out.data(), ElementType::float32, layout, 1, 2});
    return std::vector<float>(out.begin(), out.end());
  };
  const auto expect_near = [](const std::vector<float>& actual, const std::vector<float>& expected) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(actual[i], expected[i], 1e-6F) << i;
    }
  };
  expect_near(run(Layout::nhwc), {0.0F, 0.0F, 2.0F, 1.0F, 0.4F, -2.0F});
  expect_near(run(Layout::nchw), {0.0F, 1.0F, 0.0F, 0.4F, 2.0F, -2.0F});
  spec_.rgb = false;  // Blue first; mean and deviation are in that order.
  expect_near(run(Layout::nhwc), {1.0F, 0.0F, -2.0F, 0.0F, 0.4F, 2.0F});
  expect_near(run(Layout::nchw), {1.0F, 0.0F, 0.0F, 0.4F, -2.0F, 2.0F});
}

TEST_F(Normalise, Bfloat16RoundsToNearest) {
  std::array<float, 6> exact{};
  std::array<std::uint16_t, 6> rounded{};
  spec_.mean = {0.485F, 0.456F, 0.406F};
  spec_.std_dev = {0.229F, 0.224F, 0.225F};
  core::normalise(rgb_, spec_, {exact.data(), ElementType::float32, Layout::nhwc, 1, 2});
  core::normalise(rgb_, spec_, {rounded.data(), ElementType::bfloat16, Layout::nhwc, 1, 2});
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const float value = std::bit_cast<float>(std::uint32_t{rounded[i]} << 16);
    EXPECT_LE(std::abs(value - exact[i]), std::abs(exact[i]) / 256.0F) << i;
  }
}

TEST_F(Normalise, RefusesAnotherSize) {
  std::array<float, 12> out{};
  const InputTensor tensor{out.data(), ElementType::float32, Layout::nhwc, 2, 2};
  EXPECT_EQ(outcome_of([&] { core::normalise(rgb_, spec_, tensor); }).status, core::Status::internal);
}

}  // namespace
}  // namespace catdog::test_support
