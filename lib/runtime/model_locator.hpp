// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace catdog::core {

// Where a shipped model file is looked for, in order, when the library (or the program that contains it) is the file
// `library`.
std::vector<std::filesystem::path> model_candidates(const std::filesystem::path& library, const std::string& file);

// The first of them that is a file; not_found when none is: "`problem`; tried: " and all of them.
std::string first_model_among(const std::vector<std::filesystem::path>& candidates, const std::string& problem);

}  // namespace catdog::core
