// SPDX-License-Identifier: Apache-2.0
#include "runtime/own_folder.hpp"

#include <cstdint>
#include <fstream>
#include <sstream>

namespace catdog::core {

namespace fs = std::filesystem;

// Not dladdr(): it repeats argv[0], or the name that dlopen() was given, and both may be relative.
fs::path file_of_code(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);  // first-last rights offset device inode path
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    char dash = 0;
    std::string rights;
    std::string offset;
    std::string device;
    std::string inode;
    std::string path;
    if (!(fields >> std::hex >> first >> dash >> last >> rights >> offset >> device >> inode)) continue;
    if (wanted < first || wanted >= last) continue;
    std::getline(fields >> std::ws, path);
    return path.starts_with('/') ? fs::path(path) : fs::path();
  }
  return {};
}

std::vector<std::string> companion_libraries(const void* address, const std::string& file_name) {
  std::vector<std::string> candidates;
  if (const fs::path own = file_of_code(address); own.is_absolute()) {
    const fs::path folder = own.parent_path();
    for (const fs::path& each : {folder, folder / "catdog", folder.parent_path() / "lib"}) {
      candidates.push_back((each / file_name).string());
    }
  }
  candidates.push_back(file_name);
  return candidates;
}

}  // namespace catdog::core
