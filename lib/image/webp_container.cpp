// SPDX-License-Identifier: Apache-2.0
#include "image/webp_container.hpp"

#include <algorithm>
#include <string_view>

namespace catdog::core {
namespace {

constexpr std::size_t kRiffHeader = 12;   // "RIFF", size, "WEBP".
constexpr std::size_t kChunkHeader = 8;   // Name, size.
constexpr std::size_t kFrameHeader = 16;  // x / 2, y / 2, width - 1, height - 1, duration: 24 bits each; flags.

std::size_t little_endian(Bytes bytes, std::size_t at, std::size_t width) {
  std::size_t value = 0;
  for (std::size_t i = width; i > 0; --i) {
    value = value << 8 | bytes[at + i - 1];
  }
  return value;
}

bool is_named(Bytes chunk, std::string_view name) { return std::equal(name.begin(), name.end(), chunk.begin()); }

// The chunks of a file, or what it was given.
Bytes chunks_of(Bytes bytes) {
  if (bytes.size() < kRiffHeader || !is_named(bytes, "RIFF")) {
    return bytes;
  }
  bytes = bytes.first(std::min(bytes.size(), kChunkHeader + little_endian(bytes, 4, 4)));
  return bytes.subspan(std::min(kRiffHeader, bytes.size()));
}

// Calls take(chunk, body, whether it is all there) for each chunk until it returns true.
template <typename Take>
void for_each_chunk(Bytes rest, Take take) {
  while (rest.size() >= kChunkHeader) {
    const std::size_t size = little_endian(rest, 4, 4);
    const std::size_t there = std::min(size, rest.size() - kChunkHeader);
    if (take(rest, rest.subspan(kChunkHeader, there), there == size)) {
      return;
    }
    rest = rest.subspan(std::min(rest.size(), kChunkHeader + size + size % 2));
  }
}

}  // namespace

Bytes find_webp_chunk(Bytes bytes, std::string_view name) noexcept {
  Bytes found;
  for_each_chunk(chunks_of(bytes), [&](Bytes chunk, Bytes body, bool /*whole*/) {
    if (is_named(chunk, name)) found = body;
    return !found.empty();
  });
  return found;
}

WebpContainer read_webp_container(Bytes bytes) noexcept {
  WebpContainer found;
  for_each_chunk(chunks_of(bytes), [&](Bytes chunk, Bytes body, bool whole) {
    if (whole && is_named(chunk, "EXIF") && found.exif.empty()) {
      found.exif = body;
    } else if (whole && is_named(chunk, "ANMF") && found.first_frame.empty() && body.size() > kFrameHeader) {
      found.first_frame = body.subspan(kFrameHeader);
      found.x = static_cast<int>(2 * little_endian(body, 0, 3));
      found.y = static_cast<int>(2 * little_endian(body, 3, 3));
      found.width = static_cast<int>(1 + little_endian(body, 6, 3));
      found.height = static_cast<int>(1 + little_endian(body, 9, 3));
    }
    return false;
  });
  return found;
}

}  // namespace catdog::core
