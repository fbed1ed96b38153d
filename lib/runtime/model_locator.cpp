// SPDX-License-Identifier: Apache-2.0
#include "runtime/model_locator.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>

#include "classifier.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool lies_below(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

// The file that holds this code: libcatdog.so, or a program that links the library statically.
fs::path this_library() {
  Dl_info info{};
  fs::path path;
  if (dladdr(reinterpret_cast<const void*>(&this_library), &info) != 0 && info.dli_fname != nullptr) {
    path = info.dli_fname;
  }
  std::error_code error;
  // A program that was found along PATH has no folder in its name.
  fs::path real = path.has_parent_path() ? fs::canonical(path, error) : fs::path();
  if (real.empty()) real = fs::read_symlink("/proc/self/exe", error);
  return real;
}

}  // namespace

std::vector<fs::path> default_model_candidates(const fs::path& library) {
  std::vector<fs::path> candidates;
  if (library.has_parent_path()) {
    const fs::path folder = library.parent_path();
    candidates = {folder / "best_model.pt", folder.parent_path() / "share/catdog/best_model.pt",
                  // lib/x86_64-linux-gnu, as Debian has it.
                  folder.parent_path().parent_path() / "share/catdog/best_model.pt", folder / "catdog/best_model.pt"};
  }
  candidates.emplace_back(CATDOG_MODEL_INSTALL_PATH);
  // Last resort, for a library that was never installed.
  if (lies_below(library, CATDOG_BUILD_TREE)) candidates.emplace_back(CATDOG_BUILD_TREE_MODEL);
  return candidates;
}

std::string find_default_model() {
  if (const char* named = std::getenv("CATDOG_MODEL"); named != nullptr && *named != '\0') {
    if (is_file(named)) return named;
    throw Failure(Status::not_found, std::string("the model file that CATDOG_MODEL names does not exist: ") + named);
  }
  return first_model_among(default_model_candidates(this_library()));
}

std::string first_model_among(const std::vector<fs::path>& candidates) {
  std::string tried;
  for (const fs::path& candidate : candidates) {
    if (is_file(candidate)) return candidate.string();
    tried += (tried.empty() ? "" : ", ") + candidate.string();
  }
  throw Failure(Status::not_found, "no model file found (set CATDOG_MODEL or name one); tried: " + tried);
}

}  // namespace catdog::core
