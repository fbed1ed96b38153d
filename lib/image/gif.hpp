// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "image/codec.hpp"

namespace catdog::core {

std::unique_ptr<ImageReader> open_gif(Bytes bytes);

}  // namespace catdog::core
