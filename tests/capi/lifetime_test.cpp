// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "capi/support.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CATDOG_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CATDOG_SANITIZED 1
#endif
#endif

namespace catdog::test_support {
namespace {

#ifndef CATDOG_SANITIZED
long resident_kib() {
  long total = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}
#endif

void open_classify_destroy(const Bytes& archive, const ByteString& image) {
  ClassifierHandle classifier;
  ASSERT_EQ(open_memory(classifier, archive), CATDOG_OK) << catdog_last_error();
  ASSERT_EQ(verdict_on(classifier, image).size(), 2U);
}

TEST(CapiLifetime, AThousandClassifiersDoNotGrow) {
  const Bytes archive = make_model_archive();
  const ByteString image = encode_png(make_scene(40, 30));
#ifdef CATDOG_SANITIZED
  // Freed memory waits in quarantine there, and LeakSanitizer looks for what is lost.
  for (int i = 0; i < 20; ++i) open_classify_destroy(archive, image);
  GTEST_SKIP() << "the growth of memory is measured without sanitizers";
#else
  for (int i = 0; i < 100; ++i) open_classify_destroy(archive, image);
  const long before = resident_kib();
  ASSERT_GT(before, 0);
  for (int i = 0; i < 1000; ++i) open_classify_destroy(archive, image);
  EXPECT_LT(resident_kib() - before, 2048);
#endif
}

// Its batch threads are the parent's: to wait for their end would take for ever.
TEST(CapiLifetime, DestroyingInAForkedChildDoesNothing) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 2), CATDOG_OK);
  auto classifier = open_model({}, options.get());
  const ByteString bytes = encode_png(make_scene(40, 30));
  const std::vector<catdog_image> images(4, encoded_image(bytes));
  catdog_result* raw = nullptr;
  ASSERT_EQ(catdog_classifier_classify_batch(&raw, classifier.get(), images.data(), images.size()), CATDOG_OK);
  const ResultHandle result(raw);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);  // Ends a child that waits.
    classifier.reset();
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(verdict_on(classifier, bytes).size(), 2U);
}

TEST(CapiLifetime, TwoModelsAtOnce) {
  ModelRecipe other;
  other.seed = 2;
  other.width = 48;
  other.height = 24;
  other.labels = {"red", "green", "blue"};
  other.architecture = small_architecture(3);
  const ByteString image = shipped_image("baseline.jpg");
  const auto first = open_model();
  const auto before = verdict_on(first, image);
  auto second = open_model(other);
  EXPECT_EQ(verdict_on(first, image), before);
  ResultHandle result;
  ASSERT_EQ(classify(result, second, image), CATDOG_OK);
  const auto three = probabilities(result.get(), 0, 3);
  ASSERT_EQ(three.size(), 3U);
  EXPECT_NEAR(three[0] + three[1] + three[2], 1, 1e-6);
  EXPECT_THAT(other.labels, testing::Contains(catdog_result_label(result.get(), 0)));
  EXPECT_EQ(catdog_classifier_integer(first.get(), CATDOG_INFO_INPUT_HEIGHT), 32);
  EXPECT_EQ(catdog_classifier_integer(second.get(), CATDOG_INFO_INPUT_HEIGHT), 24);
  second.reset();
  EXPECT_EQ(verdict_on(first, image), before);
}

TEST(CapiLifetime, TwoSeedsGiveTwoModels) {
  ModelRecipe other;
  other.seed = 2;
  const ByteString image = shipped_image("baseline.jpg");
  const auto first = open_model();
  const auto second = open_model(other);
  EXPECT_NE(verdict_on(first, image), verdict_on(second, image));
}

}  // namespace
}  // namespace catdog::test_support
