// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

namespace catdog::core {

// Where find_default_model() looks, in order, when CATDOG_MODEL is not set and the library (or the program that
// contains it) is the file `library`.
std::vector<std::filesystem::path> default_model_candidates(const std::filesystem::path& library);

}  // namespace catdog::core
