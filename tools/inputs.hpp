// SPDX-License-Identifier: Apache-2.0
// From what the user named to a list of image files, in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace catdog::cli {

struct FolderImages {
  std::vector<std::string> paths;
  std::size_t foreign = 0;  // Files of image formats that the library doesn't read, by their suffix.
};

// Regular files with an image's suffix, sorted by path. Hidden files and folders (".name") are skipped. Links to
// folders are not entered, so loops can't trap it.
FolderImages images_in(const std::filesystem::path& folder, bool recursive);

// Why a folder has nothing to classify.
std::string none_in(const std::string& folder, const FolderImages& found);

// ".ipynb_checkpoints", "._a.jpg"; not "." and "..".
bool is_hidden(const std::filesystem::path& path);

std::string lower_case(std::string text);  // ASCII.

// One path a line, or NUL-terminated; empty ones are left out, and a byte-order mark before the first.
std::vector<std::string> read_paths(std::istream& in, bool nul_separated);

// Files as they are, folders as their images. One sentence for each folder without any is added to `complaints`.
std::vector<std::string> expand_inputs(const std::vector<std::string>& named, bool recursive,
                                       std::vector<std::string>& complaints);

// At most `limit` + 1 bytes, so that the library itself can say that an image is too big.
std::string read_stdin(std::int64_t limit);

}  // namespace catdog::cli
