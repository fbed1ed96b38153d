// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "capi/support.hpp"
#include "lib/runtime/temporary_folder.hpp"

namespace catdog::test_support {
namespace {

class CapiResults : public testing::Test {
 protected:
  CapiResults() { EXPECT_EQ(classify(result_, classifier_, image_), CATDOG_OK) << catdog_last_error(); }
  double measure(catdog_measure key) const { return catdog_result_measure(result_.get(), 0, key); }
  const ByteString image_ = shipped_image("orientation6.jpg");
  ClassifierHandle classifier_ = open_model();
  ResultHandle result_;
};

TEST_F(CapiResults, RanksAllLabels) {
  std::int32_t first = -1;
  std::int32_t second = -1;
  double more = -1;
  double less = -1;
  ASSERT_EQ(catdog_result_ranked(result_.get(), 0, 0, &first, &more), CATDOG_OK);
  ASSERT_EQ(catdog_result_ranked(result_.get(), 0, 1, &second, &less), CATDOG_OK);
  EXPECT_EQ(first + second, 1);
  EXPECT_GE(more, less);
  EXPECT_NEAR(more + less, 1, 1e-6);
  EXPECT_EQ(catdog_result_confidence(result_.get(), 0), more);
  EXPECT_STREQ(catdog_result_label(result_.get(), 0), catdog_classifier_label(classifier_.get(), first));
  // Either output may be left out.
  double only = -1;
  EXPECT_EQ(catdog_result_ranked(result_.get(), 0, 0, nullptr, &only), CATDOG_OK);
  EXPECT_EQ(only, more);
  std::int32_t index = -1;
  EXPECT_EQ(catdog_result_ranked(result_.get(), 0, 0, &index, nullptr), CATDOG_OK);
  EXPECT_EQ(index, first);
}

TEST_F(CapiResults, RanksOutOfRangeLeaveTheOutputsAlone) {
  std::int32_t index = 77;
  double probability = 7.5;
  for (const std::int32_t rank : {-1, 2, 2147483647}) {
    EXPECT_EQ(catdog_result_ranked(result_.get(), 0, rank, &index, &probability), CATDOG_ERROR_INVALID_ARGUMENT);
  }
  EXPECT_EQ(catdog_result_ranked(result_.get(), 1, 0, &index, &probability), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_result_ranked(nullptr, 0, 0, &index, &probability), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(index, 77);
  EXPECT_EQ(probability, 7.5);
}

TEST_F(CapiResults, ItemsOutOfRangeAndNull) {
  EXPECT_EQ(catdog_result_count(result_.get()), 1U);
  EXPECT_EQ(catdog_result_count(nullptr), 0U);
  const auto nothing = [](const catdog_result* result, std::size_t item) {
    EXPECT_EQ(catdog_result_status(result, item), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(catdog_result_message(result, item), nullptr);
    EXPECT_EQ(catdog_result_label(result, item), nullptr);
    EXPECT_EQ(catdog_result_confidence(result, item), 0);
    EXPECT_EQ(catdog_result_abstained(result, item), 0);
    EXPECT_LT(catdog_result_measure(result, item, CATDOG_MEASURE_WIDTH), 0);
    EXPECT_EQ(catdog_result_format(result, item), nullptr);
  };
  nothing(result_.get(), 1);
  nothing(result_.get(), SIZE_MAX);
  nothing(nullptr, 0);
  catdog_result_destroy(nullptr);
}

TEST_F(CapiResults, StatusAndMessageOfSuccess) {
  EXPECT_EQ(catdog_result_status(result_.get(), 0), CATDOG_OK);
  EXPECT_STREQ(catdog_result_message(result_.get(), 0), "");
}

TEST_F(CapiResults, SizeIsTheDisplayedOne) {
  // Orientation 6 is stored with the same sides as its upright sibling, and shown turned by 90 degrees.
  ResultHandle upright;
  ASSERT_EQ(classify(upright, classifier_, shipped_image("orientation1.jpg")), CATDOG_OK);
  EXPECT_EQ(measure(CATDOG_MEASURE_WIDTH), catdog_result_measure(upright.get(), 0, CATDOG_MEASURE_HEIGHT));
  EXPECT_EQ(measure(CATDOG_MEASURE_HEIGHT), catdog_result_measure(upright.get(), 0, CATDOG_MEASURE_WIDTH));
  EXPECT_NE(measure(CATDOG_MEASURE_WIDTH), measure(CATDOG_MEASURE_HEIGHT));
}

TEST_F(CapiResults, TimesAddUp) {
  EXPECT_EQ(measure(CATDOG_MEASURE_READ_MS), 0) << "from memory";
  const double parts =
      measure(CATDOG_MEASURE_DECODE_MS) + measure(CATDOG_MEASURE_PREPROCESS_MS) + measure(CATDOG_MEASURE_INFER_MS);
  EXPECT_GT(measure(CATDOG_MEASURE_DECODE_MS), 0);
  EXPECT_GT(measure(CATDOG_MEASURE_PREPROCESS_MS), 0);
  EXPECT_GT(measure(CATDOG_MEASURE_INFER_MS), 0);
  EXPECT_GE(measure(CATDOG_MEASURE_TOTAL_MS), parts * 0.999999);
  TemporaryFolder folder;
  folder.write("p.jpg", std::string(image_.begin(), image_.end()));
  catdog_result* from_file = nullptr;
  ASSERT_EQ(catdog_classifier_classify_file(&from_file, classifier_.get(), (folder.path / "p.jpg").c_str()), CATDOG_OK);
  result_.reset(from_file);
  EXPECT_GT(measure(CATDOG_MEASURE_READ_MS), 0);
}

TEST_F(CapiResults, UnknownMeasuresAreNegative) {
  for (const catdog_measure key : {0, -1, 14, 32, 2147483647}) EXPECT_LT(measure(key), 0) << key;
}

TEST_F(CapiResults, FormatsAreNamed) {
  const std::pair<const char*, const char*> formats[] = {
      {"baseline.jpg", "jpeg"}, {"rgb.png", "png"}, {"lossy.webp", "webp"}, {"plain.gif", "gif"}};
  for (const auto& [file, format] : formats) {
    ASSERT_EQ(classify(result_, classifier_, shipped_image(file)), CATDOG_OK) << catdog_last_error();
    EXPECT_STREQ(catdog_result_format(result_.get(), 0), format);
  }
}

TEST_F(CapiResults, AFailedItemKnowsWhatWasKnown) {
  const ByteString cut = shipped_image("tall_cut10.jpg");
  const ByteString text(50, 'x');
  const catdog_image images[] = {encoded_image(cut), encoded_image(text)};
  catdog_result* result = nullptr;
  ASSERT_EQ(catdog_classifier_classify_batch(&result, classifier_.get(), images, 2), CATDOG_OK);
  result_.reset(result);
  EXPECT_STREQ(catdog_result_format(result, 0), "jpeg");
  EXPECT_STREQ(catdog_result_format(result, 1), "");
  EXPECT_EQ(catdog_result_measure(result, 1, CATDOG_MEASURE_WIDTH), 0);
  EXPECT_EQ(catdog_result_measure(result, 1, CATDOG_MEASURE_INFER_MS), 0);
}

TEST_F(CapiResults, OutlivesItsClassifier) {
  const std::string label = catdog_result_label(result_.get(), 0);
  const auto before = probabilities(result_.get());
  classifier_.reset();
  EXPECT_EQ(catdog_result_label(result_.get(), 0), label);
  EXPECT_EQ(probabilities(result_.get()), before);
  EXPECT_STREQ(catdog_result_format(result_.get(), 0), "jpeg");
}

TEST_F(CapiResults, TemperatureFlattensTheProbabilities) {
  const auto sharp = verdict_on(classifier_, image_);
  ModelRecipe recipe;
  recipe.temperature = 4;
  const auto flat = verdict_on(open_model(recipe), image_);
  EXPECT_NEAR(std::log(flat[0] / flat[1]), std::log(sharp[0] / sharp[1]) / 4, 1e-4);
}

TEST_F(CapiResults, AbstainsBelowTheThreshold) {
  const double confidence = catdog_result_confidence(result_.get(), 0);
  ASSERT_LT(confidence, 0.9999);
  const auto abstained = [&](double threshold, double of_the_model) {
    ModelRecipe recipe;
    recipe.abstain_below = of_the_model;
    const auto options = make_options();
    if (threshold >= 0) {
      EXPECT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, threshold), CATDOG_OK);
    }
    EXPECT_EQ(classify(result_, open_model(recipe, options.get()), image_), CATDOG_OK);
    EXPECT_NE(catdog_result_label(result_.get(), 0), nullptr);  // Still there, as a guess.
    return catdog_result_abstained(result_.get(), 0);
  };
  EXPECT_EQ(abstained(1.0, 0.0), 1);
  EXPECT_EQ(abstained(confidence + 1e-4, 0.0), 1);
  EXPECT_EQ(abstained(confidence, 0.0), 0);
  EXPECT_EQ(abstained(confidence - 1e-4, 0.0), 0);
  EXPECT_EQ(abstained(-1, 1.0), 1) << "the model's own";
  EXPECT_EQ(abstained(-1, 0.0), 0) << "the model's own";
  EXPECT_EQ(abstained(0.0, 1.0), 0) << "the option wins";
}

}  // namespace
}  // namespace catdog::test_support
