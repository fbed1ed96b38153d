// SPDX-License-Identifier: Apache-2.0
// Run with OMP_NUM_THREADS=8: the engine must not bring threads of its own, whatever OpenMP was told.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "lib/engine/networks.hpp"
#include "support/process_threads.hpp"

namespace catdog {
namespace {

using test_support::process_threads;

TEST(ThreadCount, EightCallersAreEightThreads) {
  const char* asked = std::getenv("OMP_NUM_THREADS");
  ASSERT_TRUE(asked != nullptr && std::string(asked) == "8") << "run me with OMP_NUM_THREADS=8";
  ASSERT_EQ(omp_get_max_threads(), 8);
  constexpr int callers = 8;
  const int before = process_threads();

  test_support::ModelRecipe recipe;
  recipe.width = 64;
  recipe.height = 64;
  const auto engine = core::create_native_engine(test_support::model_for(recipe), core::Precision::fp32);
  EXPECT_EQ(omp_get_max_threads(), 8) << "the embedder's own setting must survive";

  std::atomic<int> most{0};
  std::atomic<int> finished{0};
  std::vector<std::thread> threads;
  threads.reserve(callers);
  for (int t = 0; t < callers; ++t) {
    threads.emplace_back([&] {
      const auto context = engine->create_context();
      test_support::fill(context->input(), test_support::random_image(64, 64, 1));
      std::vector<float> logits(2);
      for (int i = 0; i < 200; ++i) {
        context->run(logits);
        const int now = process_threads();
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
      }
      ++finished;
      while (finished < callers) std::this_thread::yield();  // All alive at once, at least here.
      const int now = process_threads();
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, before + callers);
  EXPECT_GE(most, before + callers - 1);  // The counting sees threads at all.
}

}  // namespace
}  // namespace catdog
