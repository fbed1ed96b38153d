// SPDX-License-Identifier: Apache-2.0
// What the codecs share. Each takes bytes that sniff_format() gave to it and reads the header; decoding is a step of
// its own, so that the limits are checked before anything of the image's size is allocated.
#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "image/image.hpp"

namespace catdog::core {

using Bytes = std::span<const std::uint8_t>;

// A file whose header was read, and nothing more. It borrows the file's bytes.
class ImageReader {
 public:
  ImageReader() = default;
  virtual ~ImageReader() = default;
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;

  // A size of 0x0: it isn't known before decode().
  const ImageHeader& header() const { return header_; }
  // 8-bit RGB. Once only, and only after the header was checked against the limits.
  virtual cv::Mat decode(const Deadline& deadline) = 0;

 protected:
  ImageHeader header_;
};

std::unique_ptr<ImageReader> open_jpeg(Bytes bytes, Size at_least, const ImageLimits& limits);
std::unique_ptr<ImageReader> open_png(Bytes bytes);
std::unique_ptr<ImageReader> open_webp(Bytes bytes);
std::unique_ptr<ImageReader> open_gif(Bytes bytes);
#ifdef CATDOG_WITH_IMGCODECS
std::unique_ptr<ImageReader> open_other(Bytes bytes, const ImageLimits& limits);
#endif

// Throws Failure(limit) when an image of that size is not to be decoded, Failure(corrupt) when it has no pixels.
void check_size(std::uint64_t width, std::uint64_t height, const ImageLimits& limits);
// Throws Failure(limit) when decoding it would take too many bytes.
void check_cost(const ImageHeader& header, const ImageLimits& limits);

constexpr std::uint64_t pixels_of(Size size) {
  return static_cast<std::uint64_t>(size.width) * static_cast<std::uint64_t>(size.height);
}

// New CV_8UC3 pixels, not initialised. Throws Failure(out_of_memory).
cv::Mat allocate_rgb(Size size);

// One row of RGBA or BGRA (red_index 0 or 2) over white.
void blend_over_white(const std::uint8_t* rgba, int red_index, std::size_t pixels, std::uint8_t* rgb);

// Orientation from a TIFF structure, with or without the "Exif\0\0" before it; 1 when there is none or it is damaged.
Orientation exif_orientation(Bytes exif) noexcept;

// libjpeg and libpng report fatal errors by a function that must not return.
struct Jump {
  std::jmp_buf target;
  std::array<char, 256> message{};
};

// Runs body; false when the codec jumped to jump.target. The frames between here and the jump, body's included, must
// hold nothing that has a destructor.
template <typename Body>
bool run_guarded(Jump& jump, const Body& body) {
  if (setjmp(jump.target) != 0) {  // NOLINT(cert-err52-cpp): the C libraries leave no other way.
    return false;
  }
  body();
  return true;
}

}  // namespace catdog::core
