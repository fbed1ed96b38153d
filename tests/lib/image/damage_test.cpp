// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Damage, EmptyImageIsCorrupt) {
  EXPECT_EQ(status_of(make_jpeg_header(0, 64)), Status::corrupt);
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
                    status == Status::unsupported || (status == Status::invalid_argument && damaged.empty()))
            << name << " at " << at << ": " << core::status_name(status);
      }
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace catdog::test_support
