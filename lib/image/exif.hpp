// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "image/codec.hpp"

namespace catdog::core {

// Orientation from a TIFF structure, with or without the "Exif\0\0" before it; 1 when there is none or it is damaged.
Orientation exif_orientation(Bytes exif) noexcept;

}  // namespace catdog::core
