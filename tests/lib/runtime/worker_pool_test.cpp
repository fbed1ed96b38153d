// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "support/denied_threads.hpp"
#include "support/process_threads.hpp"

namespace catdog::core {
namespace {

using test_support::process_threads;

TEST(WorkerPool, WorksWithTheThreadsThatItGets) {
  for (const int granted : {0, 1, 2}) {
    WorkerPool pool(4);
    std::vector<std::atomic<int>> hits(1000);
    const int before = process_threads();
    {
      const test_support::DeniedThreads denied(granted);
      pool.for_each(hits.size(), [&](std::size_t i) { ++hits[i]; });
    }
    EXPECT_EQ(process_threads(), before + granted);
    for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
  }
}

TEST(WorkerPool, EachItemOnce) {
  for (const int threads : {-1, 0, 1, 2, 5}) {
    WorkerPool pool(threads);
    EXPECT_EQ(pool.threads(), std::max(1, threads));
    for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
      std::vector<std::atomic<int>> hits(count);
      pool.for_each(count, [&](std::size_t i) { ++hits[i]; });
      for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
    }
  }
}

// All four must be at work at once, or the latch never opens.
TEST(WorkerPool, CallerIsOneOfTheThreads) {
  WorkerPool pool(4);
  std::latch together(4);
  std::mutex mutex;
  std::set<std::thread::id> ids;
  pool.for_each(4, [&](std::size_t) {
    {
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    }
    together.arrive_and_wait();
  });
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(ids.count(std::this_thread::get_id()), 1U);
}

TEST(WorkerPool, StartsOnFirstUseAndJoins) {
  const auto before = process_threads();
  {
    WorkerPool pool(4);
    pool.for_each(1, [](std::size_t) {});
    EXPECT_EQ(process_threads(), before);
    pool.for_each(2, [](std::size_t) {});
    EXPECT_EQ(process_threads(), before + 3);
    pool.for_each(100, [](std::size_t) {});
    EXPECT_EQ(process_threads(), before + 3);
  }
  // A joined thread may be listed a moment longer.
  for (int i = 0; i < 1000 && process_threads() != before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(process_threads(), before);
}

TEST(WorkerPool, ManyCallersAtOnce) {
  WorkerPool pool(3);
  std::vector<std::thread> callers;
  callers.reserve(6);
  std::atomic<std::size_t> sum{0};
  for (int c = 0; c < 6; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        std::vector<int> hits(37, 0);
        pool.for_each(hits.size(), [&](std::size_t i) { ++hits[i]; });
        for (const int hit : hits) sum += static_cast<std::size_t>(hit);
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum.load(), 6U * 50U * 37U);
}

// The caller does none of the steps: one that is offered while the workers leave the job must not be lost.
TEST(WorkerPool, AnOfferedStepIsAlwaysDone) {
  WorkerPool pool(3);
  std::atomic<int> waiting{0};
  WorkerPool::Job job([&] {
    for (int seen = waiting; seen > 0;) {
      if (waiting.compare_exchange_weak(seen, seen - 1)) return true;
    }
    return false;
  });
  for (int round = 0; round < 5000; ++round) {
    ++waiting;
    pool.offer(job);
    while (waiting > 0) std::this_thread::yield();
  }
  pool.withdraw(job);
  ++waiting;
  for (int i = 0; i < 100; ++i) pool.for_each(2, [](std::size_t) {});
  EXPECT_EQ(waiting.load(), 1) << "a job that was withdrawn isn't worked on";
}

TEST(WorkerPool, NestedCallsGetOn) {
  WorkerPool pool(2);
  std::atomic<int> count{0};
  pool.for_each(
      8, [&](std::size_t) { pool.for_each(8, [&](std::size_t) { pool.for_each(3, [&](std::size_t) { ++count; }); }); });
  EXPECT_EQ(count.load(), 8 * 8 * 3);
}

}  // namespace
}  // namespace catdog::core
