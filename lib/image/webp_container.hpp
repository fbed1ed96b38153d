// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "image/codec.hpp"

namespace catdog::core {

// The parts of a WebP file that count here. Offsets and sizes as the file says them, not checked.
struct WebpContainer {
  Bytes exif;         // Empty when there is none.
  Bytes first_frame;  // Of an animation: its chunks. Empty when there is no whole frame.
  int x = 0;          // Of the first frame on the canvas.
  int y = 0;
  int width = 0;
  int height = 0;
};

// The body of the first chunk of that name in a file or in a frame's chunks, cut short where the bytes end; empty when
// there is none.
Bytes find_webp_chunk(Bytes bytes, std::string_view name) noexcept;

// Walks over the file's chunks without allocating anything.
WebpContainer read_webp_container(Bytes bytes) noexcept;

}  // namespace catdog::core
