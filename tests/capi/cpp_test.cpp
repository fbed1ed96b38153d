// SPDX-License-Identifier: Apache-2.0
// The C++ header.
#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <type_traits>

#include "fixture.hpp"

namespace catdog::capi_test {
namespace {

static_assert(std::is_nothrow_move_constructible_v<Classifier> && std::is_nothrow_move_assignable_v<Classifier>);
static_assert(!std::is_copy_constructible_v<Classifier>);
static_assert(std::is_copy_constructible_v<Result>);
static_assert(std::is_base_of_v<std::runtime_error, Error>);
static_assert(!std::is_constructible_v<Bytes, std::vector<int>>, "elements of bytes only");

template <typename Call>
catdog_status thrown_status(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
    EXPECT_STREQ(error.status_name(), catdog_status_name(error.status()));
    return error.status();
  }
  return CATDOG_OK;
}

TEST(Cpp, OpensFromMemoryAndFile) {
  const TemporaryFolder folder;
  const std::string path = folder.write("model.pt", small_model());
  const Classifier from_file = Classifier::open(path);
  const Classifier from_memory = Classifier::open_memory(small_model());
  EXPECT_THAT(from_file.labels(), testing::ElementsAre("cat", "dog"));
  EXPECT_EQ(from_file.info(CATDOG_INFO_MODEL_PATH), path);
  EXPECT_EQ(from_memory.info(CATDOG_INFO_MODEL_PATH), "");
  EXPECT_EQ(from_memory.info(9999), "");
  const ByteString jpeg = small_jpeg();
  ASSERT_EQ(from_memory.classify(jpeg).probabilities().size(), 2U);
  EXPECT_EQ(from_file.classify(jpeg).probabilities(), from_memory.classify(jpeg).probabilities());
  const std::string picture = folder.write("pet.jpg", jpeg);
  EXPECT_EQ(from_file.classify_file(picture).probabilities(), from_memory.classify(jpeg).probabilities());
}

TEST(Cpp, ResultsAreValues) {
  Result result = [] {
    const Classifier classifier = Classifier::open_memory(three_label_model());
    const ByteString jpeg = small_jpeg(60, 44);
    return classifier.classify(Picture::encoded(jpeg));
  }();
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.message(), "");
  ASSERT_EQ(result.ranked().size(), 3U);
  ASSERT_EQ(result.probabilities().size(), 3U);
  double sum = 0;
  for (const double probability : result.probabilities()) sum += probability;
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(result.label_index(), result.ranked()[0]);
  EXPECT_EQ(result.label(),
            (std::vector<std::string>{"ant", "bee", "fly"}[static_cast<std::size_t>(result.label_index())]));
  EXPECT_EQ(result.confidence(), result.probabilities()[static_cast<std::size_t>(result.label_index())]);
  EXPECT_GE(result.probabilities()[static_cast<std::size_t>(result.ranked()[1])],
            result.probabilities()[static_cast<std::size_t>(result.ranked()[2])]);
  EXPECT_EQ(result.width(), 60);
  EXPECT_EQ(result.height(), 44);
  EXPECT_EQ(result.format(), "jpeg");
  EXPECT_GT(result.timings().infer_ms, 0);
  EXPECT_GE(result.timings().total_ms, result.timings().infer_ms);
}

TEST(Cpp, ErrorsCarryTheirStatus) {
  const Classifier classifier = Classifier::open_memory(small_model());
  EXPECT_EQ(thrown_status([] { Classifier::open("/nowhere/model.pt"); }), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(thrown_status([] { Classifier::open_memory(std::string("no model")); }), CATDOG_ERROR_MODEL_FORMAT);
  EXPECT_EQ(thrown_status([&] { classifier.classify_file("/nowhere.jpg"); }), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(thrown_status([&] { classifier.classify(std::string_view("no picture")); }), CATDOG_ERROR_UNSUPPORTED);
  EXPECT_EQ(thrown_status([] { Options().threads(-1); }), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(thrown_status([] { Options().abstain_below(2); }), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(thrown_status([] { Options().engine("steam"); }), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(thrown_status([&] { classifier.warm_up(-1); }), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST(Cpp, OptionsChain) {
  const Classifier classifier = Classifier::open_memory(small_model(), Options()
                                                                           .threads(2)
                                                                           .self_test(true)
                                                                           .engine("native")
                                                                           .precision("fp32")
                                                                           .max_encoded_bytes(1 << 20)
                                                                           .max_pixels(1'000'000)
                                                                           .max_side(100)
                                                                           .max_scans(50)
                                                                           .abstain_below(1.0)
                                                                           .expected_sha256("")
                                                                           .torch_plugin(""));
  EXPECT_EQ(classifier.info(CATDOG_INFO_THREADS), "2");
  EXPECT_EQ(classifier.info(CATDOG_INFO_PRECISION), "fp32");
  const ByteString jpeg = small_jpeg(60, 44);
  EXPECT_TRUE(classifier.classify(jpeg).abstained());
  const ByteString wide = small_jpeg(101, 44);
  EXPECT_EQ(thrown_status([&] { classifier.classify(wide); }), CATDOG_ERROR_LIMIT);
}

TEST(Cpp, BatchKeepsOrderAndStatuses) {
  const Classifier classifier = Classifier::open_memory(small_model(), Options().threads(2));
  const ByteString jpeg = small_jpeg();
  const ByteString rubbish{1, 2, 3, 4};
  const test_support::Pixels scene = test_support::make_scene(33, 21);
  const std::vector<Result> results =
      classifier.classify_batch({Picture::encoded(jpeg), Picture::encoded(rubbish),
                                 Picture::pixels(CATDOG_FORMAT_RGB8, scene.rgb, scene.width, scene.height)});
  ASSERT_EQ(results.size(), 3U);
  EXPECT_TRUE(results[0].ok());
  EXPECT_EQ(results[0].probabilities(), classifier.classify(jpeg).probabilities());
  EXPECT_EQ(results[1].status(), CATDOG_ERROR_UNSUPPORTED);
  EXPECT_NE(results[1].message(), "");
  EXPECT_EQ(results[1].label(), "");
  EXPECT_EQ(results[1].label_index(), -1);
  EXPECT_TRUE(results[1].probabilities().empty());
  EXPECT_EQ(results[2].format(), "raw");
  EXPECT_EQ(results[2].width(), 33);
  EXPECT_TRUE(classifier.classify_batch({}).empty());
}

TEST(Cpp, MovesKeepTheClassifierWorking) {
  Classifier first = Classifier::open_memory(small_model());
  const ByteString jpeg = small_jpeg();
  const std::vector<double> expected = first.classify(jpeg).probabilities();
  ASSERT_EQ(expected.size(), 2U);
  Classifier second = std::move(first);
  EXPECT_EQ(second.classify(jpeg).probabilities(), expected);
  Classifier third = Classifier::open_memory(three_label_model());
  third = std::move(second);
  EXPECT_EQ(third.classify(jpeg).probabilities(), expected);
}

TEST(Cpp, TheLogFunctionLivesAsLongAsItIsNeeded) {
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = alive;
  {
    std::optional<Classifier> classifier;
    {
      Options options;
      options.log(CATDOG_LOG_DEBUG, [alive](catdog_log_level, std::string_view message) {
        if (!message.empty()) ++*alive;
        throw std::runtime_error("dropped");
      });
      classifier.emplace(Classifier::open_memory(small_model(), options));
      EXPECT_GT(*alive, 0);
      alive.reset();
    }
    EXPECT_FALSE(watch.expired()) << "the classifier may still call it";
  }
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace catdog::capi_test
