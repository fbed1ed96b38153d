// SPDX-License-Identifier: Apache-2.0
// A deadline that passes while a worker has the request: it is refused once and counted once, whoever notices first.
#include <gtest/gtest.h>

#include <future>

#include "endpoints/classify.hpp"

namespace catdog::service {
namespace {

using namespace std::chrono_literals;

class DeadlineTest : public testing::Test {
 protected:
  static Config silent() {
    Config config;
    config.model = CATDOG_SOURCE_DIR "/models/best_model.pt";
    config.log_level = "off";
    return config;
  }
  CallPtr make_call(Clock::time_point deadline) {
    Request request;
    request.path = "/predict";
    request.deadline = deadline;
    return std::make_shared<Call>(std::move(request),
                                  [this](const Response& response) { replies_.push_back(response); });
  }
  // Has the queue's worker do it to the end.
  void work(const CallPtr& call, const std::function<void()>& action) {
    service_.queue.start(1);
    service_.queue.submit(call, [action](double) { action(); });
    service_.queue.stop();
  }
  double expired() { return service_.metrics.rejected.at({"expired"}).Value(); }

  Service service_{silent()};
  std::vector<Response> replies_;
};

TEST_F(DeadlineTest, PassedBetweenPicturesIsNoticed) {
  const ModelPtr model = load_model(service_.config, service_.log);
  const CallPtr call = make_call(Clock::now() - 1ms);
  EXPECT_THROW(classify_all(service_, *model, *call, std::vector<Upload>(2), 0), Expired);
}

TEST_F(DeadlineTest, NoticedByTheWorkerIsCounted) {
  work(make_call(Clock::now() + 1h), [] { throw Expired("between the pictures"); });
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].status, 503);
  EXPECT_EQ(replies_[0].problem, "overloaded");  // From which errors_total is counted.
  EXPECT_EQ(expired(), 1);
}

TEST_F(DeadlineTest, WhatWasAnsweredBeforeIsNotCountedAgain) {
  const CallPtr call = make_call(Clock::now() + 1h);
  work(call, [call] {
    call->reply({});
    throw Expired("between the pictures");
  });
  EXPECT_EQ(replies_.size(), 1U);
  EXPECT_EQ(expired(), 0);
}

TEST_F(DeadlineTest, WhoWentAwayIsNotCounted) {
  const CallPtr call = make_call(Clock::now() + 1h);
  work(call, [call] {
    call->abandon();
    throw Expired("between the pictures");
  });
  EXPECT_EQ(expired(), 0);
}

}  // namespace
}  // namespace catdog::service
