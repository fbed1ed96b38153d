// SPDX-License-Identifier: Apache-2.0
// Where in an image the network sees a label. With a model that looks at single pixels: red is a cat, blue a dog, and
// green neither.
#include <array>

#include "capi/support.hpp"
#include "catdog/catdog.hpp"

namespace catdog::test_support {
namespace {

constexpr int map_side = 8;

ModelRecipe colours() {
  ModelRecipe recipe;
  recipe.width = map_side;
  recipe.height = map_side;
  recipe.architecture =
      R"({"name":"colour","layers":[{"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":3}]})";
  recipe.edit_weights = [](Weights& weights) {
    weights["fc.weight"].second = {9, 0, 0, 0, 0, 9, 0, 9, 0};
    weights["fc.bias"].second = {0, 0, 0};
  };
  recipe.json_patch =
      R"({"input": {"mean": [0, 0, 0], "std": [1, 1, 1]}, "calibration": {"neither": {"output": 2, "above": 0.9}}})";
  return recipe;
}

// A blue pixel in the upper right corner, a green one in the lower left, else red.
ByteString scene() {
  ByteString rgb;
  for (int i = 0; i < map_side * map_side; ++i) rgb.insert(rgb.end(), {255, 0, 0});
  const auto paint = [&rgb](int x, int y, std::array<std::uint8_t, 3> colour) {
    std::copy(colour.begin(), colour.end(), rgb.begin() + std::ptrdiff_t{3} * (y * map_side + x));
  };
  paint(map_side - 1, 0, {0, 0, 255});
  paint(0, map_side - 1, {0, 255, 0});
  return rgb;
}

class CapiExplanation : public testing::Test {
 protected:
  catdog_status explain(const catdog_image& image, std::int32_t label = -1) {
    catdog_explanation* made = nullptr;
    const catdog_status status = catdog_classifier_explain(&made, classifier_.get(), &image, label);
    explanation_.reset(made);
    return status;
  }
  float at(int x, int y) const { return catdog_explanation_map(explanation_.get())[y * map_side + x]; }
  std::vector<std::uint8_t> drawn(int width, int height, std::size_t stride = 0) const {
    std::vector<std::uint8_t> rgb((stride > 0 ? stride : std::size_t{3} * width) * height, 77);
    EXPECT_EQ(catdog_explanation_draw(explanation_.get(), rgb.data(), width, height, stride), CATDOG_OK)
        << catdog_last_error();
    return rgb;
  }

  ByteString pixels_ = scene();
  catdog_image image_ = raw_image(CATDOG_FORMAT_RGB8, pixels_, map_side, map_side);
  ClassifierHandle classifier_ = open_model(colours());
  ExplanationHandle explanation_;
};

TEST_F(CapiExplanation, MapHasTheTrustThatEachPlaceGives) {
  ASSERT_EQ(explain(image_), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(catdog_explanation_rows(explanation_.get()), map_side);
  EXPECT_EQ(catdog_explanation_columns(explanation_.get()), map_side);
  EXPECT_EQ(catdog_explanation_label(explanation_.get()), 0);
  // Logits 9 and 0, or 0 and 9; the score for neither is 0.5 where its logit is 0.
  EXPECT_NEAR(at(3, 3), 0.99988 * 0.5, 1e-4);
  EXPECT_NEAR(at(map_side - 1, 0), 0.00012 * 0.5, 1e-4);
  EXPECT_NEAR(at(0, map_side - 1), 0.5 * 0.00012, 1e-4);

  ASSERT_EQ(explain(image_, 1), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(catdog_explanation_label(explanation_.get()), 1);
  EXPECT_NEAR(at(3, 3), 0.00012 * 0.5, 1e-4);
  EXPECT_NEAR(at(map_side - 1, 0), 0.99988 * 0.5, 1e-4);
}

TEST_F(CapiExplanation, ResultIsTheVerdictOfClassifying) {
  ASSERT_EQ(explain(image_), CATDOG_OK) << catdog_last_error();
  const catdog_result* result = catdog_explanation_result(explanation_.get());
  ResultHandle expected;
  ASSERT_EQ(classify(expected, classifier_, image_), CATDOG_OK);
  EXPECT_EQ(catdog_result_count(result), 1U);
  EXPECT_EQ(catdog_result_status(result, 0), CATDOG_OK);
  EXPECT_EQ(probabilities(result), probabilities(expected.get()));
  EXPECT_STREQ(catdog_result_answer(result, 0), catdog_result_answer(expected.get(), 0));
  EXPECT_EQ(catdog_result_measure(result, 0, CATDOG_MEASURE_WIDTH), map_side);
}

TEST_F(CapiExplanation, FollowsTheUprightRegion) {
  image_.rotation = 90;  // The blue pixel goes to the lower right corner.
  ASSERT_EQ(explain(image_, 1), CATDOG_OK) << catdog_last_error();
  EXPECT_GT(at(map_side - 1, map_side - 1), 0.4);
  EXPECT_LT(at(map_side - 1, 0), 0.1);

  image_.rotation = 0;
  image_.region_x = map_side / 2;  // Now it covers a quarter of each side.
  image_.region_width = map_side / 2;
  image_.region_height = map_side / 2;
  ASSERT_EQ(explain(image_, 1), CATDOG_OK) << catdog_last_error();
  EXPECT_GT(at(map_side - 1, 0), 0.4);
  EXPECT_LT(at(map_side / 2, 0), 0.1);
}

TEST_F(CapiExplanation, DrawingIsDarkWhereTheMapIsLow) {
  ASSERT_EQ(explain(image_), CATDOG_OK) << catdog_last_error();
  pixels_.assign(pixels_.size(), 0);  // It has pixels of its own,
  classifier_.reset();                // and needs no classifier.
  const auto rgb = drawn(map_side, map_side);
  const auto red = [&](int x, int y) { return rgb[std::size_t(3 * (y * map_side + x))]; };
  const auto blue = [&](int x, int y) { return rgb[std::size_t(3 * (y * map_side + x) + 2)]; };
  EXPECT_NEAR(red(3, 3), 255 * (0.2 + 0.8 * 0.5), 1);
  EXPECT_NEAR(blue(map_side - 1, 0), 255 * 0.2, 1);
  EXPECT_EQ(red(map_side - 1, 0), 0);
}

TEST_F(CapiExplanation, DrawsAnySizeWithinTheStride) {
  ASSERT_EQ(explain(image_), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(drawn(1, 1).size(), 3U);
  const auto wide = drawn(20, 3, 64);
  for (std::size_t y = 0; y < 3; ++y) {
    EXPECT_GT(wide[y * 64], 0);
    for (std::size_t x = 60; x < 64; ++x) EXPECT_EQ(wide[y * 64 + x], 77) << "byte after the row";
  }
  std::uint8_t pixel[3];
  const auto refused = [&](int width, int height, std::uint64_t stride) {
    EXPECT_EQ(catdog_explanation_draw(explanation_.get(), pixel, width, height, stride), CATDOG_ERROR_INVALID_ARGUMENT)
        << width << 'x' << height;
  };
  refused(0, 1, 0);
  refused(1, -1, 0);
  refused(4097, 1, 0);
  refused(1, 4097, 0);
  refused(2, 1, 5);
  EXPECT_EQ(catdog_explanation_draw(explanation_.get(), nullptr, 1, 1, 0), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_explanation_draw(nullptr, pixel, 1, 1, 0), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST_F(CapiExplanation, RefusesLabelsAndImagesThatAreNone) {
  EXPECT_EQ(explain(image_, 2), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("no label 2"));
  EXPECT_EQ(explanation_, nullptr);
  EXPECT_EQ(explain(image_, -2), CATDOG_ERROR_INVALID_ARGUMENT);
  const ByteString text{'n', 'o'};
  EXPECT_EQ(explain(encoded_image(text)), CATDOG_ERROR_UNSUPPORTED);
  image_.flags = 1;
  EXPECT_EQ(explain(image_), CATDOG_ERROR_INVALID_ARGUMENT);

  catdog_explanation* made = nullptr;
  EXPECT_EQ(catdog_classifier_explain_file(&made, classifier_.get(), "/nowhere/pet.jpg", -1), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(catdog_classifier_explain_file(&made, classifier_.get(), nullptr, -1), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_explain(&made, nullptr, &image_, -1), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_explain(nullptr, classifier_.get(), &image_, -1), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST_F(CapiExplanation, NullGivesNothing) {
  EXPECT_EQ(catdog_explanation_result(nullptr), nullptr);
  EXPECT_EQ(catdog_explanation_label(nullptr), -1);
  EXPECT_EQ(catdog_explanation_rows(nullptr), 0);
  EXPECT_EQ(catdog_explanation_columns(nullptr), 0);
  EXPECT_EQ(catdog_explanation_map(nullptr), nullptr);
  catdog_explanation_destroy(nullptr);
}

TEST_F(CapiExplanation, ANetworkWithoutAPoolingIsRefusedByName) {
  ModelRecipe recipe;
  recipe.architecture = R"({"name":"flat","layers":[{"op":"conv2d","name":"a","out_channels":4,"kernel":3},
      {"op":"linear","name":"fc","out_features":2}]})";
  classifier_ = open_model(recipe);
  EXPECT_EQ(explain(image_), CATDOG_ERROR_MODEL_UNSUPPORTED);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("global average pooling"));
}

TEST_F(CapiExplanation, CppSaysTheSame) {
  const Bytes model = make_model_archive(colours());
  const Classifier classifier = Classifier::open_memory(model);
  const Image image = Image::pixels(CATDOG_FORMAT_RGB8, pixels_, map_side, map_side);
  const Explanation explanation = classifier.explain(image, 1);
  EXPECT_EQ(explanation.label_index(), 1);
  EXPECT_EQ(explanation.rows(), map_side);
  EXPECT_EQ(explanation.columns(), map_side);
  EXPECT_GT(explanation.at(0, map_side - 1), 0.4);
  EXPECT_LT(explanation.at(map_side - 1, 0), 0.1);
  const auto map = explanation.map();
  ASSERT_EQ(map.size(), std::size_t{map_side});
  for (int y = 0; y < map_side; ++y) {
    ASSERT_EQ(map[std::size_t(y)].size(), std::size_t{map_side});
    for (int x = 0; x < map_side; ++x) EXPECT_EQ(map[std::size_t(y)][std::size_t(x)], explanation.at(y, x));
  }
  EXPECT_EQ(explanation.result().probabilities(), classifier.classify(image).probabilities());
  ASSERT_EQ(explain(image_, 1), CATDOG_OK);
  EXPECT_EQ(explanation.draw(5, 4), drawn(5, 4));
  EXPECT_THROW(explanation.draw(0, 4), Error);
  EXPECT_THROW(explanation.draw(1 << 30, 1 << 30), Error);
  EXPECT_THROW(classifier.explain(image, 2), Error);
  EXPECT_THROW(classifier.explain_file("/nowhere/pet.jpg"), Error);
}

}  // namespace
}  // namespace catdog::test_support
