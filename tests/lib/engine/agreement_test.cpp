// SPDX-License-Identifier: Apache-2.0
// The shipped model gives the same answers whatever runs it, on whole photos: decode, preprocess and network together.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/cpu_features.hpp"
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

const char* const shipped[] = {"models/best_model.pt", "models/simple_cnn.pt"};

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

struct Agreement {
  double largest = 0;  // Deviation of a probability.
  double mean = 0;
  double same = 0;             // Share of the labels.
  std::size_t overturned = 0;  // Labels that the reference gives at least 0.9, and the other doesn't give.
};

Agreement compare(const std::vector<std::vector<float>>& reference, const std::vector<std::vector<float>>& other) {
  Agreement agreement;
  std::size_t count = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const std::size_t label = best(reference[i]);
    const bool same = label == best(other[i]);
    agreement.same += same ? 1.0 / static_cast<double>(reference.size()) : 0;
    if (!same && reference[i][label] >= 0.9F) ++agreement.overturned;
    for (std::size_t k = 0; k < reference[i].size(); ++k, ++count) {
      const double deviation = std::abs(static_cast<double>(reference[i][k]) - other[i][k]);
      agreement.largest = std::max(agreement.largest, deviation);
      agreement.mean += deviation;
    }
  }
  agreement.mean /= static_cast<double>(count);
  return agreement;
}

// bf16 and int8 round each layer. What it does to an image between two answers depends on the image, so that the
// largest deviation says little: the mean counts (measured: bf16 0.002, int8 0.005 and below), and what was certain
// must not turn over.
void expect_precisions_agree(const char* file, const std::vector<fs::path>& images) {
  SCOPED_TRACE(file);
  const ModelFile model = ModelFile::from_file(source_dir / file);
  const auto fp32 = classify(*create_native_engine(model, Precision::fp32), model, images);
  for (const Precision precision : {Precision::bf16, Precision::int8}) {
    if (precision == Precision::int8 && !cpu_has_fast_int8()) continue;
    SCOPED_TRACE(precision_name(precision));
    const Agreement agreement = compare(fp32, classify(*create_native_engine(model, precision), model, images));
    EXPECT_LE(agreement.mean, precision == Precision::bf16 ? 0.005 : 0.01);
    EXPECT_GE(agreement.same, 0.99);
    EXPECT_EQ(agreement.overturned, 0U);
  }
}

void expect_torch_agrees([[maybe_unused]] const char* file, [[maybe_unused]] const std::vector<fs::path>& images) {
#if defined(CATDOG_TORCH_PLUGIN)
  SCOPED_TRACE(file);
  const ModelFile model = ModelFile::from_file(source_dir / file);
  EngineOptions options;
  options.kind = EngineKind::torch;
  options.torch_plugin = CATDOG_TORCH_PLUGIN;
  options.precision = Precision::fp32;
  const Agreement torch = compare(classify(*create_native_engine(model, Precision::fp32), model, images),
                                  classify(*create_torch_engine(model, options), model, images));
  EXPECT_LE(torch.largest, 1e-4);
  EXPECT_EQ(torch.overturned, 0U);
#endif
}

TEST(EnginesAgree, OnTheShippedImages) {
  const std::vector<fs::path> images = images_below(source_dir / "examples/images");
  ASSERT_FALSE(images.empty());
  for (const char* file : shipped) {
    expect_precisions_agree(file, images);
    expect_torch_agrees(file, images);
  }
}

TEST(EnginesAgree, OnSharedPhotos) {
  const fs::path shared = source_dir / "../shared/data";
  if (!fs::exists(shared)) GTEST_SKIP() << "needs ../shared/data/web_dev and ../shared/data/photos";
  std::vector<fs::path> images = images_below(shared / "web_dev");
  for (const fs::path& image : images_below(shared / "photos")) images.push_back(image);
  // libtorch takes five times as long: every tenth photo.
  std::vector<fs::path> some;
  for (std::size_t i = 0; i < images.size(); i += 10) some.push_back(images[i]);
  for (const char* file : shipped) {
    expect_precisions_agree(file, images);
    expect_torch_agrees(file, some);
  }
}

}  // namespace
