// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <limits>

#include "capi/image_fixture.hpp"

namespace catdog::test_support {
namespace {

constexpr int kWidth = 37;
constexpr int kHeight = 23;

struct Layout {
  catdog_format format;
  int channels;
  std::array<int, 3> order;  // Where red, green and blue are.
};
constexpr Layout kColourLayouts[] = {{CATDOG_FORMAT_RGB8, 3, {0, 1, 2}},
                                     {CATDOG_FORMAT_BGR8, 3, {2, 1, 0}},
                                     {CATDOG_FORMAT_RGBA8, 4, {0, 1, 2}},
                                     {CATDOG_FORMAT_BGRA8, 4, {2, 1, 0}},
                                     {CATDOG_FORMAT_RGBX8, 4, {0, 1, 2}},
                                     {CATDOG_FORMAT_BGRX8, 4, {2, 1, 0}},
                                     {CATDOG_FORMAT_RGBA8_PREMULTIPLIED, 4, {0, 1, 2}},
                                     {CATDOG_FORMAT_BGRA8_PREMULTIPLIED, 4, {2, 1, 0}}};

// The scene in another layout; the padding is what must not be looked at.
ByteString convert(const Pixels& scene, const Layout& layout, std::size_t padding, std::uint8_t alpha = 255) {
  ByteString bytes;
  for (int y = 0; y < scene.height; ++y) {
    for (int x = 0; x < scene.width; ++x) {
      std::uint8_t pixel[4] = {0, 0, 0, alpha};
      for (std::size_t c = 0; c < 3; ++c) {
        pixel[layout.order[c]] = scene.rgb[3 * static_cast<std::size_t>(y * scene.width + x) + c];
      }
      bytes.insert(bytes.end(), pixel, pixel + layout.channels);
    }
    if (y + 1 < scene.height) bytes.insert(bytes.end(), padding, static_cast<std::uint8_t>(0xA5 + y));
  }
  return bytes;
}

class CapiPixels : public CapiImageTest {
 protected:
  const Pixels scene_ = make_scene(kWidth, kHeight);
};

TEST_F(CapiPixels, EveryFormatGivesTheVerdictOfTheSamePng) {
  const auto expected = verdict_on(classifier_, encode_png(scene_));
  for (const Layout& layout : kColourLayouts) {
    for (const std::size_t padding : {0U, 1U, 64U}) {
      const ByteString bytes = convert(scene_, layout, padding);
      const std::uint64_t stride = static_cast<std::uint64_t>(kWidth * layout.channels) + padding;
      EXPECT_EQ(verdict(raw_image(layout.format, bytes, kWidth, kHeight, stride)), expected) << layout.format;
      if (padding == 0) {
        EXPECT_EQ(verdict(raw_image(layout.format, bytes, kWidth, kHeight)), expected);
      }
    }
  }
  EXPECT_STREQ(catdog_result_format(result_.get(), 0), "raw");
  EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_WIDTH), kWidth);
  EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_HEIGHT), kHeight);
}

TEST_F(CapiPixels, TheOrderOfTheChannelsMatters) {
  EXPECT_NE(verdict(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, kWidth, kHeight)),
            verdict(raw_image(CATDOG_FORMAT_BGR8, scene_.rgb, kWidth, kHeight)));
}

TEST_F(CapiPixels, GreyIsThreeEqualChannels) {
  ByteString grey;
  ByteString rgb;
  for (std::size_t i = 0; i < scene_.rgb.size(); i += 3) {
    grey.push_back(scene_.rgb[i]);
    rgb.insert(rgb.end(), 3, scene_.rgb[i]);
  }
  EXPECT_EQ(verdict(raw_image(CATDOG_FORMAT_GRAY8, grey, kWidth, kHeight)),
            verdict(raw_image(CATDOG_FORMAT_RGB8, rgb, kWidth, kHeight)));
}

TEST_F(CapiPixels, TransparentPixelsAreWhite) {
  const ByteString white(static_cast<std::size_t>(kWidth * kHeight * 3), 255);
  const auto expected = verdict(raw_image(CATDOG_FORMAT_RGB8, white, kWidth, kHeight));
  for (const Layout& layout : {kColourLayouts[2], kColourLayouts[3]}) {
    const ByteString bytes = convert(scene_, layout, 0, 0);
    EXPECT_EQ(verdict(raw_image(layout.format, bytes, kWidth, kHeight)), expected);
  }
}

TEST_F(CapiPixels, TheFourthByteOfRgbxIsNothing) {
  const auto expected = verdict(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, kWidth, kHeight));
  for (const Layout& layout : {kColourLayouts[4], kColourLayouts[5]}) {
    for (const std::uint8_t fourth : {0, 1, 200}) {
      const ByteString bytes = convert(scene_, layout, 0, fourth);
      EXPECT_EQ(verdict(raw_image(layout.format, bytes, kWidth, kHeight)), expected) << layout.format;
    }
  }
}

TEST_F(CapiPixels, PremultipliedPixelsAreTheSameAsStraightOnes) {
  const Layout layouts[][2] = {{kColourLayouts[2], kColourLayouts[6]}, {kColourLayouts[3], kColourLayouts[7]}};
  for (const auto& [straight, premultiplied] : layouts) {
    ByteString bytes = convert(scene_, straight, 0);
    for (std::size_t i = 3; i < bytes.size(); i += 4) bytes[i] = static_cast<std::uint8_t>(i * 7);  // Every alpha.
    const auto expected = verdict(raw_image(straight.format, bytes, kWidth, kHeight));
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
      for (std::size_t c = i; c < i + 3; ++c)
        bytes[c] = static_cast<std::uint8_t>((bytes[c] * bytes[i + 3] + 127) / 255);
    }
    EXPECT_EQ(verdict(raw_image(premultiplied.format, bytes, kWidth, kHeight)), expected);
    EXPECT_NE(verdict(raw_image(straight.format, bytes, kWidth, kHeight)), expected);
  }
}

// Colours larger than alpha are no sound image, and no reason to wrap around.
TEST_F(CapiPixels, PremultipliedColoursBeyondAlphaAreWhite) {
  const ByteString white(static_cast<std::size_t>(kWidth * kHeight * 3), 255);
  ByteString unsound(static_cast<std::size_t>(kWidth * kHeight * 4), 255);
  for (std::size_t i = 3; i < unsound.size(); i += 4) unsound[i] = 100;
  EXPECT_EQ(verdict(raw_image(CATDOG_FORMAT_RGBA8_PREMULTIPLIED, unsound, kWidth, kHeight)),
            verdict(raw_image(CATDOG_FORMAT_RGB8, white, kWidth, kHeight)));
}

TEST_F(CapiPixels, RowsThatDoNotFitAreRefused) {
  const std::uint64_t bytes_per_row = std::uint64_t{kWidth} * 3;
  catdog_image image = raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, kWidth, kHeight);
  image.row_stride = bytes_per_row - 1;
  refused(image);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("stride"));
  image.row_stride = bytes_per_row + 1;
  refused(image);  // The last row ends behind the data.
  image.row_stride = 0;
  image.data_size = scene_.rgb.size() - 1;
  refused(image);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("too few"));
  image.data_size = 0;
  refused(image);
}

TEST_F(CapiPixels, TheLastRowNeedsNoPadding) {
  // convert() gives none; one byte less is too few.
  const ByteString bytes = convert(scene_, kColourLayouts[0], 10);
  catdog_image image = raw_image(CATDOG_FORMAT_RGB8, bytes, kWidth, kHeight, kWidth * 3 + 10);
  EXPECT_EQ(verdict(image).size(), 2U);
  image.data_size -= 1;
  refused(image);
}

TEST_F(CapiPixels, SidesOutOfRangeAreRefused) {
  for (const int side : {0, -1, std::numeric_limits<int>::min()}) {
    refused(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, side, kHeight));
    refused(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, kWidth, side));
  }
  const int most = std::numeric_limits<int>::max();
  refused(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, most, most), CATDOG_ERROR_LIMIT);
  refused(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, 16385, 1), CATDOG_ERROR_LIMIT);
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_MAX_PIXELS, kWidth * kHeight - 1), CATDOG_OK);
  EXPECT_EQ(
      classify(result_, open_model({}, options.get()), raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, kWidth, kHeight)),
      CATDOG_ERROR_LIMIT);
}

TEST_F(CapiPixels, SizesThatOverflowAreRefused) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t stride : {most, most - 1, most / 2 + 1, most / (kHeight - 1) + 1, std::uint64_t{1} << 63}) {
    refused(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, kWidth, kHeight, stride));
    // Nothing is multiplied for a single row.
    EXPECT_EQ(verdict(raw_image(CATDOG_FORMAT_RGB8, scene_.rgb, kWidth, 1, stride)).size(), 2U);
  }
}

TEST_F(CapiPixels, HugeSidesOverflowNothingWithoutLimits) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_MAX_SIDE, 65535), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_MAX_PIXELS, std::numeric_limits<std::int64_t>::max()),
            CATDOG_OK);
  classifier_ = open_model({}, options.get());
  refused(raw_image(CATDOG_FORMAT_RGBA8, scene_.rgb, 65535, 65535));
  refused(raw_image(CATDOG_FORMAT_RGBA8, scene_.rgb, 65535, 65535, std::uint64_t{1} << 63));
}

TEST_F(CapiPixels, OnePixelIsAnImage) {
  const ByteString red{255, 0, 0};
  EXPECT_EQ(verdict(raw_image(CATDOG_FORMAT_RGB8, red, 1, 1)).size(), 2U);
}

TEST_F(CapiPixels, TheCallersPixelsAreNotTouched) {
  ByteString bytes = scene_.rgb;
  verdict(raw_image(CATDOG_FORMAT_RGB8, bytes, kWidth, kHeight));
  EXPECT_EQ(bytes, scene_.rgb);
}

}  // namespace
}  // namespace catdog::test_support
