// SPDX-License-Identifier: Apache-2.0
#include "image/exif.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "image/jpeg_markers.hpp"
#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::exif_orientation;

TEST(Exif, ReadsEveryOrientationInBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(make_exif(orientation, false)), orientation);
    EXPECT_EQ(exif_orientation(make_exif(orientation, true)), orientation);
    const ByteString jpeg = encode_jpeg(make_scene(16, 16), {.orientation = orientation, .big_endian = true});
    EXPECT_EQ(core::decode_image(jpeg, kFullSize, {}).orientation, orientation);
  }
}

TEST(Exif, ReadsTiffWithoutPrefix) {
  const ByteString exif = make_exif(6, false);
  EXPECT_EQ(exif_orientation(std::span(exif).subspan(6)), 6);
}

TEST(Exif, AnythingOddIsOne) {
  EXPECT_EQ(exif_orientation({}), 1);
  EXPECT_EQ(exif_orientation(make_exif(0, false)), 1);
  EXPECT_EQ(exif_orientation(make_exif(9, true)), 1);
  // Offsets in make_exif(…, false): 6 byte order, 8 magic, 10 directory, 14 count, 16 tag, 18 type, 20 values.
  for (const std::size_t at : {6U, 7U, 8U, 16U, 18U, 20U}) {
    ByteString exif = make_exif(6, false);
    exif[at] ^= 0x55;
    EXPECT_EQ(exif_orientation(exif), 1) << at;
  }
  ByteString far = make_exif(6, false);
  std::fill(far.begin() + 10, far.begin() + 14, 0xFF);  // The directory lies outside.
  EXPECT_EQ(exif_orientation(far), 1);
}

TEST(Exif, EveryTruncationIsOne) {
  const ByteString exif = make_exif(6, true);
  const std::size_t value_end = 6 + 8 + 2 + 10;
  for (std::size_t size = 0; size < value_end; ++size) {
    const ByteString cut(exif.begin(), exif.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(exif_orientation(cut), 1) << size;
  }
}

TEST(JpegMarkers, CountsScansAndFindsExif) {
  const ByteString progressive = encode_jpeg(make_scene(64, 64), {.progressive = true, .orientation = 3});
  const core::JpegMarkers all = core::read_jpeg_markers(progressive, true);
  EXPECT_EQ(all.scans, 10U);  // libjpeg's standard script for three components.
  EXPECT_EQ(exif_orientation(all.exif), 3);
  EXPECT_EQ(all.usable, progressive.size());
  EXPECT_EQ(core::read_jpeg_markers(progressive, false).scans, 1U);
  const ByteString baseline = encode_jpeg(make_scene(64, 64), {.restart_rows = 1});
  EXPECT_EQ(core::read_jpeg_markers(baseline, true).scans, 1U);
}

TEST(JpegMarkers, SurvivesEveryTruncation) {
  const ByteString jpeg = encode_jpeg(make_scene(24, 24), {.progressive = true, .orientation = 3});
  std::size_t scans = 0;
  for (std::size_t size = 0; size <= jpeg.size(); ++size) {
    const ByteString cut(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(size));
    const core::JpegMarkers markers = core::read_jpeg_markers(cut, true);
    EXPECT_LE(markers.usable, size);
    EXPECT_GE(markers.scans, scans);
    scans = markers.scans;
  }
  EXPECT_EQ(scans, 10U);
}

}  // namespace
}  // namespace catdog::test_support
