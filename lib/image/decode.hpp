// SPDX-License-Identifier: Apache-2.0
// Bytes of an image file, or raw pixels → pixels for preprocess.hpp, within limits that are checked before anything is
// allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "image/image.hpp"
#include "runtime/deadline.hpp"

namespace catdog::core {

enum class ImageFormat : std::uint8_t { unknown, jpeg, png, webp, gif, raw, other };

// "jpeg", "png", "webp", "gif", "raw", "other"; "" for unknown. Static storage.
const char* image_format_name(ImageFormat format) noexcept;

struct ImageLimits {
  std::uint64_t max_encoded_bytes = 32ULL << 20;
  std::uint64_t max_pixels = 1ULL << 28;
  std::uint32_t max_side = 16'384;
  std::uint32_t max_scans = 200;
  std::uint64_t max_decode_bytes = 256ULL << 20;
};

// EXIF orientation 1..8 (TIFF 6.0 / EXIF 2.32, tag 0x0112); 1 = as stored.
using Orientation = int;

// What a file says about its image before anything is decoded.
struct ImageHeader {
  ImageFormat format = ImageFormat::unknown;
  Size stored_size;                // Size in the file, before scaled decode and orientation.
  Orientation orientation = 1;     // To be applied after the resize: it is cheaper there.
  std::uint64_t decode_bytes = 0;  // Most bytes that decoding allocates at once, the pixels included.
  Size displayed_size() const {    // As a viewer shows it.
    return orientation >= 5 ? Size{stored_size.height, stored_size.width} : stored_size;
  }
};

// Pixels on their way into the model. Not yet oriented.
struct DecodedImage : ImageHeader {
  Image pixels;                 // rgb8 of a file. Raw: without alpha; may be a view of the caller's memory.
  std::array<Image, 2> chroma;  // Of nv12 and nv21 the first, of i420 U and V.
};

// Throws Failure(limit) when an image of that size is not to be decoded, Failure(corrupt) when it has no pixels.
void check_size(std::uint64_t width, std::uint64_t height, const ImageLimits& limits);
// Throws Failure(limit) when decoding it would take too many bytes.
void check_cost(const ImageHeader& header, const ImageLimits& limits);

// Reads the header of an encoded image and checks it against the limits. `at_least` decides at which scale
// decode_image() would decode a JPEG, hence the cost. Throws Failure: unsupported, corrupt, limit.
ImageHeader probe_image(std::span<const std::uint8_t> bytes, Size at_least, const ImageLimits& limits);

// Decodes an encoded image. JPEG may be decoded at 1/2, 1/4 or 1/8 size, but never with a side below `at_least` (in
// displayed orientation). Throws Failure: those of probe_image().
DecodedImage decode_image(std::span<const std::uint8_t> bytes, Size at_least, const ImageLimits& limits,
                          const Deadline& deadline = {});

struct RawPlane {
  std::span<const std::uint8_t> bytes;
  std::uint64_t row_stride = 0;  // 0 = packed.
};

struct Region {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool operator==(const Region&) const = default;
};

struct RawPixels {
  PixelFormat format = PixelFormat::rgb8;
  std::span<const std::uint8_t> bytes;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::uint64_t row_stride = 0;      // 0 = packed.
  std::array<RawPlane, 2> chroma{};  // As DecodedImage::chroma. Without bytes: the planes follow the luma in `bytes`.
  Region region{};                   // What to look at, before it is turned; Region() = all.
  Orientation orientation = 1;
};

// Wraps raw pixels; only transparent ones are copied. Throws Failure: invalid_argument (size, stride, overflow, too
// few bytes, region), limit.
DecodedImage import_pixels(const RawPixels& pixels, const ImageLimits& limits);

}  // namespace catdog::core
