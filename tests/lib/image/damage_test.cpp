// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::Status;

Status status_of(const ByteString& bytes) { return decode_outcome(bytes).status; }

ByteString cut(const ByteString& bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(Damage, TruncatedJpegNeeds95PercentOfItsRows) {
  EXPECT_EQ(status_of(shipped_image("tall_cut99.jpg")), Status::ok);
  EXPECT_EQ(status_of(shipped_image("tall_cut10.jpg")), Status::corrupt);
  const Outcome cut80 = decode_outcome(shipped_image("tall_cut80.jpg"));
  EXPECT_EQ(cut80.status, Status::corrupt);
  EXPECT_THAT(cut80.message, testing::HasSubstr("95 %"));
}

TEST(Damage, TruncatedProgressiveJpegNeedsItsCoarseScans) {
  EXPECT_EQ(status_of(shipped_image("tall_progressive_cut99.jpg")), Status::ok);
  EXPECT_EQ(status_of(shipped_image("tall_progressive_cut80.jpg")), Status::ok);  // Cut in a refinement's table.
  EXPECT_EQ(status_of(shipped_image("tall_progressive_cut10.jpg")), Status::corrupt);
}

TEST(Damage, RowsThereDecide) {
  // 64 rows of blocks without subsampling in the way: restart markers show where each row of blocks ends.
  const ByteString jpeg = encode_jpeg(make_scene(64, 1024), {.restart_rows = 1});
  std::vector<std::size_t> row_ends;
  for (std::size_t at = 0; at + 1 < jpeg.size(); ++at) {
    if (jpeg[at] == 0xFF && jpeg[at + 1] >= 0xD0 && jpeg[at + 1] <= 0xD7) {
      row_ends.push_back(at);
    }
  }
  ASSERT_EQ(row_ends.size(), 63U);
  EXPECT_EQ(status_of(cut(jpeg, row_ends[60])), Status::ok);       // 61 of 64 rows: 95.3 %.
  EXPECT_EQ(status_of(cut(jpeg, row_ends[59])), Status::corrupt);  // 60 of 64: 93.8 %.
}

TEST(Damage, ArithmeticCodedJpegIsJudgedAlike) {
  const ByteString jpeg = encode_jpeg(make_scene(64, 480), {.arithmetic = true});
  EXPECT_EQ(status_of(jpeg), Status::ok);
  EXPECT_EQ(status_of(cut(jpeg, jpeg.size() - 2)), Status::ok);  // Without its end marker.
  EXPECT_EQ(status_of(cut(jpeg, jpeg.size() / 2)), Status::corrupt);
}

TEST(Damage, JpegWithoutItsEndMarkerIsWhole) {
  const ByteString jpeg = shipped_image("baseline.jpg");
  EXPECT_EQ(status_of(cut(jpeg, jpeg.size() - 2)), Status::ok);
}

TEST(Damage, BytesBetweenJpegSegmentsAreTolerated) {
  ByteString jpeg = shipped_image("baseline.jpg");
  jpeg.insert(jpeg.begin() + 20, {0x12, 0x34, 0x56});  // After APP0.
  jpeg.insert(jpeg.end(), 100, 0x55);
  EXPECT_EQ(status_of(jpeg), Status::ok);
  jpeg.insert(jpeg.begin() + 2, {0x00, 0x12});  // Right after SOI.
  EXPECT_EQ(status_of(jpeg), Status::ok);
}

TEST(Damage, WipedJpegDataIsCorrupt) {
  ByteString jpeg = shipped_image("tall.jpg");
  std::fill(jpeg.begin() + static_cast<std::ptrdiff_t>(jpeg.size() / 2), jpeg.end() - 2, 0xFF);
  EXPECT_EQ(status_of(jpeg), Status::corrupt);
}

TEST(Damage, TwelveBitJpegIsUnsupported) {
  ByteString jpeg = make_jpeg_header(64, 64);
  jpeg[6] = 12;
  EXPECT_EQ(status_of(jpeg), Status::unsupported);
}

// What is sound, and only not read, must not be called damaged: getting the file again wouldn't help.
void expect_unsupported(const ByteString& bytes, const char* named) {
  const Outcome outcome = decode_outcome(bytes);
  EXPECT_EQ(outcome.status, Status::unsupported) << named;
  EXPECT_THAT(outcome.message, testing::HasSubstr(named));
  EXPECT_THAT(outcome.message, testing::HasSubstr("save it"));
}

TEST(Unsupported, KindsOfJpeg) {
  ByteString jpeg = make_jpeg_header(48, 16);
  const auto changed = [&](std::size_t at, std::uint8_t to) {
    ByteString other = jpeg;
    other[at] = to;
    return other;
  };
  for (const int process : {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}) {  // Lossless, differential.
    expect_unsupported(changed(3, static_cast<std::uint8_t>(process)), "SOF type");
  }
  expect_unsupported(changed(3, 0xF7), "marker type 0xf7");  // JPEG-LS.
  expect_unsupported(changed(3, 0xDE), "marker type 0xde");  // Hierarchical.
  EXPECT_EQ(status_of(changed(3, 0x02)), Status::corrupt);   // Reserved.
  expect_unsupported(make_jpeg_header(48, 0), "DNL");
  EXPECT_EQ(status_of(make_jpeg_header(0, 48)), Status::corrupt);
  ByteString fractional = changed(13, 0x31);  // Three samples of brightness beside two of each colour.
  fractional[16] = fractional[19] = 0x21;
  expect_unsupported(fractional, "Fractional sampling");
  ByteString crowded = changed(13, 0x44);  // 18 blocks in one MCU.
  expect_unsupported(crowded, "Sampling factors too large");
}

TEST(Unsupported, JpegOfTwoColours) {
  ByteString jpeg = encode_jpeg(make_scene(16, 16), {.grey = true});
  const ByteString frame{0xFF, 0xC0, 0, 11};
  const auto at = std::search(jpeg.begin(), jpeg.end(), frame.begin(), frame.end());
  ASSERT_NE(at, jpeg.end());
  at[3] = 14;
  at[9] = 2;
  jpeg.insert(at + 13, {2, 0x11, 0});
  expect_unsupported(jpeg, "color conversion");
}

TEST(Unsupported, JpegTooLargeForItsDecoderIsALimit) {
  const core::ImageLimits any{.max_pixels = ~0ULL, .max_side = 65'535};
  const Outcome outcome = decode_outcome(make_jpeg_header(65'535, 16), any);
  EXPECT_EQ(outcome.status, Status::limit);
  EXPECT_THAT(outcome.message, testing::HasSubstr("65535x16"));
}

ByteString png_chunk(const std::string& name, const ByteString& body) {
  ByteString named(name.begin(), name.end());
  named.insert(named.end(), body.begin(), body.end());
  ByteString chunk;
  const auto append_32 = [&](std::size_t value) {
    for (const int shift : {24, 16, 8, 0}) chunk.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  append_32(body.size());
  chunk.insert(chunk.end(), named.begin(), named.end());
  append_32(crc32(0, named.data(), static_cast<unsigned>(named.size())));
  return chunk;
}

constexpr std::ptrdiff_t kPngSignature = 8;
constexpr std::ptrdiff_t kAfterPngHeader = 33;

ByteString png_with(std::ptrdiff_t at, const ByteString& chunk) {
  ByteString png = shipped_image("rgb.png");
  png.insert(png.begin() + at, chunk.begin(), chunk.end());
  return png;
}

TEST(Unsupported, KindsOfPng) {
  expect_unsupported(png_with(kPngSignature, png_chunk("CgBI", {0x50, 0, 0x20, 2})), "CgBI");
  expect_unsupported(png_with(kAfterPngHeader, png_chunk("ABCD", {1})), "ABCD");
  ByteString png = shipped_image("rgb.png");
  for (const std::size_t method : {26U, 27U, 28U}) {
    ByteString header(png.begin() + 16, png.begin() + 29);
    header[method - 16] = 7;
    ByteString other = png_with(kPngSignature, png_chunk("IHDR", header));
    other.erase(other.begin() + kAfterPngHeader, other.begin() + kAfterPngHeader + 25);
    expect_unsupported(other, "Invalid IHDR data");
  }
  ByteString broken = png;
  broken[26] = 7;  // Now the checksum is wrong.
  EXPECT_EQ(status_of(broken), Status::corrupt);
}

TEST(Damage, LargePngChunksThatDoNotCountAreSkipped) {
  const ByteString megabytes(2U << 20U, 'x');
  for (const char* name : {"tEXt", "zzZz", "iCCP"}) {
    EXPECT_EQ(decode_outcome(png_with(kAfterPngHeader, png_chunk(name, megabytes))).message, "") << name;
  }
}

TEST(Unsupported, GifWithoutAnImage) {
  const ByteString gif{'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0, 0, 0, 0, 0x3B};
  EXPECT_EQ(status_of(gif), Status::unsupported);
  EXPECT_EQ(status_of(cut(gif, 13)), Status::corrupt);
}

TEST(Unsupported, WebpThatShowsNoFrame) {
  ByteString webp = shipped_image("lossy.webp");
  const ByteString name{'V', 'P', '8', ' '};
  const auto chunk = std::search(webp.begin(), webp.end(), name.begin(), name.end());
  ASSERT_NE(chunk, webp.end());
  chunk[8] &= 0xEF;  // The bit that shows the frame.
  EXPECT_NE(status_of(webp), Status::ok);
}

TEST(Damage, EmptyImageIsCorrupt) {
  ByteString png = shipped_image("rgb.png");
  std::fill(png.begin() + 16, png.begin() + 20, 0);
  EXPECT_EQ(status_of(png), Status::corrupt);
}

TEST(Damage, PngChecksumsCount) {
  ByteString png = shipped_image("rgb.png");
  png[png.size() - 30] ^= 1;
  const Outcome outcome = decode_outcome(png);
  EXPECT_EQ(outcome.status, Status::corrupt);
  EXPECT_THAT(outcome.message, testing::HasSubstr("PNG"));
}

TEST(Damage, EachFormatCutInHalfIsCorrupt) {
  for (const char* name : {"rgb.png", "rgba_interlaced.png", "palette.png", "lossy.webp", "lossless.webp", "alpha.webp",
                           "animated.webp", "plain.gif", "interlaced.gif"}) {
    const ByteString bytes = shipped_image(name);
    // Half of an animation may still hold the whole first frame.
    const std::size_t share = std::string_view(name) == "animated.webp" ? 5 : 2;
    EXPECT_EQ(status_of(cut(bytes, bytes.size() / share)), Status::corrupt) << name;
  }
}

// Every prefix and every flipped byte ends in an image or a status that fits; nothing is printed.
TEST(Damage, NothingCrashesOrPrints) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  for (const char* name : {"orientation6.jpg", "grey_progressive.jpg", "palette_transparent.png", "grey_alpha.png",
                           "lossless.webp", "orientation6.webp", "plain.gif"}) {
    const ByteString bytes = shipped_image(name);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
      ByteString flipped = bytes;
      flipped[at] ^= 0xA5;
      for (const ByteString& damaged : {cut(bytes, at), flipped}) {
        const Status status = status_of(damaged);
        EXPECT_TRUE(status == Status::ok || status == Status::corrupt || status == Status::limit ||
                    status == Status::unsupported)
            << name << " at " << at << ": " << core::status_name(status);
      }
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace catdog::test_support
