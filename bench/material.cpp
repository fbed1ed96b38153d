// SPDX-License-Identifier: Apache-2.0
#include "material.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "image/sniff.hpp"
#include "support/model_maker.hpp"

namespace catdog::bench {
namespace {

std::vector<std::uint8_t> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::filesystem::path setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::vector<std::vector<std::uint8_t>> load_images() {
  constexpr std::size_t enough = 64;
  const auto folder = setting("CATDOG_BENCH_PICTURES", CATDOG_SOURCE_DIR "/examples/images");
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::vector<std::uint8_t>> result;
  for (const auto& path : paths) {
    auto bytes = read(path);
    if (core::sniff_format(bytes) == core::ImageFormat::jpeg) result.push_back(std::move(bytes));
    if (result.size() == enough) break;
  }
  if (result.empty()) throw std::runtime_error("no JPEG files in " + folder.string());
  return result;
}

std::vector<std::uint8_t> load_model() {
  const auto path = setting("CATDOG_BENCH_MODEL", CATDOG_SOURCE_DIR "/models/best_model.pt");
  if (std::filesystem::exists(path)) return read(path);
  const auto text = read(CATDOG_SOURCE_DIR "/training/architectures/simplecnn.json");
  test_support::ModelRecipe recipe;
  recipe.architecture.assign(text.begin(), text.end());
  recipe.width = 128;
  recipe.height = 128;
  return test_support::make_model_archive(recipe);
}

}  // namespace

const std::vector<std::vector<std::uint8_t>>& images() {
  static const auto result = load_images();
  return result;
}

const std::vector<std::uint8_t>& model_bytes() {
  static const auto result = load_model();
  return result;
}

const core::ModelFile& model() {
  static const auto result = core::ModelFile::from_memory(model_bytes());
  return result;
}

}  // namespace catdog::bench
