// SPDX-License-Identifier: Apache-2.0
// Formats that OpenCV's imgcodecs reads; part of builds with CATDOG_WITH_IMGCODECS only.
#include <gmock/gmock.h>

#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::ImageFormat;
using core::Status;

void append(std::vector<std::uint8_t>& bytes, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// A 24-bit BMP of 2 × 2 pixels, from the top row on: red, green; blue, white. The header may claim another size.
std::vector<std::uint8_t> bmp(std::uint32_t width = 2, std::uint32_t height = 2) {
  std::vector<std::uint8_t> bytes{'B', 'M'};
  append(bytes, 70, 4);  // File size.
  append(bytes, 0, 4);   // Reserved.
  append(bytes, 54, 4);  // Where the pixels start.
  append(bytes, 40, 4);  // Size of the header from here on.
  append(bytes, width, 4);
  append(bytes, height, 4);
  append(bytes, 1, 2);                                                            // Planes.
  append(bytes, 24, 2);                                                           // Bits a pixel.
  append(bytes, 0, 24);                                                           // Not compressed.
  const std::uint32_t rows[2][2] = {{0x0000FF, 0xFFFFFF}, {0xFF0000, 0x00FF00}};  // The lowest row first.
  for (const auto& row : rows) {
    for (const std::uint32_t rgb : row) append(bytes, rgb, 3);
    append(bytes, 0, 2);  // Rows are multiples of four bytes.
  }
  return bytes;
}

// The header of a little-endian TIFF file of that size, without pixels.
std::vector<std::uint8_t> tiff(std::uint32_t width, std::uint32_t height) {
  std::vector<std::uint8_t> bytes{'I', 'I', 42, 0, 8, 0, 0, 0, 2, 0};
  for (const auto& [tag, value] : {std::pair{0x0100U, width}, std::pair{0x0101U, height}}) {
    append(bytes, tag, 2);
    append(bytes, 4, 2);  // 32-bit number,
    append(bytes, 1, 4);  // one of it.
    append(bytes, value, 4);
  }
  append(bytes, 0, 4);
  return bytes;
}

TEST(Other, ABmpFileIsDecoded) {
  const core::DecodedImage image = core::decode_image(bmp(), {2, 2}, {});
  EXPECT_EQ(image.format, ImageFormat::other);
  ASSERT_EQ(image.pixels.size(), (core::Size{2, 2}));
  EXPECT_EQ(values_of(image.pixels), (std::vector<int>{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}));
}

TEST(Other, LimitsAreCheckedFromTheHeader) {
  for (const auto& bytes : {bmp(20'000, 14'000), bmp(20'000, 0U - 14'000U), bmp(16'385, 1), tiff(20'000, 14'000)}) {
    EXPECT_EQ(decode_outcome(bytes).status, Status::limit);
  }
}

TEST(Other, DamagedAndUnknownFilesAreNamed) {
  std::vector<std::uint8_t> cut = bmp();
  cut.resize(40);
  const Outcome cut_bmp = decode_outcome(cut);
  const Outcome empty_tiff = decode_outcome(tiff(2, 2));
  const Outcome text = decode_outcome({'t', 'e', 'x', 't', ' ', 't', 'e', 'x', 't'});
  EXPECT_EQ(cut_bmp.status, Status::corrupt) << cut_bmp.message;
  EXPECT_EQ(empty_tiff.status, Status::corrupt) << empty_tiff.message;
  EXPECT_EQ(text.status, Status::unsupported) << text.message;
  EXPECT_THAT(text.message, testing::HasSubstr("not an image"));
}

}  // namespace
}  // namespace catdog::test_support
