// SPDX-License-Identifier: Apache-2.0
#include "image/jpeg_markers.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace catdog::core {
namespace {

constexpr std::uint8_t kRestart0 = 0xD0;
constexpr std::uint8_t kEndOfImage = 0xD9;
constexpr std::uint8_t kStartOfScan = 0xDA;
constexpr std::uint8_t kApp1 = 0xE1;

bool stands_alone(std::uint8_t marker) {  // No length follows: stuffing, TEM, RSTn, SOI.
  return marker <= 0x01 || (marker >= kRestart0 && marker <= 0xD8);
}

}  // namespace

JpegMarkers read_jpeg_markers(Bytes bytes, bool all_scans) noexcept {
  constexpr std::string_view kExif("Exif\0\0", 6);
  JpegMarkers found;
  found.usable = bytes.size();
  std::size_t at = 0;
  while (at < bytes.size()) {
    const void* next = std::memchr(bytes.data() + at, 0xFF, bytes.size() - at);
    if (next == nullptr) {
      break;
    }
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(next) - bytes.data()) + 1;
    while (at < bytes.size() && bytes[at] == 0xFF) {  // Fill bytes.
      ++at;
    }
    if (at >= bytes.size() || bytes[at] == kEndOfImage) {
      break;
    }
    const std::size_t segment = at - 1;
    const std::uint8_t marker = bytes[at++];
    if (stands_alone(marker)) {
      continue;
    }
    if (marker == kStartOfScan) {
      ++found.scans;
      if (!all_scans) {
        break;
      }
    }
    if (bytes.size() - at < 2) {
      found.usable = segment;
      break;
    }
    const std::size_t length = std::size_t{bytes[at]} << 8 | bytes[at + 1];
    if (length > bytes.size() - at) {
      found.usable = segment;
      break;
    }
    if (length < 2) {
      break;
    }
    const Bytes body = bytes.subspan(at + 2, length - 2);
    if (marker == kApp1 && found.exif.empty() && body.size() > kExif.size() &&
        std::equal(kExif.begin(), kExif.end(), body.begin())) {
      found.exif = body;
    }
    at += length;
  }
  return found;
}

}  // namespace catdog::core
