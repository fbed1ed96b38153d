// SPDX-License-Identifier: Apache-2.0
// Own loops instead of cv::cvtColor: that one starts threads for large images.
#include "image/image.hpp"

#include <algorithm>
#include <new>
#include <string>

#include "status.hpp"

namespace catdog::core {
namespace {

// A fourth byte is dropped.
void reorder(const std::uint8_t* from, std::size_t bytes, std::size_t red_index, std::size_t pixels,
             std::uint8_t* rgb) {
  for (std::size_t x = 0; x < pixels; ++x, from += bytes, rgb += 3) {
    rgb[0] = from[red_index];
    rgb[1] = from[1];
    rgb[2] = from[2 - red_index];
  }
}

// As blend_over_white(), for colours that are already multiplied by alpha. None is larger than alpha, in a sound image.
void add_white(const std::uint8_t* from, std::size_t red_index, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t x = 0; x < pixels; ++x, from += 4, rgb += 3) {
    const int white = 255 - from[3];
    rgb[0] = static_cast<std::uint8_t>(std::min(255, from[red_index] + white));
    rgb[1] = static_cast<std::uint8_t>(std::min(255, from[1] + white));
    rgb[2] = static_cast<std::uint8_t>(std::min(255, from[2 - red_index] + white));
  }
}

std::uint8_t clamped(int value) { return static_cast<std::uint8_t>(std::clamp(value, 0, 255)); }

void convert_row(PixelFormat format, const std::uint8_t* from, std::size_t pixels, std::uint8_t* rgb) {
  switch (format) {
    case PixelFormat::gray8:
    case PixelFormat::nv12:
    case PixelFormat::nv21:
    case PixelFormat::i420:
    case PixelFormat::chroma8:
      for (std::size_t x = 0; x < pixels; ++x) {
        rgb[3 * x] = rgb[3 * x + 1] = rgb[3 * x + 2] = from[x];
      }
      break;
    case PixelFormat::bgr8: reorder(from, 3, 2, pixels, rgb); break;
    case PixelFormat::rgba8: blend_over_white(from, 0, pixels, rgb); break;
    case PixelFormat::bgra8: blend_over_white(from, 2, pixels, rgb); break;
    case PixelFormat::rgbx8: reorder(from, 4, 0, pixels, rgb); break;
    case PixelFormat::bgrx8: reorder(from, 4, 2, pixels, rgb); break;
    case PixelFormat::rgba8_premultiplied: add_white(from, 0, pixels, rgb); break;
    case PixelFormat::bgra8_premultiplied: add_white(from, 2, pixels, rgb); break;
    case PixelFormat::rgb8: std::copy_n(from, 3 * pixels, rgb); break;
  }
}

}  // namespace

std::size_t bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::gray8:
    case PixelFormat::nv12:
    case PixelFormat::nv21:
    case PixelFormat::i420: return 1;
    case PixelFormat::chroma8: return 2;
    case PixelFormat::rgb8:
    case PixelFormat::bgr8: return 3;
    case PixelFormat::rgba8:
    case PixelFormat::bgra8:
    case PixelFormat::rgbx8:
    case PixelFormat::bgrx8:
    case PixelFormat::rgba8_premultiplied:
    case PixelFormat::bgra8_premultiplied: return 4;
  }
  throw Failure(Status::invalid_argument, "unknown pixel format " + std::to_string(static_cast<int>(format)));
}

Image::Image(Size size, PixelFormat format)
    : size_(size), stride_(static_cast<std::size_t>(size.width) * bytes_per_pixel(format)), format_(format) {
  try {
    memory_ = std::make_shared_for_overwrite<std::uint8_t[]>(stride_ * static_cast<std::size_t>(size.height));
  } catch (const std::bad_alloc&) {
    throw Failure(Status::out_of_memory, "no memory for an image of " + std::to_string(size.width) + "x" +
                                             std::to_string(size.height) + " pixels; lower max_decode_bytes");
  }
  pixels_ = memory_.get();
}

Image::Image(const std::uint8_t* pixels, Size size, std::size_t stride, PixelFormat format)
    : pixels_(const_cast<std::uint8_t*>(pixels)), size_(size), stride_(stride), format_(format) {}

void blend_over_white(const std::uint8_t* rgba, int red_index, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t x = 0; x < pixels; ++x) {
    const std::uint8_t* from = rgba + 4 * x;
    const unsigned alpha = from[3];
    const unsigned white = 255U * (255U - alpha) + 127U;
    rgb[3 * x] = static_cast<std::uint8_t>((from[red_index] * alpha + white) / 255U);
    rgb[3 * x + 1] = static_cast<std::uint8_t>((from[1] * alpha + white) / 255U);
    rgb[3 * x + 2] = static_cast<std::uint8_t>((from[2 - red_index] * alpha + white) / 255U);
  }
}

Image Image::part(int x, int y, Size size) const {
  Image part = *this;
  part.pixels_ += static_cast<std::size_t>(y) * stride_ + static_cast<std::size_t>(x) * bytes_per_pixel(format_);
  part.size_ = size;
  return part;
}

bool is_opaque(const Image& image) {
  for (int y = 0; y < image.size().height; ++y) {
    const std::uint8_t* row = image.row(y);
    std::uint8_t least = 255;  // One comparison a row: compilers make a fast loop of this.
    for (int x = 0; x < image.size().width; ++x) least &= row[4 * x + 3];
    if (least != 255) return false;
  }
  return true;
}

Image convert_to_rgb(const Image& image) {
  Image rgb(image.size());
  for (int y = 0; y < image.size().height; ++y) {
    convert_row(image.format(), image.row(y), static_cast<std::size_t>(image.size().width), rgb.row(y));
  }
  return rgb;
}

Image convert_to_rgb(const Image& luma, const Image& chroma, const Image& second) {
  const bool interleaved = second.empty();
  const std::size_t step = interleaved ? 2 : 1;
  const std::size_t first_is_v = luma.format() == PixelFormat::nv21 ? 1 : 0;
  Image rgb(luma.size());
  for (int y = 0; y < luma.size().height; ++y) {
    const std::uint8_t* from = luma.row(y);
    const std::uint8_t* u = chroma.row(y) + first_is_v;
    const std::uint8_t* v = interleaved ? chroma.row(y) + 1 - first_is_v : second.row(y);
    std::uint8_t* to = rgb.row(y);
    for (int x = 0; x < luma.size().width; ++x, ++from, u += step, v += step, to += 3) {
      // ITU-R BT.601, with factors of 1/256.
      const int grey = 298 * (*from - 16) + 128;
      const int blue_difference = *u - 128;
      const int red_difference = *v - 128;
      to[0] = clamped((grey + 409 * red_difference) >> 8);
      to[1] = clamped((grey - 100 * blue_difference - 208 * red_difference) >> 8);
      to[2] = clamped((grey + 516 * blue_difference) >> 8);
    }
  }
  return rgb;
}

}  // namespace catdog::core
