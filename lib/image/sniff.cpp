// SPDX-License-Identifier: Apache-2.0
#include "image/sniff.hpp"

#include <algorithm>
#include <string_view>

namespace catdog::core {
namespace {

bool has_at(std::span<const std::uint8_t> bytes, std::size_t offset, std::string_view magic) noexcept {
  return bytes.size() >= offset + magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

}  // namespace

ImageFormat sniff_format(std::span<const std::uint8_t> bytes) noexcept {
  if (has_at(bytes, 0, "\xFF\xD8")) return ImageFormat::jpeg;
  if (has_at(bytes, 0, "\x89PNG\r\n\x1A\n")) return ImageFormat::png;
  if (has_at(bytes, 0, "RIFF") && has_at(bytes, 8, "WEBP")) return ImageFormat::webp;
  if (has_at(bytes, 0, "GIF87a") || has_at(bytes, 0, "GIF89a")) return ImageFormat::gif;
  return ImageFormat::unknown;
}

const char* name_of_unsupported_format(std::span<const std::uint8_t> bytes) noexcept {
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

}  // namespace catdog::core
