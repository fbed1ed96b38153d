// SPDX-License-Identifier: Apache-2.0
// Pixels in memory: what the codecs make, and what preprocessing and training take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace catdog::core {

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

constexpr std::uint64_t pixels_of(Size size) {
  return static_cast<std::uint64_t>(size.width) * static_cast<std::uint64_t>(size.height);
}

enum class PixelFormat : std::uint8_t {
  gray8,
  rgb8,
  bgr8,
  rgba8,
  bgra8,
  rgbx8,
  bgrx8,
  rgba8_premultiplied,
  bgra8_premultiplied,
  nv12,  // These three: the plane of luma. The planes of chroma are images of their own.
  nv21,
  i420,
  chroma8  // U and V of nv12, V and U of nv21: two bytes for four pixels.
};

// Of the first plane. Throws Failure(invalid_argument) for a number that is no format.
std::size_t bytes_per_pixel(PixelFormat format);

// Rows of pixels, either its own or a view of the caller's memory. Copies share them.
class Image {
 public:
  Image() = default;
  // New pixels, not initialised, without a gap between the rows. Throws Failure(out_of_memory).
  explicit Image(Size size, PixelFormat format = PixelFormat::rgb8);
  // A view of pixels that outlive it and its copies. Nobody writes to a view.
  Image(const std::uint8_t* pixels, Size size, std::size_t stride, PixelFormat format);

  bool empty() const { return pixels_ == nullptr; }
  Size size() const { return size_; }
  std::size_t stride() const { return stride_; }  // Bytes from one row to the next.
  PixelFormat format() const { return format_; }
  std::uint8_t* row(int y) { return pixels_ + static_cast<std::size_t>(y) * stride_; }
  const std::uint8_t* row(int y) const { return pixels_ + static_cast<std::size_t>(y) * stride_; }
  // A view of a part that lies within. Shares the pixels, as a copy does.
  Image part(int x, int y, Size size) const;

 private:
  std::shared_ptr<std::uint8_t[]> memory_;  // Null for a view.
  std::uint8_t* pixels_ = nullptr;
  Size size_;
  std::size_t stride_ = 0;
  PixelFormat format_ = PixelFormat::rgb8;
};

// One row of RGBA or BGRA (red_index 0 or 2) over white.
void blend_over_white(const std::uint8_t* rgba, int red_index, std::size_t pixels, std::uint8_t* rgb);

// Whether no pixel is transparent. For formats with four bytes a pixel.
bool is_opaque(const Image& image);

// The same pixels as rgb8, over white where they are transparent. Throws Failure(out_of_memory).
Image convert_to_rgb(const Image& image);

// The same for planes of one size: ITU-R BT.601 with luma from 16 to 235, as OpenCV and libyuv read cameras. `second`
// is the plane of V of i420.
Image convert_to_rgb(const Image& luma, const Image& chroma, const Image& second);

}  // namespace catdog::core
