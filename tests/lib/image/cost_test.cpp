// SPDX-License-Identifier: Apache-2.0
// The cost that a header is said to have, against the bytes that decoding allocates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocations.hpp"
#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::ImageLimits;
using core::Size;
using core::Status;

struct Case {
  std::string name;
  ByteString file;
  Size at_least;
};

const Pixels& scene() {
  static const Pixels made = make_scene(1203, 907);
  return made;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto jpeg = [&](const std::string& name, const JpegOptions& options) {
    const ByteString file = encode_jpeg(scene(), options);
    for (const int denominator : {1, 2, 4, 8}) {
      all.push_back({name + " 1/" + std::to_string(denominator), file, {1203 / denominator, 907 / denominator}});
    }
  };
  jpeg("baseline", {});
  jpeg("baseline 4:4:4", {.full_colour = true});
  jpeg("progressive", {.progressive = true});
  jpeg("progressive 4:4:4", {.progressive = true, .full_colour = true});
  jpeg("arithmetic", {.arithmetic = true});
  jpeg("turned", {.progressive = true, .orientation = 6});
  jpeg("three scans", {.scan_each = true});
  jpeg("grey", {.grey = true});
  jpeg("grey progressive", {.progressive = true, .grey = true});
  jpeg("four inks", {.four_inks = true});
  jpeg("four inks progressive", {.progressive = true, .four_inks = true});
  for (const bool alpha : {false, true}) {
    for (const bool interlaced : {false, true}) {
      for (const bool deep : {false, true}) {
        all.push_back({std::string("png") + (alpha ? " alpha" : "") + (interlaced ? " interlaced" : "") +
                           (deep ? " 16 bits" : ""),
                       encode_png(scene(), {alpha, interlaced, deep}), kFullSize});
      }
    }
    for (const bool lossless : {false, true}) {
      all.push_back({std::string("webp") + (alpha ? " alpha" : "") + (lossless ? " lossless" : ""),
                     encode_webp(scene(), {lossless, alpha}), kFullSize});
    }
  }
  all.push_back({"webp of 4,096 groups of codes", make_webp_of_groups(256, 256), kFullSize});
  all.push_back({"png 1 bit", make_black_png(1203, 907), kFullSize});
  all.push_back(
      {"gif", make_gif({.screen_width = 1203, .screen_height = 907, .width = 900, .height = 700}), kFullSize});
  all.push_back({"gif of no screen", make_gif({.left = 7, .width = 900, .height = 700}), kFullSize});
  for (const char* name : {"animated.webp", "alpha.webp", "lossless.webp"}) {
    all.push_back({name, shipped_image(name), kFullSize});
  }
  return all;
}

TEST(Cost, IsWhatDecodingAllocates) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.name);
    const core::ImageHeader header = core::probe_image(one.file, one.at_least, {});
    start_counting_allocations();
    const core::DecodedImage image = core::decode_image(one.file, one.at_least, {});
    const std::int64_t peak = peak_of_allocations();
    const auto cost = static_cast<std::int64_t>(header.decode_bytes);
    EXPECT_GE(cost, peak);
    EXPECT_LE(cost, peak + peak / 3 + 250'000);
    EXPECT_EQ(header.format, image.format);
    EXPECT_EQ(header.displayed_size().width, image.displayed_size().width);
    EXPECT_EQ(header.displayed_size().height, image.displayed_size().height);
  }
}

TEST(Cost, IsLimitedBeforeItIsSpent) {
  for (const Case& one : cases()) {
    SCOPED_TRACE(one.name);
    const std::uint64_t cost = core::probe_image(one.file, one.at_least, {}).decode_bytes;
    const ImageLimits enough{.max_decode_bytes = cost};
    EXPECT_EQ(outcome_of([&] { core::decode_image(one.file, one.at_least, enough); }).status, Status::ok);
    const ImageLimits too_few{.max_decode_bytes = cost - 1};
    for (const bool decode : {false, true}) {
      start_counting_allocations();
      const Outcome outcome = outcome_of([&] {
        decode ? void(core::decode_image(one.file, one.at_least, too_few))
               : void(core::probe_image(one.file, one.at_least, too_few));
      });
      EXPECT_EQ(outcome.status, Status::limit);
      EXPECT_THAT(outcome.message, testing::HasSubstr("raise max_decode_bytes"));
      EXPECT_LT(peak_of_allocations(), 100'000);
    }
  }
}

TEST(Cost, OfAPhoneIsLowWhereItsJpegIsBaseline) {
  const Size input{224, 224};
  ByteString jpeg = make_jpeg_header(16'320, 12'240);  // 200 megapixels.
  const core::ImageHeader header = core::probe_image(jpeg, input, {});
  EXPECT_EQ(header.stored_size.width, 16'320);
  EXPECT_LT(header.decode_bytes, 12U << 20U);
  jpeg[3] = 0xC2;  // Progressive.
  const Outcome outcome = outcome_of([&] { core::probe_image(jpeg, input, {}); });
  EXPECT_EQ(outcome.status, Status::limit);
  EXPECT_THAT(outcome.message, testing::HasSubstr("(jpeg, 16320x12240 pixels)"));
  EXPECT_THAT(outcome.message, testing::HasSubstr("limit of 268435456"));
}

TEST(Cost, OfALosslessWebpCountsItsCodes) {
  const ByteString bomb = make_webp_of_groups(1024, 1024);
  EXPECT_LT(bomb.size(), 300'000U);
  EXPECT_GT(core::probe_image(bomb, kFullSize, {.max_decode_bytes = ~0ULL}).decode_bytes, 800'000'000U);
  EXPECT_EQ(decode_outcome(bomb).status, Status::limit);
  ByteString cut(bomb.begin(), bomb.begin() + 1000);
  EXPECT_EQ(decode_outcome(cut).status, Status::corrupt);
}

TEST(Cost, OfTransparentPixelsIsTheirCopy) {
  const ByteString clear(60 * 40 * 4);
  const core::RawPixels pixels{core::PixelFormat::rgba8, clear, 60, 40};
  EXPECT_EQ(core::import_pixels(pixels, {.max_decode_bytes = 7200}).decode_bytes, 7200U);
  EXPECT_EQ(outcome_of([&] { core::import_pixels(pixels, {.max_decode_bytes = 7199}); }).status, Status::limit);
  const ByteString opaque(60 * 40 * 4, 255);
  EXPECT_EQ(core::import_pixels({core::PixelFormat::rgba8, opaque, 60, 40}, {.max_decode_bytes = 1}).decode_bytes, 0U);
}

}  // namespace
}  // namespace catdog::test_support
