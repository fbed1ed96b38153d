// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "image/codec.hpp"

namespace catdog::core {
namespace {

// Bounds-checked numbers of a TIFF structure in its own byte order.
class TiffReader {
 public:
  TiffReader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  // False when the number isn't inside the structure.
  bool read(std::size_t offset, std::size_t width, std::uint32_t& value) const {
    if (offset > bytes_.size() || bytes_.size() - offset < width) {
      return false;
    }
    value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t at = big_endian_ ? offset + i : offset + width - 1 - i;
      value = value << 8 | bytes_[at];
    }
    return true;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

}  // namespace

Orientation exif_orientation(Bytes exif) noexcept {
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  constexpr std::uint32_t kOrientationTag = 0x0112;
  constexpr std::uint32_t kTypeShort = 3;
  if (exif.size() >= kPrefix.size() && std::equal(kPrefix.begin(), kPrefix.end(), exif.begin())) {
    exif = exif.subspan(kPrefix.size());
  }
  if (exif.size() < 8 || exif[0] != exif[1] || (exif[0] != 'I' && exif[0] != 'M')) {
    return 1;
  }
  const TiffReader tiff(exif, exif[0] == 'M');
  std::uint32_t magic = 0;
  std::uint32_t directory = 0;
  std::uint32_t count = 0;
  if (!tiff.read(2, 2, magic) || magic != 42 || !tiff.read(4, 4, directory) || !tiff.read(directory, 2, count)) {
    return 1;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = std::size_t{directory} + 2 + 12 * i;
    std::uint32_t tag = 0;
    std::uint32_t type = 0;
    std::uint32_t values = 0;
    std::uint32_t orientation = 0;
    if (!tiff.read(entry, 2, tag)) {
      return 1;
    }
    if (tag == kOrientationTag) {
      const bool valid = tiff.read(entry + 2, 2, type) && type == kTypeShort && tiff.read(entry + 4, 4, values) &&
                         values == 1 && tiff.read(entry + 8, 2, orientation) && orientation >= 1 && orientation <= 8;
      return valid ? static_cast<Orientation>(orientation) : 1;
    }
  }
  return 1;
}

}  // namespace catdog::core
