// SPDX-License-Identifier: Apache-2.0
// The first frame of odd GIF files, where browsers and Pillow agree on it.
#include <gtest/gtest.h>

#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::Status;

core::Image frame_of(const GifOptions& options) { return core::decode_image(make_gif(options), kFullSize, {}).pixels; }

void expect_same(const core::Image& actual, const core::Image& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  EXPECT_EQ(values_of(actual), values_of(expected));
}

// A view of a part.
core::Image part_of(const core::Image& rgb, int x, int y, core::Size size) {
  return {rgb.row(y) + 3 * x, size, rgb.stride(), rgb.format()};
}

using Colour = std::vector<int>;
Colour at(const core::Image& rgb, int x, int y) { return values_of(part_of(rgb, x, y, {1, 1})); }
const Colour kWhite{255, 255, 255};

TEST(Gif, FrameLargerThanItsScreenIsShownWhole) {
  const core::Image whole = frame_of({.screen_width = 30, .screen_height = 20, .width = 30, .height = 20});
  EXPECT_EQ(at(whole, 0, 0), (Colour{200, 10, 20}));
  EXPECT_EQ(at(whole, 3, 0), (Colour{30, 210, 40}));
  const core::Size screens[] = {{0, 0}, {1, 1}, {30, 0}, {0, 20}, {7, 20}, {30, 5}};
  for (const core::Size screen : screens) {
    SCOPED_TRACE(screen.width);
    for (const bool interlaced : {false, true}) {
      const GifOptions options{.screen_width = screen.width,
                               .screen_height = screen.height,
                               .width = 30,
                               .height = 20,
                               .interlaced = interlaced};
      GifOptions fitting = options;
      fitting.screen_width = 30;
      fitting.screen_height = 20;
      expect_same(frame_of(options), frame_of(fitting));
    }
  }
}

TEST(Gif, FrameThatLeavesItsScreenMakesItLarger) {
  const core::Image image =
      frame_of({.screen_width = 10, .screen_height = 10, .left = 8, .top = 9, .width = 6, .height = 5});
  EXPECT_EQ(image.size(), (core::Size{14, 14}));
  const core::Image frame = frame_of({.width = 6, .height = 5});
  expect_same(part_of(image, 8, 9, {6, 5}), frame);
  EXPECT_EQ(at(image, 0, 0), kWhite);
  EXPECT_EQ(at(image, 13, 0), kWhite);
}

TEST(Gif, FrameSmallerThanItsScreenStaysInItsPlace) {
  const core::Image image =
      frame_of({.screen_width = 40, .screen_height = 30, .left = 8, .top = 9, .width = 6, .height = 5});
  EXPECT_EQ(image.size(), (core::Size{40, 30}));
  expect_same(part_of(image, 8, 9, {6, 5}), frame_of({.width = 6, .height = 5}));
  EXPECT_EQ(at(image, 39, 29), kWhite);
}

TEST(Gif, TransparentPixelsAreWhite) {
  const core::Image image = frame_of({.width = 30, .height = 20, .transparent = 0});
  EXPECT_EQ(at(image, 0, 0), kWhite);
  EXPECT_EQ(at(image, 3, 0), (Colour{30, 210, 40}));
}

TEST(Gif, NothingNeedsToFollowTheFrame) {
  ByteString gif = make_gif({.width = 30, .height = 20});
  gif.resize(gif.size() - 2);  // The end of its data and of the file.
  expect_same(core::decode_image(gif, kFullSize, {}).pixels, frame_of({.width = 30, .height = 20}));
  gif.resize(gif.size() - 20);
  EXPECT_EQ(decode_outcome(gif).status, Status::corrupt);
}

TEST(Gif, FarAwayFrameIsALimit) {
  EXPECT_EQ(decode_outcome(make_gif({.left = 60'000, .width = 6, .height = 5})).status, Status::limit);
}

TEST(Gif, FrameWithoutPixelsOrColoursIsCorrupt) {
  EXPECT_EQ(decode_outcome(make_gif({.screen_width = 9, .screen_height = 9})).status, Status::corrupt);
  EXPECT_EQ(decode_outcome(make_gif({.width = 6, .height = 5, .palette = false})).status, Status::corrupt);
}

}  // namespace
}  // namespace catdog::test_support
