// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/codec.hpp"

namespace catdog::core {

// Bounds-checked numbers of a TIFF structure (EXIF data is one) in its own byte order.
class TiffReader {
 public:
  TiffReader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  // False when the number isn't inside the structure.
  bool read(std::size_t offset, std::size_t width, std::uint32_t& value) const noexcept;

  // Value of a tag of the first directory that holds one SHORT or LONG; false when there is no such tag.
  bool find(std::uint32_t tag, std::uint32_t& value) const noexcept;

 private:
  Bytes bytes_;
  bool big_endian_;
};

// Begins as a TIFF structure does.
bool is_tiff(Bytes bytes) noexcept;

}  // namespace catdog::core
