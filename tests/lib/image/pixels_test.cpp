// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "image/preprocess.hpp"
#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::import_pixels;
using core::PixelFormat;
using core::RawPixels;
using core::Status;

std::vector<int> imported(const RawPixels& pixels) {
  const core::DecodedImage image = import_pixels(pixels, {});
  EXPECT_EQ(image.format, core::ImageFormat::raw);
  EXPECT_EQ(image.orientation, 1);
  return values_of(core::resize_and_orient(image, image.stored_size));
}

TEST(Image, OwnsItsPixelsAndSharesThemWithCopies) {
  core::Image image(core::Size{3, 2});
  EXPECT_EQ(image.format(), PixelFormat::rgb8);
  EXPECT_EQ(image.stride(), 9U);
  const core::Image copy = image;
  image.row(1)[8] = 7;
  image = core::Image();
  EXPECT_TRUE(image.empty());
  EXPECT_EQ(copy.row(1)[8], 7);
}

TEST(Image, ViewsPixelsOfAnyStrideAndFormat) {
  const ByteString bytes{10, 20, 99, 30, 40};
  const core::Image view(bytes.data(), {2, 2}, 3, PixelFormat::gray8);
  EXPECT_EQ(view.row(1), bytes.data() + 3);
  EXPECT_EQ(values_of(core::convert_to_rgb(view)), (std::vector<int>{10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40}));
}

TEST(Image, TooLargeForMemoryIsAFailure) {
  constexpr int kMost = std::numeric_limits<int>::max();
  const Outcome outcome = outcome_of([] { core::Image(core::Size{kMost, kMost}); });
  EXPECT_EQ(outcome.status, Status::out_of_memory);
  EXPECT_THAT(outcome.message, testing::HasSubstr("2147483647x2147483647"));
}

TEST(Pixels, EachFormatBecomesRgb) {
  const ByteString bytes{10, 20, 30, 255, 40, 50, 60, 0};
  using Values = std::vector<int>;
  EXPECT_EQ(imported({PixelFormat::gray8, bytes, 2, 1}), (Values{10, 10, 10, 20, 20, 20}));
  EXPECT_EQ(imported({PixelFormat::rgb8, bytes, 2, 1}), (Values{10, 20, 30, 255, 40, 50}));
  EXPECT_EQ(imported({PixelFormat::bgr8, bytes, 2, 1}), (Values{30, 20, 10, 50, 40, 255}));
  EXPECT_EQ(imported({PixelFormat::rgba8, bytes, 2, 1}), (Values{10, 20, 30, 255, 255, 255}));
  EXPECT_EQ(imported({PixelFormat::bgra8, bytes, 2, 1}), (Values{30, 20, 10, 255, 255, 255}));
}

TEST(Pixels, HalfTransparentIsHalfWhite) {
  const ByteString bytes{0, 100, 255, 128};
  EXPECT_EQ(imported({PixelFormat::rgba8, bytes, 1, 1}), (std::vector<int>{127, 177, 255}));
}

TEST(Pixels, RowStrideIsKept) {
  const ByteString bytes{1, 2, 3, 99, 4, 5, 6};  // The last row needs no padding.
  EXPECT_EQ(imported({PixelFormat::rgb8, bytes, 1, 2, 4}), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(imported({PixelFormat::bgr8, bytes, 1, 2, 4}), (std::vector<int>{3, 2, 1, 6, 5, 4}));
}

TEST(Pixels, OnlyTransparentOnesAreCopied) {
  ByteString bytes(16, 255);
  const auto is_borrowed = [&](PixelFormat format) {
    return import_pixels({format, bytes, 2, 2}, {}).pixels.row(0) == bytes.data();
  };
  for (const PixelFormat format : {PixelFormat::gray8, PixelFormat::rgb8, PixelFormat::bgr8, PixelFormat::rgbx8,
                                   PixelFormat::bgra8, PixelFormat::rgba8_premultiplied, PixelFormat::nv12}) {
    EXPECT_TRUE(is_borrowed(format)) << static_cast<int>(format);
  }
  bytes[15] = 254;
  for (const PixelFormat format :
       {PixelFormat::rgba8, PixelFormat::bgra8, PixelFormat::rgba8_premultiplied, PixelFormat::bgra8_premultiplied}) {
    EXPECT_FALSE(is_borrowed(format)) << static_cast<int>(format);
  }
  EXPECT_TRUE(is_borrowed(PixelFormat::bgrx8));
}

// All values of chroma with some of luma, against the formula of ITU-R BT.601.
TEST(Pixels, LumaAndChromaBecomeRgb) {
  const auto level = [](double value) { return std::clamp(value, 0.0, 255.0); };
  for (int y = 0; y < 256; y += 15) {
    for (int u = 0; u < 256; u += 5) {
      for (int v = 0; v < 256; v += 5) {
        const ByteString bytes{static_cast<std::uint8_t>(y), static_cast<std::uint8_t>(u),
                               static_cast<std::uint8_t>(v)};
        const std::vector<int> rgb = imported({PixelFormat::nv12, bytes, 1, 1});
        const double grey = (y - 16) * 255.0 / 219;
        ASSERT_NEAR(rgb[0], level(grey + 1.402 * (v - 128) * 255 / 224), 1.5) << y << ' ' << u << ' ' << v;
        ASSERT_NEAR(rgb[1], level(grey - (0.344136 * (u - 128) + 0.714136 * (v - 128)) * 255 / 224), 1.5);
        ASSERT_NEAR(rgb[2], level(grey + 1.772 * (u - 128) * 255 / 224), 1.5);
        ASSERT_EQ(imported({PixelFormat::i420, bytes, 1, 1}), rgb);
        const ByteString swapped{bytes[0], bytes[2], bytes[1]};
        ASSERT_EQ(imported({PixelFormat::nv21, swapped, 1, 1}), rgb);
      }
    }
  }
}

Status refused(const RawPixels& pixels, const core::ImageLimits& limits = {}) {
  return outcome_of([&] { import_pixels(pixels, limits); }).status;
}

TEST(Pixels, BadSizesAreRefused) {
  const ByteString bytes(12);
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  constexpr std::uint64_t kHugeStride = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, 2}), Status::ok);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 0, 2}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, -1}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, 3}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 5, 1}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, 2, 5}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, 2, 7}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, 2, kHugeStride}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, 3, kHugeStride / 2 + 1}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, {}, 1, 1}), Status::invalid_argument);
  EXPECT_EQ(refused({static_cast<PixelFormat>(99), bytes, 1, 1}), Status::invalid_argument);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, kHuge, 1}), Status::limit);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 20'000, 1}), Status::limit);
  EXPECT_EQ(refused({PixelFormat::rgb8, bytes, 2, 2}, {.max_pixels = 3}), Status::limit);
}

}  // namespace
}  // namespace catdog::test_support
