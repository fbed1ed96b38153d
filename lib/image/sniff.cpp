// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>

#include "image/codec.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

bool has_at(Bytes bytes, std::size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

#ifndef CATDOG_WITH_IMGCODECS
const char* name_of_known_stranger(Bytes bytes) {
  using std::string_view_literals::operator""sv;
  if (has_at(bytes, 0, "BM")) return "a BMP file";
  if (has_at(bytes, 0, "II*\0"sv) || has_at(bytes, 0, "MM\0*"sv)) return "a TIFF file";
  if (has_at(bytes, 4, "ftypavif") || has_at(bytes, 4, "ftypavis")) return "an AVIF file";
  if (has_at(bytes, 4, "ftyphe") || has_at(bytes, 4, "ftypmif1")) return "a HEIF file";
  if (has_at(bytes, 0, "\xFF\x0A") || has_at(bytes, 0, "\0\0\0\x0CJXL "sv)) return "a JPEG XL file";
  if (has_at(bytes, 0, "\0\0\0\x0CjP  "sv)) return "a JPEG 2000 file";
  if (has_at(bytes, 0, "%PDF")) return "a PDF document";
  if (has_at(bytes, 0, "<svg") || has_at(bytes, 0, "<?xml")) return "an SVG or XML document";
  return "not an image that is known here";
}
#endif

}  // namespace

const char* image_format_name(ImageFormat format) noexcept {
  switch (format) {
    case ImageFormat::unknown: return "";
    case ImageFormat::jpeg: return "jpeg";
    case ImageFormat::png: return "png";
    case ImageFormat::webp: return "webp";
    case ImageFormat::gif: return "gif";
    case ImageFormat::raw: return "raw";
    case ImageFormat::other: return "other";
  }
  return "";
}

ImageFormat sniff_format(std::span<const std::uint8_t> bytes) noexcept {
  if (has_at(bytes, 0, "\xFF\xD8\xFF")) return ImageFormat::jpeg;
  if (has_at(bytes, 0, "\x89PNG\r\n\x1A\n")) return ImageFormat::png;
  if (has_at(bytes, 0, "RIFF") && has_at(bytes, 8, "WEBP")) return ImageFormat::webp;
  if (has_at(bytes, 0, "GIF87a") || has_at(bytes, 0, "GIF89a")) return ImageFormat::gif;
  return ImageFormat::unknown;
}

void check_size(std::uint64_t width, std::uint64_t height, const ImageLimits& limits) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height) + " pixels";
  if (width == 0 || height == 0) {
    throw Failure(Status::corrupt, "the image's header says " + size);
  }
  if (width > limits.max_side || height > limits.max_side) {
    throw Failure(Status::limit, "the image has " + size + ", more than the limit of " +
                                     std::to_string(limits.max_side) + " a side; make it smaller or raise max_side");
  }
  if (width * height > limits.max_pixels) {  // No overflow: both are at most 2^32 - 1 here.
    throw Failure(Status::limit, "the image has " + size + ", more than the limit of " +
                                     std::to_string(limits.max_pixels) +
                                     " in all; make it smaller or raise max_pixels");
  }
}

DecodedImage decode_image(std::span<const std::uint8_t> bytes, Size at_least, const ImageLimits& limits) {
  if (bytes.empty()) {
    throw Failure(Status::invalid_argument, "the image has no bytes");
  }
  if (bytes.size() > limits.max_encoded_bytes) {
    throw Failure(Status::limit, "the image has " + std::to_string(bytes.size()) + " bytes, more than the limit of " +
                                     std::to_string(limits.max_encoded_bytes) +
                                     "; make it smaller or raise max_encoded_bytes");
  }
  switch (sniff_format(bytes)) {
    case ImageFormat::jpeg: return decode_jpeg(bytes, at_least, limits);
    case ImageFormat::png: return decode_png(bytes, limits);
    case ImageFormat::webp: return decode_webp(bytes, limits);
    case ImageFormat::gif: return decode_gif(bytes, limits);
    default: break;
  }
#ifdef CATDOG_WITH_IMGCODECS
  return decode_other(bytes, limits);
#else
  throw Failure(Status::unsupported, std::string(name_of_known_stranger(bytes)) +
                                         ": JPEG, PNG, WebP and GIF are read; convert it to one of these");
#endif
}

}  // namespace catdog::core
