// SPDX-License-Identifier: Apache-2.0
// The answer, its reason and the thresholds behind it, with models that give the same outputs for every image.
#include <cmath>

#include "capi/support.hpp"
#include "catdog/catdog.hpp"

namespace catdog::test_support {
namespace {

constexpr double cat_logit = 1.5;  // Against 0 for dog: confidence 0.8176.
const double confidence = 1 / (1 + std::exp(-cat_logit));

double sigmoid(double logit) { return 1 / (1 + std::exp(-logit)); }

// Outputs of `biases`, whatever the image. `calibration` is merged into the file's.
ModelRecipe constant_model(const std::vector<float>& biases, const std::string& calibration = "{}") {
  ModelRecipe recipe;
  recipe.architecture = R"({"layers": [{"op": "global_avg_pool"}, {"op": "linear", "name": "fc", "out_features": )" +
                        std::to_string(biases.size()) + "}]}";
  recipe.edit_weights = [biases](Weights& weights) {
    weights["fc.weight"].second.assign(3 * biases.size(), 0.0F);
    weights["fc.bias"].second = biases;
  };
  recipe.json_patch = R"({"calibration": )" + calibration + "}";
  return recipe;
}

// A model with a score for neither of sigmoid(`logit`), whose own thresholds are 0.5 for it and 0.7 for the trust.
ModelRecipe open_world(float logit) {
  return constant_model({cat_logit, 0, logit}, R"({"neither": {"output": 2, "above": 0.5}, "abstain_below": 0.7})");
}

const ByteString& image() {
  static const ByteString bytes = shipped_image("rgb.png");
  return bytes;
}

struct Answer {
  std::string answer;
  catdog_reason reason = -1;
  int abstained = -1;
  double neither = -2;
  double trust = -2;
};

Answer answer_of(const ModelRecipe& recipe, const catdog_options* options = nullptr) {
  const auto classifier = open_model(recipe, options);
  ResultHandle result;
  if (classify(result, classifier, image()) != CATDOG_OK) {
    ADD_FAILURE() << catdog_last_error();
    return {};
  }
  EXPECT_STREQ(catdog_result_label(result.get(), 0), "cat");  // Whatever the answer is.
  EXPECT_NEAR(catdog_result_confidence(result.get(), 0), confidence, 1e-6);
  return {catdog_result_answer(result.get(), 0), catdog_result_reason(result.get(), 0),
          catdog_result_abstained(result.get(), 0), catdog_result_measure(result.get(), 0, CATDOG_MEASURE_NEITHER),
          catdog_result_measure(result.get(), 0, CATDOG_MEASURE_TRUST)};
}

OptionsHandle options_with(catdog_option key, double value) {
  auto options = make_options();
  EXPECT_EQ(catdog_options_set_double(options.get(), key, value), CATDOG_OK) << catdog_last_error();
  return options;
}

TEST(Answer, IsTheLabelWhenTheTrustIsHighEnough) {
  const Answer got = answer_of(open_world(-3));
  EXPECT_EQ(got.answer, "cat");
  EXPECT_EQ(got.reason, CATDOG_REASON_LABEL);
  EXPECT_EQ(got.abstained, 0);
  EXPECT_NEAR(got.neither, sigmoid(-3), 1e-6);
  EXPECT_NEAR(got.trust, confidence * (1 - sigmoid(-3)), 1e-6);
}

TEST(Answer, IsUncertainWhenTheTrustIsTooLow) {
  const Answer got = answer_of(open_world(-1));  // Trust 0.8176 · 0.731 = 0.598, below 0.7; score 0.27.
  EXPECT_EQ(got.answer, "uncertain");
  EXPECT_EQ(got.reason, CATDOG_REASON_LOW_CONFIDENCE);
  EXPECT_EQ(got.abstained, 1);
}

TEST(Answer, IsNeitherWhenThatScoreIsHighEvenIfTheTrustIsLow) {
  const Answer got = answer_of(open_world(1));
  EXPECT_EQ(got.answer, "neither");
  EXPECT_EQ(got.reason, CATDOG_REASON_NEITHER);
  EXPECT_EQ(got.abstained, 1);
  EXPECT_NEAR(got.neither, sigmoid(1), 1e-6);
}

TEST(Answer, WithoutAScoreForNeitherTheTrustIsTheConfidence) {
  const auto options = options_with(CATDOG_OPTION_NEITHER_ABOVE, 0);  // Without effect here.
  const Answer got = answer_of(constant_model({cat_logit, 0}), options.get());
  EXPECT_EQ(got.answer, "cat");
  EXPECT_EQ(got.neither, -1);
  EXPECT_NEAR(got.trust, confidence, 1e-6);
  EXPECT_EQ(answer_of(constant_model({cat_logit, 0}, R"({"abstain_below": 0.9})")).answer, "uncertain");
}

// The temperature is for the labels; the score for neither is calibrated by whoever writes the file.
TEST(Answer, TheTemperatureLeavesTheScoreForNeitherAlone) {
  ModelRecipe recipe = constant_model({2 * cat_logit, 0, -3}, R"({"neither": {"output": 2}, "temperature": 2})");
  EXPECT_NEAR(answer_of(recipe).neither, sigmoid(-3), 1e-6);
}

TEST(Answer, OptionsMoveTheThresholds) {
  EXPECT_EQ(answer_of(open_world(-1), options_with(CATDOG_OPTION_ABSTAIN_BELOW, 0.5).get()).answer, "cat");
  EXPECT_EQ(answer_of(open_world(-1), options_with(CATDOG_OPTION_NEITHER_ABOVE, 0.2).get()).answer, "neither");
  EXPECT_EQ(answer_of(open_world(1), options_with(CATDOG_OPTION_NEITHER_ABOVE, 0.8).get()).answer, "uncertain");
  EXPECT_EQ(answer_of(open_world(40), options_with(CATDOG_OPTION_NEITHER_ABOVE, 1).get()).answer, "uncertain");
}

TEST(Answer, ThresholdsInForceAreNumbers) {
  const auto number = [](const ModelRecipe& recipe, const catdog_options* options, catdog_info key) {
    return catdog_classifier_number(open_model(recipe, options).get(), key);
  };
  EXPECT_EQ(number(open_world(0), nullptr, CATDOG_INFO_ABSTAIN_BELOW), 0.7);
  EXPECT_EQ(number(open_world(0), nullptr, CATDOG_INFO_NEITHER_ABOVE), 0.5);
  EXPECT_EQ(number(constant_model({0, 0}), nullptr, CATDOG_INFO_NEITHER_ABOVE), 1);
  auto options = options_with(CATDOG_OPTION_ABSTAIN_BELOW, 0.25);
  EXPECT_EQ(number(open_world(0), options.get(), CATDOG_INFO_ABSTAIN_BELOW), 0.25);
  options = options_with(CATDOG_OPTION_NEITHER_ABOVE, 0.75);
  EXPECT_EQ(number(open_world(0), options.get(), CATDOG_INFO_NEITHER_ABOVE), 0.75);
}

TEST(Answer, AFailedItemHasNone) {
  const auto classifier = open_model(open_world(-3));
  const ByteString text(50, 'x');
  const catdog_image bad = encoded_image(text);
  catdog_result* result = nullptr;
  ASSERT_EQ(catdog_classifier_classify_batch(&result, classifier.get(), &bad, 1), CATDOG_OK);
  const ResultHandle owner(result);
  for (const std::size_t item : {std::size_t{0}, std::size_t{1}}) {
    EXPECT_EQ(catdog_result_answer(result, item), nullptr);
    EXPECT_EQ(catdog_result_reason(result, item), CATDOG_REASON_NONE);
    EXPECT_EQ(catdog_result_abstained(result, item), 0);
    EXPECT_EQ(catdog_result_measure(result, item, CATDOG_MEASURE_NEITHER), -1);
  }
  EXPECT_EQ(catdog_result_answer(nullptr, 0), nullptr);
  EXPECT_EQ(catdog_result_reason(nullptr, 0), CATDOG_REASON_NONE);
}

TEST(Answer, ReasonsHaveNames) {
  EXPECT_STREQ(catdog_reason_name(CATDOG_REASON_NONE), "none");
  EXPECT_STREQ(catdog_reason_name(CATDOG_REASON_LABEL), "label");
  EXPECT_STREQ(catdog_reason_name(CATDOG_REASON_LOW_CONFIDENCE), "low_confidence");
  EXPECT_STREQ(catdog_reason_name(CATDOG_REASON_NEITHER), "neither");
  EXPECT_STREQ(catdog_reason_name(11), "unknown");
}

const char* const curve = R"({"neither": {"output": 2}, "curve": [
  {"abstain_below": 0, "precision": 0.8, "coverage": 1}, {"abstain_below": 0.6, "precision": 0.95, "coverage": 0.9},
  {"abstain_below": 0.9, "precision": 0.99, "coverage": 0.7}]})";

TEST(MinPrecision, TakesTheLowestThresholdThatReachesIt) {
  const std::pair<double, double> cases[] = {{0.5, 0}, {0.8, 0}, {0.81, 0.6}, {0.95, 0.6}, {0.96, 0.9}, {0.99, 0.9}};
  for (const auto& [wanted, threshold] : cases) {
    const auto options = options_with(CATDOG_OPTION_MIN_PRECISION, wanted);
    const auto classifier = open_model(constant_model({0, 0, 0}, curve), options.get());
    EXPECT_EQ(catdog_classifier_number(classifier.get(), CATDOG_INFO_ABSTAIN_BELOW), threshold) << wanted;
  }
}

TEST(MinPrecision, SaysWhatTheBestIsWhenTheModelDoesNotReachIt) {
  const auto options = options_with(CATDOG_OPTION_MIN_PRECISION, 0.995);
  ClassifierHandle classifier;
  EXPECT_EQ(open_memory(classifier, make_model_archive(constant_model({0, 0, 0}, curve)), options.get()),
            CATDOG_ERROR_MODEL_UNSUPPORTED);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("no precision of 0.995 at any threshold; the best is 0.99"));
  EXPECT_EQ(open_memory(classifier, make_model_archive(constant_model({0, 0})), options.get()),
            CATDOG_ERROR_MODEL_UNSUPPORTED);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("curve"));
}

TEST(MinPrecision, ExcludesAThreshold) {
  const auto options = options_with(CATDOG_OPTION_MIN_PRECISION, 0.9);
  ASSERT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, 0.5), CATDOG_OK);
  ClassifierHandle classifier;
  EXPECT_EQ(open_memory(classifier, make_model_archive(constant_model({0, 0, 0}, curve)), options.get()),
            CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("can't both be set"));
}

TEST(MinPrecision, ValuesOutOfRangeAreRefused) {
  const auto options = make_options();
  for (const double value : {0.0, -0.1, 1.1, std::nan("")}) {
    EXPECT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_MIN_PRECISION, value),
              CATDOG_ERROR_INVALID_ARGUMENT);
  }
  for (const double value : {-0.1, 1.1, std::nan("")}) {
    EXPECT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_NEITHER_ABOVE, value),
              CATDOG_ERROR_INVALID_ARGUMENT);
  }
}

TEST(AnswerInCpp, MirrorsTheCInterface) {
  const auto classifier = catdog::Classifier::open_memory(make_model_archive(open_world(1)));
  const catdog::Result neither = classifier.classify(image());
  EXPECT_EQ(neither.answer(), "neither");
  EXPECT_EQ(neither.reason(), CATDOG_REASON_NEITHER);
  EXPECT_STREQ(neither.reason_name(), "neither");
  EXPECT_TRUE(neither.abstained());
  EXPECT_NEAR(neither.neither().value_or(-1), sigmoid(1), 1e-6);
  EXPECT_NEAR(neither.trust(), confidence * (1 - sigmoid(1)), 1e-6);
  EXPECT_EQ(classifier.number(CATDOG_INFO_NEITHER_ABOVE), 0.5);
  EXPECT_LT(classifier.number(CATDOG_INFO_ENGINE), 0);

  const auto never = catdog::Classifier::open_memory(make_model_archive(open_world(1)),
                                                     catdog::Options().neither_above(1).abstain_below(0));
  EXPECT_EQ(never.classify(image()).answer(), "cat");
  const auto chosen = catdog::Classifier::open_memory(make_model_archive(constant_model({0, 0, 0}, curve)),
                                                      catdog::Options().min_precision(0.9));
  EXPECT_EQ(chosen.number(CATDOG_INFO_ABSTAIN_BELOW), 0.6);
  const auto closed = catdog::Classifier::open_memory(make_model_archive(constant_model({0, 0})));
  EXPECT_FALSE(closed.classify(image()).neither().has_value());
}

}  // namespace
}  // namespace catdog::test_support
