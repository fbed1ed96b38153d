// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "status.hpp"

namespace catdog::test_support {

// The work must throw a Failure of that status whose message contains `part`.
inline void expect_failure(core::Status status, const std::string& part, const std::function<void()>& work) {
  try {
    work();
  } catch (const core::Failure& failure) {
    EXPECT_STREQ(core::status_name(failure.status()), core::status_name(status)) << failure.what();
    EXPECT_THAT(failure.what(), testing::HasSubstr(part));
    return;
  }
  ADD_FAILURE() << "no failure, but one with \"" << part << "\" was expected";
}

}  // namespace catdog::test_support
