// SPDX-License-Identifier: Apache-2.0
// White-box: every kind of exception ends at the ABI as a status and a message.
#include "guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace catdog {
namespace {

using capi::guard;
using core::Failure;
using core::Status;

std::string error_after(const std::string& message) {
  EXPECT_EQ(guard([&] { throw Failure(Status::corrupt, message); }), CATDOG_ERROR_CORRUPT);
  return catdog_last_error();
}

TEST(Guard, SuccessLeavesTheLastErrorAlone) {
  error_after("earlier");
  EXPECT_EQ(guard([] {}), CATDOG_OK);
  EXPECT_STREQ(catdog_last_error(), "earlier");
}

TEST(Guard, EveryFailureKeepsItsStatusNumberAndMessage) {
  const std::pair<Status, catdog_status> statuses[] = {{Status::invalid_argument, CATDOG_ERROR_INVALID_ARGUMENT},
                                                       {Status::unknown_option, CATDOG_ERROR_UNKNOWN_OPTION},
                                                       {Status::not_found, CATDOG_ERROR_NOT_FOUND},
                                                       {Status::io, CATDOG_ERROR_IO},
                                                       {Status::unsupported, CATDOG_ERROR_UNSUPPORTED},
                                                       {Status::corrupt, CATDOG_ERROR_CORRUPT},
                                                       {Status::limit, CATDOG_ERROR_LIMIT},
                                                       {Status::model_format, CATDOG_ERROR_MODEL_FORMAT},
                                                       {Status::model_version, CATDOG_ERROR_MODEL_VERSION},
                                                       {Status::model_checksum, CATDOG_ERROR_MODEL_CHECKSUM},
                                                       {Status::model_unsupported, CATDOG_ERROR_MODEL_UNSUPPORTED},
                                                       {Status::engine_unavailable, CATDOG_ERROR_ENGINE_UNAVAILABLE},
                                                       {Status::engine_failed, CATDOG_ERROR_ENGINE_FAILED},
                                                       {Status::out_of_memory, CATDOG_ERROR_OUT_OF_MEMORY},
                                                       {Status::internal, CATDOG_ERROR_INTERNAL}};
  for (const auto& [status, outside] : statuses) {
    const Status inside = status;  // A lambda can't refer to a structured binding in clang 14.
    const std::string message = std::string("reason ") + core::status_name(inside);
    EXPECT_EQ(guard([&] { throw Failure(inside, message); }), outside);
    EXPECT_EQ(catdog_last_error(), message);
  }
}

TEST(Guard, OtherExceptionsBecomeStatuses) {
  EXPECT_EQ(guard([] { throw std::bad_alloc(); }), CATDOG_ERROR_OUT_OF_MEMORY);
  EXPECT_STREQ(catdog_last_error(), "out of memory");
  EXPECT_EQ(guard([] { throw std::bad_array_new_length(); }), CATDOG_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(guard([] { throw std::logic_error("a defect"); }), CATDOG_ERROR_INTERNAL);
  EXPECT_STREQ(catdog_last_error(), "a defect");
  EXPECT_EQ(guard([] { throw 42; }), CATDOG_ERROR_INTERNAL);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("unknown type"));
}

TEST(Guard, LongMessagesAreCutAtTheEnd) {
  EXPECT_EQ(error_after(std::string(1023, 'a')), std::string(1023, 'a'));
  EXPECT_EQ(error_after(std::string(1024, 'a')), std::string(1023, 'a'));
  EXPECT_EQ(error_after(std::string(100000, 'a')), std::string(1023, 'a'));
}

TEST(Guard, LongMessagesAreCutBetweenCharacters) {
  // The limit of 1,023 bytes falls at each place inside characters of two, three and four bytes.
  for (const std::string character : {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x90\xB1"}) {
    for (std::size_t lead = 0; lead < character.size(); ++lead) {
      std::string message(lead, 'a');
      while (message.size() < 2000) message += character;
      const std::size_t fitting = lead + (1023 - lead) / character.size() * character.size();
      EXPECT_EQ(error_after(message), message.substr(0, fitting)) << character << " after " << lead;
    }
  }
}

TEST(Guard, BytesThatAreNotTextAreCutToo) {
  // All continuation bytes: nothing to cut between.
  EXPECT_EQ(error_after(std::string(5000, '\x80')), "");
}

TEST(Guard, LastErrorBelongsToItsThread) {
  error_after("of the first thread");
  std::string before = "not run";
  std::string after;
  std::thread([&] {
    before = catdog_last_error();
    after = error_after("of the second thread");
  }).join();
  EXPECT_EQ(before, "");
  EXPECT_EQ(after, "of the second thread");
  EXPECT_STREQ(catdog_last_error(), "of the first thread");
}

TEST(Guard, CreateClearsTheOutputOnFailure) {
  int something = 0;
  int* out = &something;
  EXPECT_EQ(capi::create(&out, []() -> std::unique_ptr<int> { throw std::bad_alloc(); }), CATDOG_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(capi::create(static_cast<int**>(nullptr), [] { return std::make_unique<int>(1); }),
            CATDOG_ERROR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace catdog
