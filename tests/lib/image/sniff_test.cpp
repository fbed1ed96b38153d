// SPDX-License-Identifier: Apache-2.0
#include "image/sniff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::ImageFormat;
using core::sniff_format;
using core::Status;

ByteString bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(Sniff, KnowsFormatsByMagicBytes) {
  EXPECT_EQ(sniff_format(shipped_image("baseline.jpg")), ImageFormat::jpeg);
  EXPECT_EQ(sniff_format(shipped_image("rgb.png")), ImageFormat::png);
  EXPECT_EQ(sniff_format(shipped_image("lossy.webp")), ImageFormat::webp);
  EXPECT_EQ(sniff_format(shipped_image("plain.gif")), ImageFormat::gif);
  EXPECT_EQ(sniff_format(bytes_of("GIF88a")), ImageFormat::unknown);
  EXPECT_EQ(sniff_format(bytes_of("RIFF....WAVE")), ImageFormat::unknown);
  EXPECT_EQ(sniff_format(bytes_of("\xFF\xD8\x01\xFF")), ImageFormat::jpeg);  // libjpeg skips stray bytes.
  EXPECT_EQ(sniff_format(bytes_of("\xFF")), ImageFormat::unknown);
  EXPECT_EQ(sniff_format({}), ImageFormat::unknown);
}

TEST(Sniff, NamesEachFormat) {
  EXPECT_STREQ(core::image_format_name(ImageFormat::unknown), "");
  EXPECT_STREQ(core::image_format_name(ImageFormat::jpeg), "jpeg");
  EXPECT_STREQ(core::image_format_name(ImageFormat::png), "png");
  EXPECT_STREQ(core::image_format_name(ImageFormat::webp), "webp");
  EXPECT_STREQ(core::image_format_name(ImageFormat::gif), "gif");
  EXPECT_STREQ(core::image_format_name(ImageFormat::raw), "raw");
  EXPECT_STREQ(core::image_format_name(ImageFormat::other), "other");
}

TEST(Sniff, NoBytesAreUnsupported) { EXPECT_EQ(decode_outcome({}).status, Status::unsupported); }

#ifndef CATDOG_WITH_IMGCODECS
TEST(Sniff, OtherFormatsAreUnsupportedByName) {
  using std::string_view_literals::operator""sv;
  const std::pair<std::string_view, const char*> strangers[] = {
      {"BM1234"sv, "BMP"},
      {"II*\0...."sv, "TIFF"},
      {"MM\0*...."sv, "TIFF"},
      {"....ftypavif"sv, "AVIF"},
      {"....ftypheic"sv, "HEIF"},
      {"\xFF\x0A.."sv, "JPEG XL"},
      {"\0\0\0\x0CjP  "sv, "JPEG 2000"},
      {"%PDF-1.7"sv, "PDF"},
      {"<svg />"sv, "SVG"},
      {"plain text"sv, "not an image"},
  };
  for (const auto& [bytes, name] : strangers) {
    const Outcome outcome = decode_outcome(bytes_of(bytes));
    EXPECT_EQ(outcome.status, Status::unsupported) << name;
    EXPECT_THAT(outcome.message, testing::HasSubstr(name));
    EXPECT_THAT(outcome.message, testing::HasSubstr("JPEG, PNG, WebP and GIF are read"));
  }
}
#endif

}  // namespace
}  // namespace catdog::test_support
