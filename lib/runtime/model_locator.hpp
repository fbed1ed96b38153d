// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace catdog::core {

// The model that is used when none is named: CATDOG_MODEL, beside the library, the install prefix's share/catdog.
// Throws Failure(not_found) that lists what was tried.
std::string find_default_model();

// The file that a user means: a path as it is; a name without a slash and without ".pt", such as "simple_cnn", is the
// shipped model of that name, in the same places. Throws Failure(not_found) that lists what was tried.
std::string find_model(const std::string& given);

// Where a shipped model file is looked for, in order, when the library (or the program that contains it) is the file
// `library`.
std::vector<std::filesystem::path> model_candidates(const std::filesystem::path& library, const std::string& file);

// The first of them that is a file; not_found when none is: "`problem`; tried: " and all of them.
std::string first_model_among(const std::vector<std::filesystem::path>& candidates, const std::string& problem);

}  // namespace catdog::core
