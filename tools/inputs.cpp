// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <system_error>
#include <utility>

#include "session.hpp"

namespace catdog::cli {
namespace fs = std::filesystem;

namespace {

bool has_image_suffix(const fs::path& path) {
  const std::string suffix = lower_case(path.extension().string());
  static const std::array<const char*, 7> known{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif"};
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

// Files that are images of a kind that the library doesn't read.
bool has_foreign_suffix(const fs::path& path) {
  const std::string suffix = lower_case(path.extension().string());
  static const std::array<const char*, 9> foreign{".heic", ".heif", ".avif", ".tif", ".tiff",
                                                  ".bmp",  ".jxl",  ".jp2",  ".dng"};
  return std::find(foreign.begin(), foreign.end(), suffix) != foreign.end();
}

}  // namespace

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.size() > 1 && name.front() == '.' && name != "..";
}

FolderImages images_in(const fs::path& folder, bool recursive) {
  FolderImages found;
  std::error_code error;
  const auto options = recursive ? fs::directory_options::skip_permission_denied : fs::directory_options::none;
  fs::recursive_directory_iterator entry(folder, options, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    if (is_hidden(path) || !recursive) entry.disable_recursion_pending();
    std::error_code ignored;
    // A pipe or a device would be waited for; what a link leads to counts.
    if (is_hidden(path) || !entry->is_regular_file(ignored)) continue;
    if (has_image_suffix(path)) found.paths.push_back(path.string());
    if (has_foreign_suffix(path)) ++found.foreign;
  }
  if (error) throw CommandError(exit_usage, "can't read the folder '" + folder.string() + "': " + error.message());
  std::sort(found.paths.begin(), found.paths.end());
  return found;
}

std::string none_in(const std::string& folder, const FolderImages& found) {
  if (found.foreign == 0) return "no images in '" + folder + "'";
  return "no images in '" + folder + "' that can be read: " + std::to_string(found.foreign) +
         " of other kinds, such as HEIC (JPEG, PNG, WebP and GIF are read; convert them)";
}

std::vector<std::string> read_paths(std::istream& in, bool nul_separated) {
  std::vector<std::string> paths;
  std::string path;
  bool first = true;
  while (std::getline(in, path, nul_separated ? '\0' : '\n')) {
    if (std::exchange(first, false) && path.rfind("\xEF\xBB\xBF", 0) == 0) path.erase(0, 3);  // A byte-order mark.
    if (!nul_separated && !path.empty() && path.back() == '\r') path.pop_back();
    if (path.find('\0') != std::string::npos) {
      throw CommandError(exit_usage, "a NUL character in the list: --null reads paths that end with one");
    }
    if (!path.empty()) paths.push_back(path);
  }
  return paths;
}

std::vector<std::string> expand_inputs(const std::vector<std::string>& named, bool recursive,
                                       std::vector<std::string>& complaints) {
  std::vector<std::string> paths;
  for (const std::string& name : named) {
    std::error_code error;
    if (name == "-" || !fs::is_directory(name, error)) {
      paths.push_back(name);
      continue;
    }
    const FolderImages found = images_in(name, recursive);
    if (found.paths.empty()) {
      complaints.push_back(none_in(name, found) + (recursive ? "" : " (its sub-folders need --recursive)"));
    }
    paths.insert(paths.end(), found.paths.begin(), found.paths.end());
  }
  return paths;
}

std::string read_stdin(std::int64_t limit) {
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(limit, 0)) + 1;
  std::string bytes;
  std::array<char, 65536> block{};
  while (bytes.size() < most) {
    const std::size_t n = std::fread(block.data(), 1, std::min(block.size(), most - bytes.size()), stdin);
    if (n == 0) break;
    bytes.append(block.data(), n);
  }
  return bytes;
}

}  // namespace catdog::cli
