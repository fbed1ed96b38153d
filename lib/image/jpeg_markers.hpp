// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "image/codec.hpp"

namespace catdog::core {

struct JpegMarkers {
  Bytes exif;              // The first APP1 segment that begins with "Exif\0\0"; empty when there is none.
  std::size_t scans = 0;   // Counted to the end of the file if asked for, else up to the first.
  std::size_t usable = 0;  // Bytes before a segment that the file's end cuts through; all of them when none is.
};

// Walks over the file's segments without allocating anything: libjpeg would copy every APP1 segment, and counts scans
// only while it decodes them.
JpegMarkers read_jpeg_markers(Bytes bytes, bool all_scans) noexcept;

}  // namespace catdog::core
