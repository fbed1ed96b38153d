// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace catdog::core {

// SHA-256 as 64 lower-case hex digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);
// A SHA-256 as a user gives it, in lower case; "" stays "". Anything but 64 hexadecimal digits: invalid_argument.
std::string checked_sha256(std::string_view given);

}  // namespace catdog::core
