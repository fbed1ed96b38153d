// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <string>

#include "fixture.hpp"

namespace catdog::capi_test {
namespace {

using testing::HasSubstr;

catdog_result* const stale = reinterpret_cast<catdog_result*>(16);

class Classify : public testing::Test {
 protected:
  catdog_status picture_status(const catdog_picture& picture) {
    return status_of(
        [&](catdog_result** out) { return catdog_classifier_classify_picture(out, classifier_.get(), &picture); });
  }
  catdog_status encoded_status(const ByteString& bytes) {
    return status_of([&](catdog_result** out) {
      return catdog_classifier_classify_encoded(out, classifier_.get(), bytes.data(), bytes.size());
    });
  }
  catdog_status file_status(const std::string& path) {
    return status_of(
        [&](catdog_result** out) { return catdog_classifier_classify_file(out, classifier_.get(), path.c_str()); });
  }
  // A failure must leave NULL and a message.
  template <typename Call>
  catdog_status status_of(Call call) {
    catdog_result* result = stale;
    const catdog_status status = call(&result);
    if (status == CATDOG_OK) {
      catdog_result_destroy(result);
    } else {
      EXPECT_EQ(result, nullptr);
      EXPECT_STRNE(catdog_last_error(), "");
    }
    return status;
  }
  ResultOwner classify(const catdog_picture& picture) {
    catdog_result* result = nullptr;
    EXPECT_EQ(catdog_classifier_classify_picture(&result, classifier_.get(), &picture), CATDOG_OK)
        << catdog_last_error();
    return ResultOwner(result);
  }

  ClassifierOwner classifier_ = open_model(small_model());
  ByteString jpeg_ = small_jpeg(60, 44);
};

TEST_F(Classify, GivesAWholeVerdict) {
  const ResultOwner result = classify(encoded_picture(jpeg_));
  ASSERT_EQ(catdog_result_count(result.get()), 1U);
  EXPECT_EQ(catdog_result_status(result.get(), 0), CATDOG_OK);
  EXPECT_STREQ(catdog_result_message(result.get(), 0), "");
  EXPECT_STREQ(catdog_result_format(result.get(), 0), "jpeg");
  EXPECT_EQ(catdog_result_measure(result.get(), 0, CATDOG_MEASURE_WIDTH), 60);
  EXPECT_EQ(catdog_result_measure(result.get(), 0, CATDOG_MEASURE_HEIGHT), 44);
  EXPECT_EQ(catdog_result_measure(result.get(), 0, CATDOG_MEASURE_READ_MS), 0);

  std::int32_t best = -1;
  double best_probability = -1;
  double second_probability = -1;
  ASSERT_EQ(catdog_result_ranked(result.get(), 0, 0, &best, &best_probability), CATDOG_OK);
  ASSERT_EQ(catdog_result_ranked(result.get(), 0, 1, nullptr, &second_probability), CATDOG_OK);
  EXPECT_STREQ(catdog_result_label(result.get(), 0), catdog_classifier_label(classifier_.get(), best));
  EXPECT_EQ(catdog_result_confidence(result.get(), 0), best_probability);
  EXPECT_GE(best_probability, second_probability);
  EXPECT_NEAR(best_probability + second_probability, 1, 1e-6);

  double stages = 0;
  for (const catdog_measure key : {CATDOG_MEASURE_DECODE_MS, CATDOG_MEASURE_PREPROCESS_MS, CATDOG_MEASURE_INFER_MS}) {
    EXPECT_GT(catdog_result_measure(result.get(), 0, key), 0) << key;
    stages += catdog_result_measure(result.get(), 0, key);
  }
  EXPECT_GE(catdog_result_measure(result.get(), 0, CATDOG_MEASURE_TOTAL_MS), stages);
}

TEST_F(Classify, OutOfRangeQuestionsHaveHarmlessAnswers) {
  const ResultOwner owner = classify(encoded_picture(jpeg_));
  for (const auto& [result, item] : {std::pair<catdog_result*, std::size_t>{owner.get(), 1},
                                     {owner.get(), std::numeric_limits<std::size_t>::max()},
                                     {nullptr, 0}}) {
    EXPECT_EQ(catdog_result_status(result, item), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(catdog_result_message(result, item), nullptr);
    EXPECT_EQ(catdog_result_label(result, item), nullptr);
    EXPECT_EQ(catdog_result_format(result, item), nullptr);
    EXPECT_EQ(catdog_result_confidence(result, item), 0);
    EXPECT_EQ(catdog_result_abstained(result, item), 0);
    EXPECT_LT(catdog_result_measure(result, item, CATDOG_MEASURE_WIDTH), 0);
    std::int32_t index = -7;
    double probability = -7;
    EXPECT_EQ(catdog_result_ranked(result, item, 0, &index, &probability), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(index, -7);
    EXPECT_EQ(probability, -7);
  }
  EXPECT_EQ(catdog_result_ranked(owner.get(), 0, -1, nullptr, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_result_ranked(owner.get(), 0, 2, nullptr, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_result_ranked(owner.get(), 0, 0, nullptr, nullptr), CATDOG_OK);
  EXPECT_LT(catdog_result_measure(owner.get(), 0, 9999), 0);
  EXPECT_EQ(catdog_result_count(nullptr), 0U);
  catdog_result_destroy(nullptr);
}

TEST_F(Classify, FileAndMemoryGiveTheSame) {
  const TemporaryFolder folder;
  const std::string path = folder.write("\xE7\x8C\xAB.jpg", jpeg_);
  catdog_result* from_file = nullptr;
  ASSERT_EQ(catdog_classifier_classify_file(&from_file, classifier_.get(), path.c_str()), CATDOG_OK)
      << catdog_last_error();
  const ResultOwner file_owner(from_file);
  const ResultOwner memory = classify(encoded_picture(jpeg_));
  EXPECT_EQ(probabilities(from_file, 0, 2), probabilities(memory.get(), 0, 2));
  EXPECT_GT(catdog_result_measure(from_file, 0, CATDOG_MEASURE_READ_MS), 0);
}

TEST_F(Classify, RawLayoutsOfOnePictureAgree) {
  const test_support::Pixels scene = test_support::make_scene(48, 40);
  const ResultOwner rgb = classify(raw_picture(CATDOG_FORMAT_RGB8, scene.rgb, 48, 40));
  const std::vector<double> expected = probabilities(rgb.get(), 0, 2);
  EXPECT_STREQ(catdog_result_format(rgb.get(), 0), "raw");
  EXPECT_EQ(catdog_result_measure(rgb.get(), 0, CATDOG_MEASURE_WIDTH), 48);

  const std::size_t stride = 48 * 4 + 12;
  ByteString bgr(scene.rgb.size());
  ByteString rgba(stride * 40, 77);
  ByteString bgra(stride * 40, 77);
  for (std::size_t y = 0; y < 40; ++y) {
    for (std::size_t x = 0; x < 48; ++x) {
      const std::uint8_t* from = &scene.rgb[(y * 48 + x) * 3];
      std::uint8_t* b = &bgr[(y * 48 + x) * 3];
      std::uint8_t* ra = &rgba[y * stride + x * 4];
      std::uint8_t* ba = &bgra[y * stride + x * 4];
      for (std::size_t c = 0; c < 3; ++c) {
        b[2 - c] = from[c];
        ra[c] = from[c];
        ba[2 - c] = from[c];
      }
      ra[3] = ba[3] = 255;
    }
  }
  EXPECT_EQ(probabilities(classify(raw_picture(CATDOG_FORMAT_BGR8, bgr, 48, 40)).get(), 0, 2), expected);
  EXPECT_EQ(probabilities(classify(raw_picture(CATDOG_FORMAT_RGBA8, rgba, 48, 40, stride)).get(), 0, 2), expected);
  EXPECT_EQ(probabilities(classify(raw_picture(CATDOG_FORMAT_BGRA8, bgra, 48, 40, stride)).get(), 0, 2), expected);
  EXPECT_NE(probabilities(classify(raw_picture(CATDOG_FORMAT_RGB8, bgr, 48, 40)).get(), 0, 2), expected);

  const ByteString grey(48 * 40, 100);
  const ByteString grey_as_rgb(48 * 40 * 3, 100);
  EXPECT_EQ(probabilities(classify(raw_picture(CATDOG_FORMAT_GRAY8, grey, 48, 40)).get(), 0, 2),
            probabilities(classify(raw_picture(CATDOG_FORMAT_RGB8, grey_as_rgb, 48, 40)).get(), 0, 2));
}

TEST_F(Classify, NullsAreRefused) {
  const catdog_picture picture = encoded_picture(jpeg_);
  const catdog_classifier* none = nullptr;
  const catdog_classifier* some = classifier_.get();
  const auto refused = [&](auto call) { EXPECT_EQ(status_of(call), CATDOG_ERROR_INVALID_ARGUMENT); };
  EXPECT_EQ(catdog_classifier_classify_file(nullptr, some, "x"), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_classify_encoded(nullptr, some, jpeg_.data(), 1), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_classify_picture(nullptr, some, &picture), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_classify_batch(nullptr, some, &picture, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  refused([&](catdog_result** out) { return catdog_classifier_classify_file(out, none, "x"); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_file(out, some, nullptr); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_encoded(out, none, jpeg_.data(), 1); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_encoded(out, some, nullptr, 1); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_encoded(out, some, nullptr, 0); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_encoded(out, some, jpeg_.data(), 0); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_picture(out, none, &picture); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_picture(out, some, nullptr); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_batch(out, none, &picture, 1); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_batch(out, some, nullptr, 1); });
  refused([&](catdog_result** out) { return catdog_classifier_classify_batch(out, some, &picture, 0); });
}

TEST_F(Classify, MalformedStructsAreRefused) {
  const auto refused = [&](const char* what, const catdog_picture& good, auto spoil) {
    catdog_picture picture = good;
    ASSERT_EQ(picture_status(picture), CATDOG_OK) << catdog_last_error();
    spoil(picture);
    EXPECT_EQ(picture_status(picture), CATDOG_ERROR_INVALID_ARGUMENT) << what;
  };
  const catdog_picture encoded = encoded_picture(jpeg_);
  refused("size 0", encoded, [](catdog_picture& p) { p.struct_size = 0; });
  refused("size too small", encoded, [](catdog_picture& p) { p.struct_size -= 1; });
  refused("size too large", encoded, [](catdog_picture& p) { p.struct_size += 8; });
  refused("flags", encoded, [](catdog_picture& p) { p.flags = 1; });
  for (int i = 0; i < 5; ++i) {
    refused("reserved", encoded, [i](catdog_picture& p) { p.reserved[i] = 1; });
  }
  refused("unknown format", encoded, [](catdog_picture& p) { p.format = 99; });
  refused("negative format", encoded, [](catdog_picture& p) { p.format = -1; });
  refused("no data", encoded, [](catdog_picture& p) { p.data = nullptr; });
  refused("no bytes", encoded, [](catdog_picture& p) { p.data_size = 0; });
  refused("encoded with width", encoded, [](catdog_picture& p) { p.width = 60; });
  refused("encoded with height", encoded, [](catdog_picture& p) { p.height = 44; });
  refused("encoded with stride", encoded, [](catdog_picture& p) { p.row_stride = 180; });

  const ByteString bytes(30 * 20 * 3, 9);
  const catdog_picture raw = raw_picture(CATDOG_FORMAT_RGB8, bytes, 30, 20);
  refused("width 0", raw, [](catdog_picture& p) { p.width = 0; });
  refused("height 0", raw, [](catdog_picture& p) { p.height = 0; });
  refused("width < 0", raw, [](catdog_picture& p) { p.width = -30; });
  refused("height < 0", raw, [](catdog_picture& p) { p.height = -20; });
  refused("smallest width", raw, [](catdog_picture& p) { p.width = std::numeric_limits<std::int32_t>::min(); });
  refused("stride below a row", raw, [](catdog_picture& p) { p.row_stride = 89; });
  refused("rows beyond the data", raw, [](catdog_picture& p) { p.row_stride = 91; });
  refused("one byte short", raw, [](catdog_picture& p) { p.data_size -= 1; });
  refused("overflow", raw, [](catdog_picture& p) { p.row_stride = std::numeric_limits<std::uint64_t>::max() / 2 + 1; });
  refused("largest stride", raw, [](catdog_picture& p) { p.row_stride = std::numeric_limits<std::uint64_t>::max(); });
}

TEST_F(Classify, PictureErrorsAreNamed) {
  EXPECT_EQ(encoded_status({'n', 'o', ' ', 'p', 'i', 'c', 't', 'u', 'r', 'e'}), CATDOG_ERROR_UNSUPPORTED);
  ByteString cut = jpeg_;
  cut.resize(cut.size() / 2);
  EXPECT_EQ(encoded_status(cut), CATDOG_ERROR_CORRUPT);
  EXPECT_EQ(encoded_status(test_support::make_jpeg_header(20000, 14000)), CATDOG_ERROR_LIMIT);
}

TEST_F(Classify, FileErrorsAreNamed) {
  const TemporaryFolder folder;
  const std::string missing = folder.path() + "/missing.jpg";
  EXPECT_EQ(file_status(missing), CATDOG_ERROR_NOT_FOUND);
  EXPECT_THAT(catdog_last_error(), HasSubstr(missing));
  EXPECT_EQ(file_status(folder.path()), CATDOG_ERROR_IO);
  EXPECT_THAT(catdog_last_error(), HasSubstr(folder.path()));
  EXPECT_EQ(file_status(""), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(file_status("/dev/zero"), CATDOG_ERROR_LIMIT) << "devices are read no further than the limit";
  EXPECT_EQ(file_status("/dev/null"), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST_F(Classify, LimitsComeFromTheOptions) {
  struct Case {
    catdog_option key;
    std::int64_t enough;
  };
  const ByteString progressive = test_support::encode_jpeg(test_support::make_scene(60, 44), {.progressive = true});
  const TemporaryFolder folder;
  const std::string path = folder.write("picture.jpg", progressive);
  for (const Case& c :
       {Case{CATDOG_OPTION_MAX_ENCODED_BYTES, static_cast<std::int64_t>(progressive.size())},
        Case{CATDOG_OPTION_MAX_PIXELS, 60 * 44}, Case{CATDOG_OPTION_MAX_SIDE, 60}, Case{CATDOG_OPTION_MAX_SCANS, 10}}) {
    const OptionsOwner options = make_options();
    ASSERT_EQ(catdog_options_set_int(options.get(), c.key, c.enough), CATDOG_OK);
    classifier_ = open_model(small_model(), options.get());
    EXPECT_EQ(encoded_status(progressive), CATDOG_OK) << c.key << ' ' << catdog_last_error();
    EXPECT_EQ(file_status(path), CATDOG_OK) << c.key << ' ' << catdog_last_error();
    ASSERT_EQ(catdog_options_set_int(options.get(), c.key, c.enough - 1), CATDOG_OK);
    classifier_ = open_model(small_model(), options.get());
    EXPECT_EQ(encoded_status(progressive), CATDOG_ERROR_LIMIT) << c.key;
    EXPECT_EQ(file_status(path), CATDOG_ERROR_LIMIT) << c.key;
  }
}

TEST_F(Classify, AbstainsBelowTheThreshold) {
  const ResultOwner plain = classify(encoded_picture(jpeg_));
  const double confidence = catdog_result_confidence(plain.get(), 0);
  EXPECT_EQ(catdog_result_abstained(plain.get(), 0), 0);
  ASSERT_LT(confidence, 0.999);
  for (const auto& [threshold, abstained] : {std::pair{confidence - 1e-6, 0}, std::pair{confidence + 1e-6, 1}}) {
    const OptionsOwner options = make_options();
    ASSERT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, threshold), CATDOG_OK);
    classifier_ = open_model(small_model(), options.get());
    const ResultOwner result = classify(encoded_picture(jpeg_));
    EXPECT_EQ(catdog_result_abstained(result.get(), 0), abstained);
    EXPECT_EQ(catdog_result_confidence(result.get(), 0), confidence);
    EXPECT_NE(catdog_result_label(result.get(), 0), nullptr) << "the guess is still there";
  }
  test_support::ModelRecipe careful;
  careful.abstain_below = 0.9999;
  classifier_ = open_model(test_support::make_model_archive(careful));
  EXPECT_EQ(catdog_result_abstained(classify(encoded_picture(jpeg_)).get(), 0), 1) << "the model's own threshold";
}

TEST_F(Classify, TemperatureFlattensTheProbabilities) {
  const std::vector<double> sharp = probabilities(classify(encoded_picture(jpeg_)).get(), 0, 2);
  test_support::ModelRecipe recipe;
  recipe.temperature = 4;
  classifier_ = open_model(test_support::make_model_archive(recipe));
  const std::vector<double> flat = probabilities(classify(encoded_picture(jpeg_)).get(), 0, 2);
  EXPECT_NEAR(std::log(flat[0] / flat[1]), std::log(sharp[0] / sharp[1]) / 4, 1e-4);
}

TEST_F(Classify, ABatchHasEachPicturesOwnOutcome) {
  const test_support::Pixels scene = test_support::make_scene(48, 40);
  const ByteString rubbish{'r', 'u', 'b', 'b', 'i', 's', 'h'};
  ByteString cut = jpeg_;
  cut.resize(cut.size() / 2);
  std::vector<catdog_picture> pictures{
      encoded_picture(jpeg_), encoded_picture(rubbish), raw_picture(CATDOG_FORMAT_RGB8, scene.rgb, 48, 40),
      encoded_picture(cut),   encoded_picture(jpeg_),   encoded_picture(jpeg_)};
  pictures[4].reserved[0] = 1;
  const OptionsOwner options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 3), CATDOG_OK);
  const ClassifierOwner classifier = open_model(small_model(), options.get());
  catdog_result* batch = nullptr;
  ASSERT_EQ(catdog_classifier_classify_batch(&batch, classifier.get(), pictures.data(), pictures.size()), CATDOG_OK);
  const ResultOwner owner(batch);
  ASSERT_EQ(catdog_result_count(batch), 6U);
  const std::vector<catdog_status> expected{
      CATDOG_OK, CATDOG_ERROR_UNSUPPORTED, CATDOG_OK, CATDOG_ERROR_CORRUPT, CATDOG_ERROR_INVALID_ARGUMENT, CATDOG_OK};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(catdog_result_status(batch, i), expected[i]) << i;
    if (expected[i] == CATDOG_OK) {
      EXPECT_STREQ(catdog_result_message(batch, i), "") << i;
      EXPECT_EQ(probabilities(batch, i, 2), probabilities(classify(pictures[i]).get(), 0, 2)) << i;
    } else {
      EXPECT_STRNE(catdog_result_message(batch, i), "") << i;
      EXPECT_EQ(catdog_result_label(batch, i), nullptr) << i;
      EXPECT_EQ(catdog_result_confidence(batch, i), 0) << i;
      EXPECT_EQ(catdog_result_ranked(batch, i, 0, nullptr, nullptr), CATDOG_ERROR_INVALID_ARGUMENT) << i;
    }
  }
  EXPECT_STREQ(catdog_result_format(batch, 1), "");
  EXPECT_STREQ(catdog_result_format(batch, 3), "jpeg");
}

TEST_F(Classify, AResultOutlivesItsClassifier) {
  const ResultOwner result = classify(encoded_picture(jpeg_));
  const std::string label = catdog_result_label(result.get(), 0);
  classifier_.reset();
  EXPECT_EQ(catdog_result_label(result.get(), 0), label);
}

TEST_F(Classify, TwoModelsAtOnce) {
  const ClassifierOwner other = open_model(three_label_model());
  const std::vector<double> before = probabilities(classify(encoded_picture(jpeg_)).get(), 0, 2);
  catdog_result* three = nullptr;
  ASSERT_EQ(catdog_classifier_classify_encoded(&three, other.get(), jpeg_.data(), jpeg_.size()), CATDOG_OK);
  const ResultOwner owner(three);
  const std::vector<double> of_three = probabilities(three, 0, 3);
  EXPECT_NEAR(of_three[0] + of_three[1] + of_three[2], 1, 1e-6);
  EXPECT_THAT(catdog_result_label(three, 0),
              testing::AnyOf(testing::StrEq("ant"), testing::StrEq("bee"), testing::StrEq("fly")));
  EXPECT_STREQ(catdog_classifier_info(other.get(), CATDOG_INFO_INPUT_SIZE), "24x40");
  EXPECT_EQ(probabilities(classify(encoded_picture(jpeg_)).get(), 0, 2), before);
}

TEST_F(Classify, NothingIsPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  for (const char* name : {"tall_cut10.jpg", "tall_cut80.jpg", "tall_cut99.jpg", "rgb16.png", "palette.png", "ycck.jpg",
                           "animated.gif", "lossy.webp"}) {
    ByteString bytes = test_support::shipped_picture(name);
    encoded_status(bytes);
    bytes[bytes.size() / 2] ^= 0xFFU;
    encoded_status(bytes);
  }
  catdog_classifier* bad = nullptr;
  catdog_classifier_open_memory(&bad, jpeg_.data(), jpeg_.size(), nullptr);
  catdog_classifier_open_file(&bad, "/nowhere", nullptr);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

}  // namespace
}  // namespace catdog::capi_test
