// SPDX-License-Identifier: Apache-2.0
#include "image/preprocess.hpp"

#include <algorithm>
#include <bit>
#include <opencv2/imgproc.hpp>

#include "image/opencv.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

Size transposed(Size size) { return {size.height, size.width}; }

Image resize_step(const Image& from, Size size, int interpolation) {
  if (from.size() == size) {
    return from;
  }
  Image to(size, from.format());
  cv::resize(mat_of(from), mat_of(to), cv::Size(size.width, size.height), 0, 0, interpolation);
  return to;
}

// Averages over the area on an axis that shrinks, interpolates on one that grows. OpenCV's INTER_AREA interpolates on
// both as soon as one grows, hence two steps then.
Image squash(const Image& from, Size size) {
  const Size shrunk{std::min(size.width, from.size().width), std::min(size.height, from.size().height)};
  return resize_step(resize_step(from, shrunk, cv::INTER_AREA), size, cv::INTER_LINEAR);
}

// Resizes first: what is then to be converted is small.
Image squash_to_rgb(const DecodedImage& image, Size size) {
  Image pixels = squash(image.pixels, size);
  if (pixels.format() == PixelFormat::rgb8) return pixels;
  if (image.chroma[0].empty()) return convert_to_rgb(pixels);
  const Image second = image.chroma[1].empty() ? Image() : squash(image.chroma[1], size);
  return convert_to_rgb(pixels, squash(image.chroma[0], size), second);
}

Image orient(const Image& stored, Orientation orientation) {
  Image turned = stored;
  if (orientation >= 5) {
    turned = Image(transposed(stored.size()));
    cv::transpose(mat_of(stored), mat_of(turned));
  }
  // What is left to do after the transposition of 5..8: nothing, flip across x, across both, across y.
  constexpr int kNone = 2;
  constexpr std::array<int, 9> kFlip{kNone, kNone, 1, -1, 0, kNone, 1, -1, 0};
  const int flip = kFlip.at(static_cast<std::size_t>(orientation));
  if (flip == kNone) {
    return turned;
  }
  Image flipped(turned.size());
  cv::flip(mat_of(turned), mat_of(flipped), flip);
  return flipped;
}

template <typename Element>
Element to_element(float value) {
  if constexpr (sizeof(Element) == sizeof(float)) {
    return value;
  } else {  // bfloat16, round to nearest even. Finite: the model's mean and deviation are checked.
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<Element>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
  }
}

// A table of 256 values a channel is exact for every type and cheaper than the arithmetic.
template <typename Element>
void fill(const Image& rgb, const InputSpec& spec, const InputTensor& out) {
  std::array<std::array<Element, 256>, 3> table;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      table[c][value] = to_element<Element>((static_cast<float>(value) / 255.0F - spec.mean[c]) / spec.std_dev[c]);
    }
  }
  auto* data = static_cast<Element*>(out.data);
  const std::size_t first = spec.rgb ? 0 : 2;
  const auto width = static_cast<std::size_t>(out.width);
  const std::size_t plane = width * static_cast<std::size_t>(out.height);
  for (int y = 0; y < out.height; ++y) {
    const auto* pixel = rgb.row(y);
    const std::size_t row = static_cast<std::size_t>(y) * width;
    if (out.layout == Layout::nhwc) {
      Element* to = data + 3 * row;
      for (std::size_t x = 0; x < width; ++x, pixel += 3, to += 3) {
        to[0] = table[0][pixel[first]];
        to[1] = table[1][pixel[1]];
        to[2] = table[2][pixel[2 - first]];
      }
    } else {
      for (std::size_t x = 0; x < width; ++x, pixel += 3) {
        data[row + x] = table[0][pixel[first]];
        data[plane + row + x] = table[1][pixel[1]];
        data[2 * plane + row + x] = table[2][pixel[2 - first]];
      }
    }
  }
}

}  // namespace

Image resize_and_orient(const DecodedImage& image, Size target) {
  if (image.pixels.empty() || target.width <= 0 || target.height <= 0 || image.orientation < 1 ||
      image.orientation > 8) {
    throw Failure(Status::internal, "resize_and_orient() needs pixels, a size and an orientation of 1..8");
  }
  return guard_opencv([&] {
    return orient(squash_to_rgb(image, image.orientation >= 5 ? transposed(target) : target), image.orientation);
  });
}

void normalise(const Image& rgb, const InputSpec& spec, const InputTensor& out) {
  if (rgb.format() != PixelFormat::rgb8 || rgb.size() != Size{out.width, out.height} || out.data == nullptr) {
    throw Failure(Status::internal, "normalise() needs RGB pixels of the tensor's size");
  }
  switch (out.type) {
    case ElementType::float32: fill<float>(rgb, spec, out); break;
    case ElementType::bfloat16: fill<std::uint16_t>(rgb, spec, out); break;
  }
}

}  // namespace catdog::core
