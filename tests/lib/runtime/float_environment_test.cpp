// SPDX-License-Identifier: Apache-2.0
#include "runtime/float_environment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "runtime/worker_pool.hpp"
#include "support/float_modes.hpp"

namespace catdog {
namespace {

using test_support::FloatMode;

class FloatEnvironment : public testing::TestWithParam<FloatMode> {};

TEST_P(FloatEnvironment, IsTheDefaultInsideAndTheCallersOutside) {
  const FloatMode& mode = GetParam();
  int rounding = -1;
  int traps = -1;
  bool loses_denormals = true;
  bool set_before = false;
  bool set_after = false;
  {
    const test_support::ModeScope caller(mode);
    set_before = mode.is_set();
    {
      const core::DefaultFloatEnvironment inside;
      rounding = std::fegetround();
      traps = test_support::enabled_traps();
      loses_denormals = test_support::loses_denormals();
    }
    set_after = mode.is_set();
  }
  EXPECT_TRUE(set_before);
  EXPECT_EQ(rounding, FE_TONEAREST);
  EXPECT_EQ(traps, 0);
  EXPECT_FALSE(loses_denormals);
  EXPECT_TRUE(set_after);
}

INSTANTIATE_TEST_SUITE_P(All, FloatEnvironment, testing::ValuesIn(test_support::float_modes()),
                         [](const auto& info) { return info.param.name; });

TEST(FloatEnvironmentFlags, WhatIsRaisedInsideIsNotSeenOutside) {
  std::feclearexcept(FE_ALL_EXCEPT);
  {
    const core::DefaultFloatEnvironment inside;
    std::feraiseexcept(FE_OVERFLOW);
  }
  EXPECT_EQ(std::fetestexcept(FE_ALL_EXCEPT), 0);
}

// The worker is started by a call whose thread has changed its settings.
TEST(FloatEnvironmentWorkers, DoNotInheritTheCallersModes) {
  core::WorkerPool pool(2);
  std::array<int, 2> modes{-1, -1};
  std::atomic<int> arrived{0};
  const test_support::ModeScope caller(test_support::float_modes().front());
  pool.for_each(2, [&](std::size_t i) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();  // So that each thread has one item.
    modes[i] = std::fegetround();
  });
  EXPECT_EQ(std::count(modes.begin(), modes.end(), FE_TONEAREST), 1);  // The other is the caller's own thread.
}

}  // namespace
}  // namespace catdog
