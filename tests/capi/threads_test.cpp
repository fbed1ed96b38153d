// SPDX-License-Identifier: Apache-2.0
// One classifier, many threads: run under ThreadSanitizer too.
#include <atomic>
#include <set>
#include <thread>

#include "capi/support.hpp"

namespace catdog::test_support {
namespace {

constexpr int kThreads = 8;

std::vector<ByteString> some_images() {
  std::vector<ByteString> images;
  for (const char* name : {"baseline.jpg", "progressive.jpg", "rgba.png", "lossy.webp", "plain.gif", "cmyk.jpg"}) {
    images.push_back(shipped_image(name));
  }
  return images;
}

// Runs work(thread) on all threads, which wait for each other first.
template <typename Work>
void run_together(Work work) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      ready.fetch_add(1);
      while (ready.load() < kThreads) std::this_thread::yield();
      work(t);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CapiThreads, EightThreadsGiveTheAnswersOfOne) {
  const auto classifier = open_model();
  const auto images = some_images();
  std::vector<std::vector<double>> expected;
  expected.reserve(images.size());
  for (const ByteString& image : images) expected.push_back(verdict_on(classifier, image));
  ASSERT_GT(std::set(expected.begin(), expected.end()).size(), 1U);  // Otherwise a mix-up would go unseen.
  std::vector<std::vector<std::vector<double>>> got(kThreads);
  run_together([&](int t) {
    for (int round = 0; round < 5; ++round) {
      for (std::size_t i = 0; i < images.size(); ++i) {
        // Each thread begins with another image.
        got[t].push_back(verdict_on(classifier, images[(i + static_cast<std::size_t>(t)) % images.size()]));
      }
    }
  });
  for (std::size_t t = 0; t < kThreads; ++t) {
    ASSERT_EQ(got[t].size(), 5 * images.size());
    for (std::size_t n = 0; n < got[t].size(); ++n) EXPECT_EQ(got[t][n], expected[(n + t) % images.size()]);
  }
}

TEST(CapiThreads, BatchesFromEightThreadsAtOnce) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 3), CATDOG_OK);
  const auto classifier = open_model({}, options.get());
  const auto files = some_images();
  std::vector<catdog_image> images;
  std::vector<std::vector<double>> expected;
  for (const ByteString& file : files) {
    images.push_back(encoded_image(file));
    expected.push_back(verdict_on(classifier, file));
  }
  std::vector<std::vector<std::vector<double>>> got(kThreads);
  run_together([&](int t) {
    catdog_result* result = nullptr;
    if (catdog_classifier_classify_batch(&result, classifier.get(), images.data(), images.size()) == CATDOG_OK) {
      for (std::size_t i = 0; i < images.size(); ++i) got[t].push_back(probabilities(result, i));
    }
    catdog_result_destroy(result);
  });
  EXPECT_THAT(got, testing::Each(expected));
}

TEST(CapiThreads, FailuresKeepToTheirThread) {
  const auto classifier = open_model();
  std::vector<std::string> messages(kThreads);
  run_together([&](int t) {
    for (int round = 0; round < 50; ++round) {
      catdog_result* result = nullptr;
      const std::string path = "/nowhere/" + std::to_string(t) + ".jpg";
      static_cast<void>(catdog_classifier_classify_file(&result, classifier.get(), path.c_str()));
      messages[static_cast<std::size_t>(t)] = catdog_last_error();
    }
  });
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_THAT(messages[static_cast<std::size_t>(t)], testing::HasSubstr("/nowhere/" + std::to_string(t) + ".jpg"));
  }
}

TEST(CapiThreads, OpenClassifyAndDestroyEverywhereAtOnce) {
  const Bytes archive = make_model_archive();
  const ByteString image = shipped_image("baseline.jpg");
  ClassifierHandle one;
  ASSERT_EQ(open_memory(one, archive), CATDOG_OK);
  const auto expected = verdict_on(one, image);
  std::vector<std::vector<double>> got(kThreads);
  run_together([&](int t) {
    for (int round = 0; round < 3; ++round) {
      ClassifierHandle own;
      if (open_memory(own, archive) == CATDOG_OK) got[static_cast<std::size_t>(t)] = verdict_on(own, image);
    }
  });
  EXPECT_THAT(got, testing::Each(expected));
}

}  // namespace
}  // namespace catdog::test_support
