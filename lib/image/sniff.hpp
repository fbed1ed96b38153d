// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "image/decode.hpp"

namespace catdog::core {

// Type by magic bytes; unknown when none matches.
ImageFormat sniff_format(std::span<const std::uint8_t> bytes) noexcept;

// "a BMP file" and the like for files of formats that aren't read. Static storage.
const char* name_of_unsupported_format(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace catdog::core
