// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "image/codec.hpp"

namespace catdog::core {

// `at_least`: see decode_image().
std::unique_ptr<ImageReader> open_jpeg(Bytes bytes, Size at_least, const ImageLimits& limits);

}  // namespace catdog::core
