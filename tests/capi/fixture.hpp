// SPDX-License-Identifier: Apache-2.0
// What the tests of the C ABI share: owners for its handles, small models, pictures.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catdog/catdog.h"
#include "catdog/catdog.hpp"
#include "support/model_maker.hpp"
#include "support/pictures.hpp"

namespace catdog::capi_test {

using ByteString = std::vector<std::uint8_t>;
using OptionsOwner = std::unique_ptr<catdog_options, detail::Destroy>;
using ClassifierOwner = std::unique_ptr<catdog_classifier, detail::Destroy>;
using ResultOwner = std::unique_ptr<catdog_result, detail::Destroy>;

inline OptionsOwner make_options() {
  catdog_options* options = nullptr;
  EXPECT_EQ(catdog_options_create(&options), CATDOG_OK) << catdog_last_error();
  return OptionsOwner(options);
}

inline ClassifierOwner open_model(const ByteString& model, const catdog_options* options = nullptr) {
  catdog_classifier* classifier = nullptr;
  EXPECT_EQ(catdog_classifier_open_memory(&classifier, model.data(), model.size(), options), CATDOG_OK)
      << catdog_last_error();
  return ClassifierOwner(classifier);
}

inline const ByteString& small_model() {
  static const ByteString model = test_support::make_model_archive();
  return model;
}

// Labels, input size and weights unlike small_model()'s.
inline const ByteString& three_label_model() {
  static const ByteString model = [] {
    test_support::ModelRecipe recipe;
    recipe.name = "three";
    recipe.labels = {"ant", "bee", "fly"};
    recipe.width = 24;
    recipe.height = 40;
    recipe.architecture = test_support::small_architecture(3);
    recipe.seed = 9;
    return test_support::make_model_archive(recipe);
  }();
  return model;
}

inline catdog_picture encoded_picture(const ByteString& bytes) {
  catdog_picture picture{};
  picture.struct_size = sizeof picture;
  picture.format = CATDOG_FORMAT_ENCODED;
  picture.data = bytes.data();
  picture.data_size = bytes.size();
  return picture;
}

inline catdog_picture raw_picture(catdog_format format, const ByteString& bytes, int width, int height,
                                  std::uint64_t row_stride = 0) {
  catdog_picture picture = encoded_picture(bytes);
  picture.format = format;
  picture.width = width;
  picture.height = height;
  picture.row_stride = row_stride;
  return picture;
}

inline ByteString small_jpeg(int width = 60, int height = 44) {
  return test_support::encode_jpeg(test_support::make_scene(width, height));
}

// Probabilities of one item by label index.
inline std::vector<double> probabilities(const catdog_result* result, std::size_t item, int labels) {
  std::vector<double> values(static_cast<std::size_t>(labels), -1);
  for (int rank = 0; rank < labels; ++rank) {
    std::int32_t index = -1;
    double probability = -1;
    EXPECT_EQ(catdog_result_ranked(result, item, rank, &index, &probability), CATDOG_OK) << catdog_last_error();
    values.at(static_cast<std::size_t>(index)) = probability;
  }
  return values;
}

// A folder of its own that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "catdog-capi-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string write(const std::string& name, const ByteString& bytes) const {
    const std::string path = (path_ / name).string();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace catdog::capi_test
