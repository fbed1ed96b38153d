// SPDX-License-Identifier: Apache-2.0
#include "image/exif.hpp"

#include <algorithm>
#include <string_view>

#include "image/tiff_reader.hpp"

namespace catdog::core {

Orientation exif_orientation(Bytes exif) noexcept {
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  constexpr std::uint32_t kOrientationTag = 0x0112;
  if (exif.size() >= kPrefix.size() && std::equal(kPrefix.begin(), kPrefix.end(), exif.begin())) {
    exif = exif.subspan(kPrefix.size());
  }
  std::uint32_t orientation = 0;
  const bool valid = is_tiff(exif) && TiffReader(exif, exif[0] == 'M').find(kOrientationTag, orientation) &&
                     orientation >= 1 && orientation <= 8;
  return valid ? static_cast<Orientation>(orientation) : 1;
}

}  // namespace catdog::core
