// SPDX-License-Identifier: Apache-2.0
// From what the user named to a list of picture files, in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace catdog::cli {

bool has_picture_suffix(const std::filesystem::path& path);

// Picture files of a folder, sorted by path. Links to folders are not entered, so loops can't trap it.
std::vector<std::string> pictures_in(const std::filesystem::path& folder, bool recursive);

// One path a line, or NUL-terminated; empty ones are left out.
std::vector<std::string> read_paths(std::istream& in, bool nul_separated);

// Files as they are, folders as their pictures. Folders without pictures are added to `empty_folders`.
std::vector<std::string> expand_inputs(const std::vector<std::string>& named, bool recursive,
                                       std::vector<std::string>& empty_folders);

// At most `limit` + 1 bytes, so that the library itself can say that a picture is too big.
std::string read_stdin(std::int64_t limit);

}  // namespace catdog::cli
