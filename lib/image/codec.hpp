// SPDX-License-Identifier: Apache-2.0
// What the codecs share. Each takes bytes that sniff_format() gave to it, checks the header against the limits, then
// decodes to 8-bit RGB.
#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "image/image.hpp"

namespace catdog::core {

using Bytes = std::span<const std::uint8_t>;

DecodedImage decode_jpeg(Bytes bytes, Size at_least, const ImageLimits& limits);
DecodedImage decode_png(Bytes bytes, const ImageLimits& limits);
DecodedImage decode_webp(Bytes bytes, const ImageLimits& limits);
DecodedImage decode_gif(Bytes bytes, const ImageLimits& limits);
#ifdef CATDOG_WITH_IMGCODECS
DecodedImage decode_other(Bytes bytes, const ImageLimits& limits);
#endif

// Throws Failure(limit) when an image of that size is not to be decoded, Failure(corrupt) when it has no pixels.
void check_size(std::uint64_t width, std::uint64_t height, const ImageLimits& limits);

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
