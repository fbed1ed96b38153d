// SPDX-License-Identifier: Apache-2.0
#include "image/tiff_reader.hpp"

namespace catdog::core {

bool TiffReader::read(std::size_t offset, std::size_t width, std::uint32_t& value) const noexcept {
  if (offset > bytes_.size() || bytes_.size() - offset < width) {
    return false;
  }
  value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    value = value << 8 | bytes_[big_endian_ ? offset + i : offset + width - 1 - i];
  }
  return true;
}

bool TiffReader::find(std::uint32_t tag, std::uint32_t& value) const noexcept {
  constexpr std::uint32_t kShort = 3;
  constexpr std::uint32_t kLong = 4;
  std::uint32_t directory = 0;
  std::uint32_t entries = 0;
  if (!read(4, 4, directory) || !read(directory, 2, entries)) {
    return false;
  }
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = std::size_t{directory} + 2 + 12 * i;
    std::uint32_t found = 0;
    if (!read(entry, 2, found)) {
      return false;
    }
    if (found == tag) {
      std::uint32_t type = 0;
      std::uint32_t count = 0;
      return read(entry + 2, 2, type) && (type == kShort || type == kLong) && read(entry + 4, 4, count) && count == 1 &&
             read(entry + 8, type == kShort ? 2 : 4, value);
    }
  }
  return false;
}

bool is_tiff(Bytes bytes) noexcept {
  std::uint32_t magic = 0;
  return bytes.size() >= 8 && bytes[0] == bytes[1] && (bytes[0] == 'I' || bytes[0] == 'M') &&
         TiffReader(bytes, bytes[0] == 'M').read(2, 2, magic) && magic == 42;
}

}  // namespace catdog::core
