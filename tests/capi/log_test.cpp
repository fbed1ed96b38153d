// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "capi/support.hpp"

namespace catdog::test_support {
namespace {

struct Log {
  std::vector<std::pair<catdog_log_level, std::string>> lines;
  static void append(void* user_data, catdog_log_level level, const char* message) {
    static_cast<Log*>(user_data)->lines.emplace_back(level, message);
  }
};

// Opening says at `info` which engine is used.
void open_with(catdog_log_level level, catdog_log_function function, Log& log) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_log(options.get(), level, function, &log), CATDOG_OK);
  ASSERT_NE(open_model({}, options.get()), nullptr);
}

TEST(CapiLog, MessagesReachTheFunctionWithItsData) {
  Log log;
  open_with(CATDOG_LOG_DEBUG, &Log::append, log);
  EXPECT_THAT(log.lines, testing::Contains(testing::Pair(CATDOG_LOG_INFO, testing::HasSubstr("native"))));
}

TEST(CapiLog, TheLevelItselfPassesAndLowerOnesDoNot) {
  Log info;
  open_with(CATDOG_LOG_INFO, &Log::append, info);
  EXPECT_THAT(info.lines, testing::Contains(testing::Key(CATDOG_LOG_INFO)));
  Log warning;
  open_with(CATDOG_LOG_WARNING, &Log::append, warning);
  EXPECT_THAT(warning.lines, testing::Not(testing::Contains(testing::Key(CATDOG_LOG_INFO))));
  Log error;
  open_with(CATDOG_LOG_ERROR, &Log::append, error);
  EXPECT_THAT(error.lines, testing::IsEmpty());
}

TEST(CapiLog, SilentByDefaultAndAgainAfterNull) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  Log log;
  open_with(CATDOG_LOG_DEBUG, nullptr, log);
  const auto options = make_options();
  EXPECT_EQ(catdog_options_set_log(options.get(), CATDOG_LOG_DEBUG, &Log::append, &log), CATDOG_OK);
  EXPECT_EQ(catdog_options_set_log(options.get(), CATDOG_LOG_DEBUG, nullptr, nullptr), CATDOG_OK);
  const auto silenced = open_model({}, options.get());
  const auto by_default = open_model();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(log.lines, testing::IsEmpty());
}

TEST(CapiLog, WhatACallbackThrowsIsDropped) {
  int calls = 0;
  const auto throwing = [](void* user_data, catdog_log_level, const char*) {
    ++*static_cast<int*>(user_data);
    throw std::runtime_error("a callback must not");
  };
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_log(options.get(), CATDOG_LOG_DEBUG, throwing, &calls), CATDOG_OK);
  EXPECT_NE(open_model({}, options.get()), nullptr);
  EXPECT_GT(calls, 0);
}

TEST(CapiLog, LevelsOutOfRangeAreRefused) {
  const auto options = make_options();
  for (const catdog_log_level level : {9, 41, 0, -1}) {
    EXPECT_EQ(catdog_options_set_log(options.get(), level, &Log::append, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(catdog_last_error(), testing::HasSubstr("level"));
  }
}

}  // namespace
}  // namespace catdog::test_support
