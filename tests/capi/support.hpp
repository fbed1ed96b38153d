// SPDX-License-Identifier: Apache-2.0
// Handles that clean up and small models, for the tests of the C ABI.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "catdog/catdog.h"
#include "support/images.hpp"
#include "support/model_maker.hpp"

namespace catdog::test_support {

struct Destroy {
  void operator()(catdog_options* options) const { catdog_options_destroy(options); }
  void operator()(catdog_classifier* classifier) const { catdog_classifier_destroy(classifier); }
  void operator()(catdog_result* result) const { catdog_result_destroy(result); }
  void operator()(catdog_explanation* explanation) const { catdog_explanation_destroy(explanation); }
};
using OptionsHandle = std::unique_ptr<catdog_options, Destroy>;
using ClassifierHandle = std::unique_ptr<catdog_classifier, Destroy>;
using ResultHandle = std::unique_ptr<catdog_result, Destroy>;
using ExplanationHandle = std::unique_ptr<catdog_explanation, Destroy>;

inline OptionsHandle make_options() {
  catdog_options* options = nullptr;
  EXPECT_EQ(catdog_options_create(&options), CATDOG_OK) << catdog_last_error();
  return OptionsHandle(options);
}

inline catdog_status open_memory(ClassifierHandle& out, const Bytes& model, const catdog_options* options = nullptr) {
  catdog_classifier* opened = nullptr;
  const catdog_status status = catdog_classifier_open_memory(&opened, model.data(), model.size(), options);
  out.reset(opened);
  return status;
}

inline ClassifierHandle open_model(const ModelRecipe& recipe = {}, const catdog_options* options = nullptr) {
  ClassifierHandle classifier;
  EXPECT_EQ(open_memory(classifier, make_model_archive(recipe), options), CATDOG_OK) << catdog_last_error();
  return classifier;
}

inline catdog_status classify(ResultHandle& out, const ClassifierHandle& classifier, const ByteString& image) {
  catdog_result* result = nullptr;
  const catdog_status status =
      catdog_classifier_classify_encoded(&result, classifier.get(), image.data(), image.size());
  out.reset(result);
  return status;
}

inline catdog_status classify(ResultHandle& out, const ClassifierHandle& classifier, const catdog_image& image) {
  catdog_result* result = nullptr;
  const catdog_status status = catdog_classifier_classify_image(&result, classifier.get(), &image);
  out.reset(result);
  return status;
}

inline catdog_image encoded_image(const ByteString& bytes) {
  catdog_image image{};
  image.format = CATDOG_FORMAT_ENCODED;
  image.data = bytes.data();
  image.data_size = bytes.size();
  return image;
}

inline catdog_image raw_image(catdog_format format, const ByteString& bytes, int width, int height,
                              std::uint64_t stride = 0) {
  catdog_image image = encoded_image(bytes);
  image.format = format;
  image.width = width;
  image.height = height;
  image.row_stride = stride;
  return image;
}

// Probabilities by label index: what two verdicts are compared by.
inline std::vector<double> probabilities(const catdog_result* result, std::size_t item = 0, int labels = 2) {
  std::vector<double> values(static_cast<std::size_t>(labels), -1);
  for (int rank = 0; rank < labels; ++rank) {
    std::int32_t index = 0;
    double probability = -1;
    if (catdog_result_ranked(result, item, rank, &index, &probability) != CATDOG_OK) return {};
    values[static_cast<std::size_t>(index)] = probability;
  }
  return values;
}

inline std::vector<double> verdict_on(const ClassifierHandle& classifier, const ByteString& image) {
  ResultHandle result;
  EXPECT_EQ(classify(result, classifier, image), CATDOG_OK) << catdog_last_error();
  return probabilities(result.get());
}

}  // namespace catdog::test_support
