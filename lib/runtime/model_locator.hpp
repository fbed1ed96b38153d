// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace catdog::core {

// Where find_default_model() looks, in order, when CATDOG_MODEL is not set and the library (or the program that
// contains it) is the file `library`.
std::vector<std::filesystem::path> default_model_candidates(const std::filesystem::path& library);

// The first of them that is a file; not_found, naming all of them, when none is.
std::string first_model_among(const std::vector<std::filesystem::path>& candidates);

}  // namespace catdog::core
