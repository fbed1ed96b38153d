// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::ImageLimits;
using core::Status;

constexpr long kNoGrowthKib = 4096;  // A 100 MP image would take 300,000.

void expect_limit(const ByteString& bytes, const ImageLimits& limits, const char* named) {
  const Outcome outcome = decode_outcome(bytes, limits);
  EXPECT_EQ(outcome.status, Status::limit) << outcome.message;
  EXPECT_THAT(outcome.message, testing::HasSubstr(named));
}

TEST(Limits, HugeJpegIsRefusedWithoutMemory) {
  const ByteString jpeg = make_jpeg_header(20'000, 14'000);
  const long before = peak_memory_kib();
  expect_limit(jpeg, {}, "20000x14000");
  EXPECT_LT(peak_memory_kib() - before, kNoGrowthKib);
}

TEST(Limits, PngBombIsRefusedWithoutMemory) {
  const ByteString png = make_black_png(10'000, 10'000);
  ASSERT_LT(png.size(), 100'000U);
  const long before = peak_memory_kib();
  expect_limit(png, {}, "10000x10000");
  EXPECT_LT(peak_memory_kib() - before, kNoGrowthKib);
}

TEST(Limits, MemoryMeasureSeesADecodedImage) {  // Else the two tests above would prove nothing.
  const ByteString png = make_black_png(5'000, 5'000);
  const long before = peak_memory_kib();
  EXPECT_EQ(core::decode_image(png, kFullSize, {}).pixels.size().width, 5'000);
  EXPECT_GT(peak_memory_kib() - before, 5'000L * 5'000 * 3 / 1024 / 2);
}

TEST(Limits, SideAndPixelsHoldForEachFormat) {
  for (const char* name : {"baseline.jpg", "rgb.png", "lossy.webp", "animated.webp", "plain.gif"}) {
    SCOPED_TRACE(name);
    const ByteString bytes = shipped_image(name);
    const core::DecodedImage image = core::decode_image(bytes, kFullSize, {});
    const auto side = static_cast<std::uint32_t>(image.stored_size.width);
    const auto pixels = std::uint64_t{side} * static_cast<std::uint64_t>(image.stored_size.height);
    ImageLimits limits{.max_encoded_bytes = bytes.size(), .max_pixels = pixels, .max_side = side};
    EXPECT_EQ(decode_outcome(bytes, limits).status, Status::ok);
    limits.max_side = side - 1;
    expect_limit(bytes, limits, "max_side");
    limits.max_side = side;
    limits.max_pixels = pixels - 1;
    expect_limit(bytes, limits, "max_pixels");
    limits.max_pixels = pixels;
    limits.max_encoded_bytes = bytes.size() - 1;
    expect_limit(bytes, limits, "max_encoded_bytes");
  }
}

TEST(Limits, GifFrameLargerThanItsScreenIsChecked) {
  ByteString gif = shipped_image("plain.gif");
  const ByteString marker{0x2C, 0, 0, 0, 0};  // Image descriptor at 0, 0.
  const auto frame = std::search(gif.begin(), gif.end(), marker.begin(), marker.end());
  ASSERT_NE(frame, gif.end());
  frame[5] = 0xFF;
  frame[6] = 0xFF;
  expect_limit(gif, {}, "65535x45");
}

TEST(Limits, ScansAreCountedBeforeDecoding) {
  const ByteString jpeg = shipped_image("progressive.jpg");
  ImageLimits limits;
  limits.max_scans = 10;
  EXPECT_EQ(decode_outcome(jpeg, limits).status, Status::ok);
  limits.max_scans = 9;
  expect_limit(jpeg, limits, "max_scans");
}

TEST(Limits, HundredsOfScansAreRefusedByDefault) {
  const ByteString jpeg = shipped_image("progressive.jpg");
  const ByteString marker{0xFF, 0xDA};
  const auto last_scan = std::find_end(jpeg.begin(), jpeg.end(), marker.begin(), marker.end());
  ByteString bomb(jpeg.begin(), jpeg.end() - 2);
  for (int i = 0; i < 200; ++i) {
    bomb.insert(bomb.end(), last_scan, jpeg.end() - 2);
  }
  bomb.insert(bomb.end(), jpeg.end() - 2, jpeg.end());
  expect_limit(bomb, {}, "210 scans");
}

}  // namespace
}  // namespace catdog::test_support
