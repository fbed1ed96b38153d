// SPDX-License-Identifier: Apache-2.0
#include "runtime/model_locator.hpp"

#include <cstdlib>
#include <string>
#include <system_error>

#include "runtime/own_folder.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

fs::path own_file() {
  static const char anchor = 0;
  return file_of_code(&anchor);
}

}  // namespace

std::vector<fs::path> model_candidates(const fs::path& library, const std::string& file) {
  std::vector<fs::path> candidates;
  if (library.has_parent_path()) {
    const fs::path folder = library.parent_path();
    candidates = {folder / file, folder.parent_path() / "share/catdog" / file,
                  // lib/x86_64-linux-gnu, as Debian has it.
                  folder.parent_path().parent_path() / "share/catdog" / file, folder / "catdog" / file};
  }
  candidates.push_back(fs::path(CATDOG_MODEL_INSTALL_FOLDER) / file);
  return candidates;
}

std::string find_default_model() {
  if (const char* named = std::getenv("CATDOG_MODEL"); named != nullptr && *named != '\0') {
    if (is_file(named)) return named;
    throw Failure(Status::not_found, std::string("the model file that CATDOG_MODEL names does not exist: ") + named);
  }
  return first_model_among(model_candidates(own_file(), "best_model.pt"),
                           "no model file found (set CATDOG_MODEL or name one)");
}

std::string find_model(const std::string& given) {
  if (given.empty() || given.find('/') != std::string::npos || fs::path(given).extension() == ".pt") return given;
  return first_model_among(model_candidates(own_file(), given + ".pt"),
                           "no shipped model is called \"" + given + "\" (a file's name ends in .pt or has a slash)");
}

std::string first_model_among(const std::vector<fs::path>& candidates, const std::string& problem) {
  std::string tried;
  for (const fs::path& candidate : candidates) {
    if (is_file(candidate)) return candidate.string();
    tried += (tried.empty() ? "" : ", ") + candidate.string();
  }
  throw Failure(Status::not_found, problem + "; tried: " + tried);
}

}  // namespace catdog::core
