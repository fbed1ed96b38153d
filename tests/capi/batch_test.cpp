// SPDX-License-Identifier: Apache-2.0
#include "capi/support.hpp"

namespace catdog::test_support {
namespace {

using testing::HasSubstr;

catdog_status classify_batch(ResultHandle& out, const ClassifierHandle& classifier,
                             const std::vector<catdog_image>& images) {
  catdog_result* result = nullptr;
  const catdog_status status =
      catdog_classifier_classify_batch(&result, classifier.get(), images.data(), images.size());
  out.reset(result);
  return status;
}

class CapiBatch : public testing::TestWithParam<int> {
 protected:
  CapiBatch() {
    const auto options = make_options();
    EXPECT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, GetParam()), CATDOG_OK);
    classifier_ = open_model({}, options.get());
  }
  ClassifierHandle classifier_;
  ResultHandle result_;
};

TEST_P(CapiBatch, KeepsTheOrderAndTheVerdictsOfSingleCalls) {
  std::vector<ByteString> files;
  files.reserve(40);
  for (int i = 0; i < 40; ++i) files.push_back(encode_png(make_scene(20 + i, 60 - i)));
  std::vector<catdog_image> images;
  images.reserve(files.size());
  for (const ByteString& file : files) images.push_back(encoded_image(file));
  ASSERT_EQ(classify_batch(result_, classifier_, images), CATDOG_OK) << catdog_last_error();
  ASSERT_EQ(catdog_result_count(result_.get()), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(catdog_result_status(result_.get(), i), CATDOG_OK);
    EXPECT_EQ(catdog_result_measure(result_.get(), i, CATDOG_MEASURE_WIDTH), 20 + static_cast<double>(i));
    EXPECT_EQ(probabilities(result_.get(), i), verdict_on(classifier_, files[i])) << i;
  }
}

TEST_P(CapiBatch, ABadImageFailsAlone) {
  const ByteString good = encode_png(make_scene(30, 20));
  const ByteString text(100, 'x');
  const ByteString damaged = shipped_image("tall_cut10.jpg");
  const ByteString huge = make_black_png(10000, 10000);
  std::vector<catdog_image> images{encoded_image(good),
                                   encoded_image(text),
                                   encoded_image(damaged),
                                   encoded_image(huge),
                                   encoded_image(good),
                                   encoded_image(good),
                                   raw_image(CATDOG_FORMAT_RGB8, good, 1000, 1000),
                                   encoded_image(good)};
  images[4].flags = 8;
  images[5].data = nullptr;
  ASSERT_EQ(classify_batch(result_, classifier_, images), CATDOG_OK) << catdog_last_error();
  const catdog_status expected[] = {CATDOG_OK,
                                    CATDOG_ERROR_UNSUPPORTED,
                                    CATDOG_ERROR_CORRUPT,
                                    CATDOG_ERROR_LIMIT,
                                    CATDOG_ERROR_INVALID_ARGUMENT,
                                    CATDOG_ERROR_INVALID_ARGUMENT,
                                    CATDOG_ERROR_INVALID_ARGUMENT,
                                    CATDOG_OK};
  for (std::size_t i = 0; i < images.size(); ++i) {
    EXPECT_EQ(catdog_result_status(result_.get(), i), expected[i]) << i;
    const bool ok = expected[i] == CATDOG_OK;
    EXPECT_EQ(*catdog_result_message(result_.get(), i) == '\0', ok) << i;
    EXPECT_EQ(catdog_result_label(result_.get(), i) != nullptr, ok) << i;
    EXPECT_EQ(catdog_result_confidence(result_.get(), i) > 0, ok) << i;
    EXPECT_EQ(catdog_result_ranked(result_.get(), i, 0, nullptr, nullptr) == CATDOG_OK, ok) << i;
    EXPECT_EQ(catdog_result_abstained(result_.get(), i), 0) << i;
  }
  EXPECT_THAT(catdog_result_message(result_.get(), 4), HasSubstr("flags"));
  EXPECT_EQ(probabilities(result_.get(), 7), probabilities(result_.get(), 0));
  EXPECT_EQ(probabilities(result_.get(), 0), verdict_on(classifier_, good));
}

INSTANTIATE_TEST_SUITE_P(Threads, CapiBatch, testing::Values(1, 3));

TEST(CapiBatchArguments, NullsAndNothing) {
  const auto classifier = open_model();
  const ByteString good = encode_png(make_scene(30, 20));
  const catdog_image image = encoded_image(good);
  EXPECT_EQ(catdog_classifier_classify_batch(nullptr, classifier.get(), &image, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  const auto refused = [&](const catdog_classifier* c, const catdog_image* images, std::size_t count, const char* why) {
    auto* result = reinterpret_cast<catdog_result*>(const_cast<catdog_image*>(&image));
    EXPECT_EQ(catdog_classifier_classify_batch(&result, c, images, count), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(result, nullptr);
    EXPECT_THAT(catdog_last_error(), HasSubstr(why));
  };
  refused(nullptr, &image, 1, "classifier is NULL");
  refused(classifier.get(), nullptr, 1, "images is NULL");
  refused(classifier.get(), &image, 0, "empty");
}

TEST(CapiBatchArguments, ACountThatCanNotBeHeldIsOutOfMemory) {
  const auto classifier = open_model();
  const ByteString good = encode_png(make_scene(30, 20));
  const catdog_image image = encoded_image(good);
  catdog_result* result = nullptr;
  // Refused before any of the images is looked at: there is but one.
  EXPECT_EQ(catdog_classifier_classify_batch(&result, classifier.get(), &image, SIZE_MAX), CATDOG_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(result, nullptr);
}

}  // namespace
}  // namespace catdog::test_support
