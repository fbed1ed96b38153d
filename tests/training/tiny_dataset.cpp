// SPDX-License-Identifier: Apache-2.0
#include "tiny_dataset.hpp"

#include <png.h>
#include <stdlib.h>

#include <fstream>
#include <stdexcept>
#include <vector>

#include "random.hpp"

namespace catdog::tests {
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "catdog-training-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

namespace {

constexpr int width = 40;
constexpr int height = 36;

void write_png(const fs::path& file, const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, file.c_str(), 0, pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(image.message);
  }
}

}  // namespace

void write_plain(const fs::path& root, int count) {
  fs::create_directories(root / "plain");
  for (int n = 0; n < count; ++n) {
    training::Random random(8, static_cast<std::uint64_t>(n));
    const auto grey = 60 + random.below(100);
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < width * height * 3; ++i) pixels.push_back(static_cast<std::uint8_t>(grey + random.below(30)));
    write_png(root / "plain" / ("plain." + std::to_string(n) + ".png"), pixels);
  }
}

void write_stripes(const fs::path& root, int per_class) {
  for (const std::string label : {"cat", "dog"}) {
    fs::create_directories(root / label);
    for (int n = 0; n < per_class; ++n) {
      training::Random random(7, static_cast<std::uint64_t>(n) * 2 + (label == "dog" ? 1 : 0));
      const auto period = 4 + static_cast<int>(random.below(5));
      std::vector<std::uint8_t> pixels;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const bool dark = (label == "cat" ? y : x) % period < period / 2;
          for (int c = 0; c < 3; ++c) pixels.push_back(static_cast<std::uint8_t>((dark ? 30 : 180) + random.below(60)));
        }
      }
      write_png(root / label / (label + "." + std::to_string(n) + ".png"), pixels);
    }
  }
}

fs::path write_tiny_architecture(const fs::path& root, int outputs) {
  fs::path path = root / "tiny.json";
  std::ofstream(path) << R"({"name": "tiny", "layers": [
    {"op": "conv2d", "name": "conv1.0", "out_channels": 8, "kernel": 3, "padding": 1},
    {"op": "batch_norm", "name": "conv1.1"},
    {"op": "relu", "id": "first"},
    {"op": "conv2d", "name": "conv2.0", "out_channels": 8, "kernel": 3, "padding": 1, "groups": 2, "bias": false},
    {"op": "add", "from": "first"},
    {"op": "relu6"},
    {"op": "max_pool", "kernel": 2},
    {"op": "avg_pool", "kernel": 2},
    {"op": "global_avg_pool"},
    {"op": "linear", "name": "fc.1", "out_features": 8},
    {"op": "relu"},
    {"op": "dropout", "p": 0.25},
    {"op": "linear", "name": "fc.4", "out_features": )"
                      << outputs << "}]}";
  return path;
}

training::TrainOptions prepare_tiny_run(const fs::path& root) {
  write_stripes(root / "data", 60);
  write_tiny_architecture(root);
  training::TrainOptions options = tiny_options(root);
  fs::create_directories(options.output);
  return options;
}

training::TrainOptions tiny_options(const fs::path& root) {
  training::TrainOptions options;
  options.data = (root / "data").string();
  options.output = (root / "out").string();
  options.architecture = (root / "tiny.json").string();
  options.image_size = 32;
  options.epochs = 3;
  options.batch_size = 16;
  options.val_fraction = 0.15;
  options.test_fraction = 0.15;
  options.ema = 0.9;
  options.crop_scale_min = 0.8;
  options.bf16 = false;
  options.progress = false;
  return options;
}

}  // namespace catdog::tests
