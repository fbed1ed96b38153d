// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "outcome.hpp"

namespace catdog::test_support {
namespace {

using core::Size;

Size decoded_size(const ByteString& jpeg, Size at_least) {
  const core::DecodedImage image = core::decode_image(jpeg, at_least, {});
  EXPECT_EQ(image.format, core::ImageFormat::jpeg);
  return image.pixels.size();
}

void expect_size(Size actual, int width, int height) {
  EXPECT_EQ(actual.width, width);
  EXPECT_EQ(actual.height, height);
}

TEST(ScaledDecode, NeverGoesBelowWhatIsNeeded) {
  const ByteString jpeg = encode_jpeg(make_scene(801, 402));
  expect_size(decoded_size(jpeg, kFullSize), 801, 402);
  expect_size(decoded_size(jpeg, {402, 100}), 801, 402);
  expect_size(decoded_size(jpeg, {401, 201}), 401, 201);
  expect_size(decoded_size(jpeg, {101, 101}), 201, 101);
  expect_size(decoded_size(jpeg, {101, 51}), 101, 51);
  expect_size(decoded_size(jpeg, {1, 1}), 101, 51);
  expect_size(decoded_size(jpeg, {5000, 1}), 801, 402);
}

TEST(ScaledDecode, CountsInDisplayedOrientation) {
  const ByteString jpeg = encode_jpeg(make_scene(800, 160), {.orientation = 6});
  expect_size(decoded_size(jpeg, {80, 400}), 400, 80);
  expect_size(decoded_size(jpeg, {81, 100}), 800, 160);
  const core::DecodedImage image = core::decode_image(jpeg, {80, 400}, {});
  expect_size(image.stored_size, 800, 160);
  expect_size(image.displayed_size(), 160, 800);
}

}  // namespace
}  // namespace catdog::test_support
