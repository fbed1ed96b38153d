// SPDX-License-Identifier: Apache-2.0
// Pixels → model input: resize, orient, normalise. Shared by inference and training so that both see the same numbers.
#pragma once

#include <array>
#include <cstdint>

#include "image/decode.hpp"

namespace catdog::core {

// How the image becomes the model's input. Read from catdog.json ("input").
struct InputSpec {
  int width = 0;
  int height = 0;
  bool rgb = true;                                    // false: BGR channel order.
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};  // In the channel order above, for pixels scaled to 0..1.
  std::array<float, 3> std_dev{0.229F, 0.224F, 0.225F};
};

enum class ElementType : std::uint8_t { float32, bfloat16 };
enum class Layout : std::uint8_t { nchw, nhwc };

// Memory of one model input (N = 1, C = 3) that an engine owns.
struct InputTensor {
  void* data = nullptr;
  ElementType type = ElementType::float32;
  Layout layout = Layout::nhwc;
  int height = 0;
  int width = 0;
};

// Squash resize to width × height (area when shrinking, bilinear when growing; per axis as cv::INTER_AREA /
// INTER_LINEAR), conversion to rgb8, and orientation. Where there is nothing to do, the result shares the image's
// pixels. Stays on the calling thread up to 256 × 256.
Image resize_and_orient(const DecodedImage& image, Size target);

// (pixel / 255 - mean) / std for each channel of an rgb8 image of exactly the tensor's size, in the tensor's
// type and layout.
void normalise(const Image& rgb, const InputSpec& spec, const InputTensor& out);

}  // namespace catdog::core
