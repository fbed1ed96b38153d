// SPDX-License-Identifier: Apache-2.0
// Whole files into memory, within a limit that is checked before anything is allocated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace catdog::core {

// Reads a file of at most `max_bytes`; pipes and devices too, as far as the limit. `what` ("image") and the option
// that sets the limit, if any, are for messages.
// Throws Failure: not_found, io (names the reason; a folder is one), limit.
std::vector<std::uint8_t> read_file(const std::string& path, std::uint64_t max_bytes, const char* what,
                                    const char* limit_option = nullptr);

}  // namespace catdog::core
