// SPDX-License-Identifier: Apache-2.0
// What cameras and detectors hand over: video formats, a region, a rotation. Each against the same image made by hand.
#include <cmath>
#include <functional>
#include <limits>

#include "capi/image_fixture.hpp"

namespace catdog::test_support {
namespace {

using testing::HasSubstr;

// A scene of colours that are the same in each 2×2 pixels: video keeps all of it.
Pixels make_blocks(int width, int height) {
  Pixels scene = make_scene(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto at = [&](int column, int row) {
        return scene.rgb.begin() + std::ptrdiff_t{3} * (row * width + column);
      };
      std::copy_n(at(x / 2 * 2, y / 2 * 2), 3, at(x, y));
    }
  }
  return scene;
}

struct Planes {
  ByteString luma, u, v;
};

// ITU-R BT.601 with luma from 16 to 235.
Planes to_video(const Pixels& scene) {
  Planes planes;
  const auto byte = [](double value) { return static_cast<std::uint8_t>(std::lround(value)); };
  for (int y = 0; y < scene.height; ++y) {
    for (int x = 0; x < scene.width; ++x) {
      const std::uint8_t* rgb = &scene.rgb[static_cast<std::size_t>(3 * (y * scene.width + x))];
      const double grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
      planes.luma.push_back(byte(16 + grey * 219 / 255));
      if (x % 2 != 0 || y % 2 != 0) continue;
      planes.u.push_back(byte(128 + (rgb[2] - grey) / 1.772 * 224 / 255));
      planes.v.push_back(byte(128 + (rgb[0] - grey) / 1.402 * 224 / 255));
    }
  }
  return planes;
}

// And back: what a viewer shows.
Pixels to_rgb(const Planes& planes, int width, int height) {
  Pixels scene{width, height, {}};
  const auto byte = [](double value) { return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto block = static_cast<std::size_t>(y / 2 * ((width + 1) / 2) + x / 2);
      const double grey = (planes.luma[static_cast<std::size_t>(y * width + x)] - 16) * 255.0 / 219;
      const double blue = (planes.u[block] - 128) * 255.0 / 224;
      const double red = (planes.v[block] - 128) * 255.0 / 224;
      scene.rgb.insert(scene.rgb.end(), {byte(grey + 1.402 * red), byte(grey - 0.344136 * blue - 0.714136 * red),
                                         byte(grey + 1.772 * blue)});
    }
  }
  return scene;
}

ByteString interleaved(const ByteString& first, const ByteString& second) {
  ByteString both;
  for (std::size_t i = 0; i < first.size(); ++i) both.insert(both.end(), {first[i], second[i]});
  return both;
}

ByteString joined(ByteString first, const ByteString& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Rows of `row` bytes, each followed by `padding` bytes that must not be looked at.
ByteString padded(const ByteString& rows, std::size_t row, std::size_t padding) {
  ByteString result;
  for (std::size_t i = 0; i < rows.size(); i += row) {
    result.insert(result.end(), rows.begin() + static_cast<std::ptrdiff_t>(i),
                  rows.begin() + static_cast<std::ptrdiff_t>(i + row));
    result.insert(result.end(), padding, static_cast<std::uint8_t>(0x5A + i));
  }
  return result;
}

Pixels cut(const Pixels& scene, int x, int y, int width, int height) {
  Pixels part{width, height, {}};
  for (int row = y; row < y + height; ++row) {
    const auto from = scene.rgb.begin() + std::ptrdiff_t{3} * (row * scene.width + x);
    part.rgb.insert(part.rgb.end(), from, from + std::ptrdiff_t{3} * width);
  }
  return part;
}

Pixels turned_clockwise(const Pixels& scene) {
  Pixels turned{scene.height, scene.width, {}};
  for (int y = 0; y < turned.height; ++y) {
    for (int x = 0; x < turned.width; ++x) {
      const auto from = scene.rgb.begin() + std::ptrdiff_t{3} * ((scene.height - 1 - x) * scene.width + y);
      turned.rgb.insert(turned.rgb.end(), from, from + 3);
    }
  }
  return turned;
}

class CapiFrames : public CapiImageTest {
 protected:
  using CapiImageTest::verdict;
  std::vector<double> verdict(const Pixels& scene) {
    return verdict(raw_image(CATDOG_FORMAT_RGB8, scene.rgb, scene.width, scene.height));
  }
  // Rounding to 8 bits at another place moves a probability by this at most.
  void expect_near(const catdog_image& image, const std::vector<double>& expected, double tolerance = 0.007) {
    const std::vector<double> got = verdict(image);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance);
  }
  void refused(const std::string& why, const catdog_image& image) {
    CapiImageTest::refused(image);
    EXPECT_THAT(catdog_last_error(), HasSubstr(why));
  }
};

TEST_F(CapiFrames, VideoIsTheSameAsItsRgb) {
  // Even and odd sides: the last chroma of an odd row stands for one pixel. No plane is below the model's 32×32, where
  // colours would be interpolated.
  for (const auto& [width, height] : {std::pair{128, 96}, {129, 96}, {128, 95}, {65, 65}, {64, 64}}) {
    const Pixels scene = make_blocks(width, height);
    const Planes planes = to_video(scene);
    const auto expected = verdict(to_rgb(planes, width, height));
    const auto& [luma, u, v] = planes;
    const ByteString nv12 = joined(luma, interleaved(u, v));
    const ByteString nv21 = joined(luma, interleaved(v, u));
    const ByteString i420 = joined(joined(luma, u), v);
    // Where a side is odd, the chroma covers a pixel more than the luma.
    const double tolerance = width % 2 + height % 2 == 0 ? 0.007 : 0.02;
    expect_near(raw_image(CATDOG_FORMAT_NV12, nv12, width, height), expected, tolerance);
    EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_WIDTH), width);
    EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_HEIGHT), height);
    expect_near(raw_image(CATDOG_FORMAT_NV21, nv21, width, height), expected, tolerance);
    expect_near(raw_image(CATDOG_FORMAT_I420, i420, width, height), expected, tolerance);
    // The other order is another image.
    EXPECT_GT(std::abs(verdict(raw_image(CATDOG_FORMAT_NV12, nv21, width, height))[0] - expected[0]), 0.03);
  }
}

TEST_F(CapiFrames, PlanesLieWhereTheCallerSays) {
  const Pixels scene = make_blocks(33, 21);
  const auto [luma, u, v] = to_video(scene);
  const ByteString whole = joined(luma, interleaved(u, v));
  const auto expected = verdict(raw_image(CATDOG_FORMAT_NV12, whole, 33, 21));

  const ByteString padded_luma = padded(luma, 33, 31);
  const ByteString chroma = padded(interleaved(u, v), 34, 6);
  catdog_image nv12 = raw_image(CATDOG_FORMAT_NV12, padded_luma, 33, 21, 64);
  nv12.chroma[0] = chroma.data();
  nv12.chroma_size[0] = chroma.size() - 6;
  nv12.chroma_stride[0] = 40;
  EXPECT_EQ(verdict(nv12), expected);

  const ByteString packed = interleaved(u, v);
  nv12.chroma[0] = packed.data();
  nv12.chroma_size[0] = packed.size();
  nv12.chroma_stride[0] = 0;
  EXPECT_EQ(verdict(nv12), expected);

  const ByteString padded_v = padded(v, 17, 3);
  catdog_image i420 = raw_image(CATDOG_FORMAT_I420, padded_luma, 33, 21, 64);
  i420.chroma[0] = u.data();
  i420.chroma_size[0] = u.size();
  i420.chroma[1] = padded_v.data();
  i420.chroma_size[1] = padded_v.size();
  i420.chroma_stride[1] = 20;
  EXPECT_EQ(verdict(i420), expected);
}

TEST_F(CapiFrames, PlanesThatFollowTheLumaHaveItsStride) {
  const Pixels scene = make_blocks(64, 66);
  const Planes planes = to_video(scene);
  const auto expected = verdict(to_rgb(planes, 64, 66));
  const auto& [luma, u, v] = planes;
  const ByteString padded_luma = padded(luma, 64, 9);  // An odd stride: that of the chroma is rounded up.
  const ByteString nv12 = joined(padded_luma, padded(interleaved(u, v), 64, 10));
  expect_near(raw_image(CATDOG_FORMAT_NV12, nv12, 64, 66, 73), expected);
  const ByteString i420 = joined(joined(padded_luma, padded(u, 32, 5)), padded(v, 32, 5));
  expect_near(raw_image(CATDOG_FORMAT_I420, i420, 64, 66, 73), expected);
}

TEST_F(CapiFrames, PlanesTooSmallAreRefused) {
  const ByteString bytes(33 * 21 * 2);
  const auto refused_with = [&](const std::string& why, const std::function<void(catdog_image&)>& change,
                                catdog_format format = CATDOG_FORMAT_NV12) {
    catdog_image image = raw_image(format, bytes, 33, 21);
    change(image);
    refused(why, image);
  };
  constexpr std::uint64_t kNv12 = 33 * 21 + 34 * 11;
  EXPECT_EQ(verdict(raw_image(CATDOG_FORMAT_NV12, ByteString(kNv12), 33, 21)).size(), 2U);
  EXPECT_EQ(verdict(raw_image(CATDOG_FORMAT_I420, ByteString(kNv12), 33, 21)).size(), 2U);
  refused_with("chroma plane's", [&](catdog_image& image) { image.data_size = kNv12 - 1; });
  refused_with(
      "second chroma plane's", [&](catdog_image& image) { image.data_size = kNv12 - 1; }, CATDOG_FORMAT_I420);
  refused_with("chroma plane's", [&](catdog_image& image) { image.data_size = 33 * 21; });
  refused_with("too few", [&](catdog_image& image) { image.data_size = 33 * 21 - 1; });
  const auto set_chroma = [&](catdog_image& image, std::uint64_t size, std::uint64_t stride) {
    image.chroma[0] = bytes.data();
    image.chroma_size[0] = size;
    image.chroma_stride[0] = stride;
  };
  refused_with("too few", [&](catdog_image& image) { set_chroma(image, 34 * 11 - 1, 0); });
  refused_with("stride", [&](catdog_image& image) { set_chroma(image, bytes.size(), 33); });
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t stride : {kMost, kMost / 2 + 1, kMost / 10 + 1}) {
    refused_with("too few", [&](catdog_image& image) { set_chroma(image, bytes.size(), stride); });
    refused_with("too few", [&](catdog_image& image) { image.row_stride = stride; });
    refused_with("chroma plane", [&](catdog_image& image) {
      image.height = 1;  // Whatever the stride, one row of luma fits. No plane follows it.
      image.row_stride = stride;
    });
  }
}

TEST_F(CapiFrames, PlanesThatMakeNoSenseAreRefused) {
  const ByteString bytes(33 * 21 * 3);
  const auto refused_with = [&](const std::string& why, catdog_format format,
                                const std::function<void(catdog_image&)>& change) {
    catdog_image image = format == CATDOG_FORMAT_ENCODED ? encoded_image(bytes) : raw_image(format, bytes, 33, 21);
    change(image);
    refused(why, image);
  };
  for (const catdog_format format : {CATDOG_FORMAT_ENCODED, CATDOG_FORMAT_RGB8}) {
    refused_with("chroma[0] must be NULL", format, [&](catdog_image& image) { image.chroma[0] = bytes.data(); });
  }
  refused_with("chroma[1] must be NULL", CATDOG_FORMAT_NV21,
               [&](catdog_image& image) { image.chroma[1] = bytes.data(); });
  refused_with("chroma[0] is NULL", CATDOG_FORMAT_NV12, [](catdog_image& image) { image.chroma_size[0] = 1; });
  refused_with("chroma[1] is NULL", CATDOG_FORMAT_I420, [](catdog_image& image) { image.chroma_stride[1] = 1; });
  refused_with("both planes", CATDOG_FORMAT_I420, [&](catdog_image& image) { image.chroma[0] = bytes.data(); });
  refused_with("both planes", CATDOG_FORMAT_I420, [&](catdog_image& image) { image.chroma[1] = bytes.data(); });
}

void set_region(catdog_image& image, int x, int y, int width, int height) {
  image.region_x = x;
  image.region_y = y;
  image.region_width = width;
  image.region_height = height;
}

TEST_F(CapiFrames, ARegionIsTheSameAsTheImageCutByHand) {
  const Pixels scene = make_scene(60, 40);
  for (const auto& [x, y, width, height] :
       {std::array{0, 0, 60, 40}, {7, 3, 30, 21}, {59, 39, 1, 1}, {0, 20, 60, 20}, {30, 0, 30, 40}}) {
    const Pixels part = cut(scene, x, y, width, height);
    catdog_image image = raw_image(CATDOG_FORMAT_RGB8, scene.rgb, 60, 40);
    set_region(image, x, y, width, height);
    EXPECT_EQ(verdict(image), verdict(part)) << x << ' ' << y;
    verdict(image);
    EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_WIDTH), width);
    EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_HEIGHT), height);
  }
  EXPECT_NE(verdict(cut(scene, 0, 0, 30, 20)), verdict(cut(scene, 30, 20, 30, 20)));
}

TEST_F(CapiFrames, ARegionOfVideoIsTheSameAsTheImageCutByHand) {
  const Pixels scene = make_blocks(160, 120);
  const Planes planes = to_video(scene);
  const Pixels shown = to_rgb(planes, 160, 120);
  const ByteString nv12 = joined(planes.luma, interleaved(planes.u, planes.v));
  catdog_image image = raw_image(CATDOG_FORMAT_NV12, nv12, 160, 120);
  for (const auto& [x, y, width, height] :
       {std::array{0, 0, 160, 120}, {8, 4, 64, 70}, {96, 56, 64, 64}, {10, 20, 140, 98}}) {
    set_region(image, x, y, width, height);
    expect_near(image, verdict(cut(shown, x, y, width, height)));
  }
  set_region(image, 159, 119, 1, 1);  // Half a pixel of chroma.
  expect_near(image, verdict(cut(shown, 159, 119, 1, 1)));
}

TEST_F(CapiFrames, RegionsOutsideTheImageAreRefused) {
  const Pixels scene = make_scene(60, 40);
  constexpr int kMost = std::numeric_limits<int>::max();
  constexpr int kLeast = std::numeric_limits<int>::min();
  for (const auto& [x, y, width, height] : {std::array{1, 0, 60, 40},
                                            {0, 1, 60, 40},
                                            {-1, 0, 10, 10},
                                            {0, -1, 10, 10},
                                            {0, 0, 0, 10},
                                            {0, 0, 10, 0},
                                            {0, 0, -1, 10},
                                            {60, 0, 1, 1},
                                            {kMost, 0, kMost, 1},
                                            {0, kMost, 1, kMost},
                                            {kLeast, kLeast, kMost, kMost},
                                            {5, 5, 0, 0},
                                            {kLeast, 0, kLeast, 1}}) {
    catdog_image image = raw_image(CATDOG_FORMAT_RGB8, scene.rgb, 60, 40);
    set_region(image, x, y, width, height);
    refused("region", image);
  }
}

TEST_F(CapiFrames, ARotationIsTheSameAsTheImageTurnedByHand) {
  const Pixels scene = make_scene(60, 40);
  Pixels turned = scene;
  for (const std::uint32_t degrees : {0U, 90U, 180U, 270U}) {
    catdog_image image = raw_image(CATDOG_FORMAT_RGB8, scene.rgb, 60, 40);
    image.rotation = degrees;
    expect_near(image, verdict(turned));
    verdict(image);
    EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_WIDTH), turned.width);
    EXPECT_EQ(catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_HEIGHT), turned.height);
    turned = turned_clockwise(turned);
    // No two rotations look alike to this model.
    EXPECT_GT(std::abs(verdict(image)[0] - verdict(turned)[0]), 0.014) << degrees;
  }
}

TEST_F(CapiFrames, TheRegionIsCutBeforeItIsTurned) {
  const Pixels scene = make_scene(60, 40);
  catdog_image image = raw_image(CATDOG_FORMAT_RGB8, scene.rgb, 60, 40);
  set_region(image, 20, 5, 31, 15);
  image.rotation = 90;
  expect_near(image, verdict(turned_clockwise(cut(scene, 20, 5, 31, 15))));
}

TEST_F(CapiFrames, OtherRotationsAreRefused) {
  const Pixels scene = make_scene(60, 40);
  for (const std::uint32_t degrees : {1U, 45U, 360U, std::numeric_limits<std::uint32_t>::max()}) {
    catdog_image image = raw_image(CATDOG_FORMAT_RGB8, scene.rgb, 60, 40);
    image.rotation = degrees;
    refused("rotation", image);
  }
}

TEST_F(CapiFrames, AnEncodedImageIsTurnedByItsExifAlone) {
  const ByteString png = encode_png(make_scene(60, 40));
  catdog_image image = encoded_image(png);
  image.rotation = 90;
  refused("encoded", image);
  image.rotation = 0;
  set_region(image, 0, 0, 10, 10);
  refused("encoded", image);
}

}  // namespace
}  // namespace catdog::test_support
