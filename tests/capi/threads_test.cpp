// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <fstream>
#include <thread>

#include "fixture.hpp"

namespace catdog::capi_test {
namespace {

std::vector<ByteString> some_pictures() {
  std::vector<ByteString> pictures;
  for (const int width : {40, 61, 90, 128, 200}) pictures.push_back(small_jpeg(width, 50));
  pictures.push_back(test_support::encode_png(test_support::make_scene(70, 30)));
  return pictures;
}

std::vector<double> classify(const catdog_classifier* classifier, const ByteString& bytes) {
  catdog_result* result = nullptr;
  if (catdog_classifier_classify_encoded(&result, classifier, bytes.data(), bytes.size()) != CATDOG_OK) return {};
  const ResultOwner owner(result);
  return probabilities(result, 0, 2);
}

TEST(Threads, EightOnOneClassifierGiveTheAnswersOfOne) {
  const ClassifierOwner classifier = open_model(small_model());
  const std::vector<ByteString> pictures = some_pictures();
  std::vector<std::vector<double>> expected;
  for (const ByteString& picture : pictures) expected.push_back(classify(classifier.get(), picture));
  for (const auto& one : expected) ASSERT_EQ(one.size(), 2U);
  ASSERT_NE(expected.front(), expected.back());

  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 40; ++i) {
        const std::size_t which = (i + t) % pictures.size();
        if (classify(classifier.get(), pictures[which]) != expected[which]) ++wrong;  // Bit by bit.
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, BatchesFromManyThreadsAtOnce) {
  const OptionsOwner options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 3), CATDOG_OK);
  const ClassifierOwner classifier = open_model(small_model(), options.get());
  const std::vector<ByteString> pictures = some_pictures();
  std::vector<catdog_picture> views;
  std::vector<std::vector<double>> expected;
  for (const ByteString& picture : pictures) {
    views.push_back(encoded_picture(picture));
    expected.push_back(classify(classifier.get(), picture));
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        catdog_result* batch = nullptr;
        if (catdog_classifier_classify_batch(&batch, classifier.get(), views.data(), views.size()) != CATDOG_OK) {
          ++wrong;
          continue;
        }
        const ResultOwner owner(batch);
        for (std::size_t i = 0; i < views.size(); ++i) {
          if (probabilities(batch, i, 2) != expected[i]) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

#if defined(__has_feature)
#define CATDOG_TEST_FEATURE(x) __has_feature(x)
#else
#define CATDOG_TEST_FEATURE(x) 0
#endif

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") {
      long kib = 0;
      status >> kib;
      return kib;
    }
  }
  return -1;
}

void open_use_close() {
  static const ByteString jpeg = small_jpeg();
  const ClassifierOwner classifier = open_model(small_model());
  ASSERT_EQ(classify(classifier.get(), jpeg).size(), 2U);
}

TEST(Lifetime, AThousandClassifiersDoNotGrow) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || CATDOG_TEST_FEATURE(address_sanitizer) || \
    CATDOG_TEST_FEATURE(thread_sanitizer)
  GTEST_SKIP() << "a sanitizer keeps freed memory; LeakSanitizer looks for leaks there";
#else
  for (int i = 0; i < 200; ++i) open_use_close();
  const long before = resident_kib();
  ASSERT_GT(before, 0);
  for (int i = 0; i < 1000; ++i) open_use_close();
  // A leak of one weight tensor or one plan a time would be tens of MiB.
  EXPECT_LT(resident_kib() - before, 4 * 1024);
#endif
}

TEST(Lifetime, ManyAreOpenedAndClosedUnderSanitizersToo) {
  for (int i = 0; i < 20; ++i) open_use_close();
}

}  // namespace
}  // namespace catdog::capi_test
