// SPDX-License-Identifier: Apache-2.0
// The shipped model gives the same answers whatever runs it, on whole photos: decode, preprocess and network together.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "engine/torch_loader.hpp"
#include "image/decode.hpp"
#include "image/preprocess.hpp"
#include "runtime/file_reader.hpp"

namespace {

using namespace catdog::core;
namespace fs = std::filesystem;

const fs::path source_dir = CATDOG_SOURCE_DIR;

// The shipped models, and how far bf16 may be from fp32 in probability: more layers round more often. Measured on the
// shared photos: 0.113 and below 0.02.
struct Shipped {
  const char* file;
  double bf16_tolerance;
};
constexpr Shipped shipped[] = {{"models/best_model.pt", 0.15}, {"models/simple_cnn.pt", 0.02}};

std::vector<fs::path> images_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".jpg" || ending == ".png") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// One row of probabilities for each image.
std::vector<std::vector<float>> classify(const Engine& engine, const ModelFile& model,
                                         const std::vector<fs::path>& files) {
  const InputSpec& spec = model.config().input;
  const auto context = engine.create_context();
  std::vector<std::vector<float>> rows;
  for (const fs::path& file : files) {
    const auto bytes = read_file(file.string(), 32U << 20U, "image");
    const Size size{spec.width, spec.height};
    normalise(resize_and_orient(decode_image(bytes, size, ImageLimits{}), size), spec, context->input());
    std::vector<float>& row = rows.emplace_back(model.config().outputs());
    context->run(row);
    calibrate_in_place(row, model.config());
  }
  return rows;
}

std::size_t best(const std::vector<float>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

void expect_agreement(const std::vector<std::vector<float>>& reference, const std::vector<std::vector<float>>& other,
                      double tolerance, const char* what) {
  ASSERT_EQ(reference.size(), other.size());
  ASSERT_FALSE(reference.empty());
  std::size_t same = 0;
  double deviation = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    same += best(reference[i]) == best(other[i]) ? 1U : 0U;
    for (std::size_t k = 0; k < reference[i].size(); ++k) {
      deviation = std::max(deviation, std::abs(static_cast<double>(reference[i][k]) - other[i][k]));
    }
  }
  testing::Test::RecordProperty(std::string(what) + "_deviation", std::to_string(deviation));
  EXPECT_LE(deviation, tolerance) << what;
  EXPECT_GE(static_cast<double>(same), 0.998 * static_cast<double>(reference.size())) << what;
}

void expect_engines_agree(const Shipped& which, const std::vector<fs::path>& files) {
  SCOPED_TRACE(which.file);
  const ModelFile model = ModelFile::from_file(source_dir / which.file);
  const auto fp32 = classify(*create_native_engine(model, Precision::fp32), model, files);
  expect_agreement(fp32, classify(*create_native_engine(model, Precision::bf16), model, files), which.bf16_tolerance,
                   "bf16");
#if defined(CATDOG_TORCH_PLUGIN)
  EngineOptions options;
  options.kind = EngineKind::torch;
  options.torch_plugin = CATDOG_TORCH_PLUGIN;
  options.precision = Precision::fp32;
  expect_agreement(fp32, classify(*create_torch_engine(model, options), model, files), 1e-4, "torch");
#endif
}

TEST(EnginesAgree, OnTheShippedImages) {
  for (const Shipped& which : shipped) expect_engines_agree(which, images_below(source_dir / "examples/images"));
}

TEST(EnginesAgree, OnSharedPhotos) {
  const fs::path shared = source_dir / "../shared/data";
  if (!fs::exists(shared)) GTEST_SKIP() << "needs ../shared/data/web_dev and ../shared/data/photos";
  std::vector<fs::path> files = images_below(shared / "web_dev");
  for (const fs::path& file : images_below(shared / "photos")) files.push_back(file);
  // The large network takes ten times as long with libtorch: every fifth photo.
  std::vector<fs::path> some;
  for (std::size_t i = 0; i < files.size(); i += 5) some.push_back(files[i]);
  expect_engines_agree(shipped[0], some);
  expect_engines_agree(shipped[1], files);
}

}  // namespace
