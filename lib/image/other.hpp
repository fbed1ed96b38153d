// SPDX-License-Identifier: Apache-2.0
// Formats that only OpenCV imgcodecs reads; defined in builds with CATDOG_WITH_IMGCODECS only.
#pragma once

#include <memory>

#include "image/codec.hpp"

namespace catdog::core {

std::unique_ptr<ImageReader> open_other(Bytes bytes, const ImageLimits& limits);

}  // namespace catdog::core
