// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <system_error>

#include "session.hpp"

namespace catdog::cli {
namespace fs = std::filesystem;

bool has_picture_suffix(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  static const std::array<const char*, 7> known{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif"};
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

std::vector<std::string> pictures_in(const fs::path& folder, bool recursive) {
  std::vector<std::string> pictures;
  std::error_code error;
  const auto take = [&pictures](const fs::directory_entry& entry) {
    std::error_code ignored;
    if (has_picture_suffix(entry.path()) && !entry.is_directory(ignored)) pictures.push_back(entry.path().string());
  };
  if (recursive) {
    fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) take(*entry);
  } else {
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) take(*entry);
  }
  if (error) throw CommandError(exit_usage, "can't read the folder '" + folder.string() + "': " + error.message());
  std::sort(pictures.begin(), pictures.end());
  return pictures;
}

std::vector<std::string> read_paths(std::istream& in, bool nul_separated) {
  std::vector<std::string> paths;
  std::string path;
  while (std::getline(in, path, nul_separated ? '\0' : '\n')) {
    if (!nul_separated && !path.empty() && path.back() == '\r') path.pop_back();
    if (!path.empty()) paths.push_back(path);
  }
  return paths;
}

std::vector<std::string> expand_inputs(const std::vector<std::string>& named, bool recursive,
                                       std::vector<std::string>& empty_folders) {
  std::vector<std::string> paths;
  for (const std::string& name : named) {
    std::error_code error;
    if (name == "-" || !fs::is_directory(name, error)) {
      paths.push_back(name);
      continue;
    }
    const std::vector<std::string> pictures = pictures_in(name, recursive);
    if (pictures.empty()) empty_folders.push_back(name);
    paths.insert(paths.end(), pictures.begin(), pictures.end());
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
