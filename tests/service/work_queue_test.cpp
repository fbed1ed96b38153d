// SPDX-License-Identifier: Apache-2.0
// Who is let into the queue, and what happens to who waits too long.
#include "work_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

#include "rate_limit.hpp"

namespace catdog::service {
namespace {

using namespace std::chrono_literals;

struct Waiting {
  std::promise<Response> promise;
  CallPtr call;
};

std::unique_ptr<Waiting> make_call(Clock::duration timeout = 10s, std::size_t bytes = 1) {
  auto waiting = std::make_unique<Waiting>();
  Request request;
  request.body.assign(bytes, 'x');
  request.deadline = Clock::now() + timeout;
  waiting->call = std::make_shared<Call>(std::move(request), [promise = &waiting->promise](Response response) {
    promise->set_value(std::move(response));
  });
  return waiting;
}

class WorkQueueTest : public testing::Test {
 protected:
  WorkQueue queue_{{3, 100}, [this](const char* reason) { dropped_ += reason; }};
  std::latch held_{1};
  std::latch release_{1};
  std::string dropped_;
  std::unique_ptr<Waiting> holder_ = make_call();

  void SetUp() override {  // The only worker is busy.
    queue_.start(1);
    queue_.submit(holder_->call, [this](double) {
      held_.count_down();
      release_.wait();
      holder_->call->reply({});
    });
    held_.wait();
  }
  void TearDown() override {
    if (!release_.try_wait()) release_.count_down();
  }
};

TEST_F(WorkQueueTest, IsBoundedInLength) {
  std::vector<std::unique_ptr<Waiting>> waiting;
  const auto submit = [&] {
    waiting.push_back(make_call());
    queue_.submit(waiting.back()->call, [call = waiting.back()->call](double) { call->reply({}); });
  };
  for (int i = 0; i < 3; ++i) submit();
  try {
    submit();
    FAIL() << "a fourth was let in";
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 503);
    ASSERT_EQ(problem.headers().size(), 1U);
    EXPECT_EQ(problem.headers()[0].name, "Retry-After");
  }
  EXPECT_EQ(dropped_, "queue");
  EXPECT_EQ(queue_.state().waiting, 3U);
  release_.count_down();
  queue_.stop();  // Finishes what is queued.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(waiting[std::size_t(i)]->promise.get_future().get().status, 200);
}

TEST_F(WorkQueueTest, IsBoundedInBytes) {
  const auto large = make_call(10s, 80);
  queue_.submit(large->call, [&](double) { large->call->reply({}); });
  const auto second = make_call(10s, 80);
  EXPECT_THROW(queue_.submit(second->call, [](double) {}), Problem);
  EXPECT_TRUE(queue_.refusal(80, Clock::now() + 10s));
  EXPECT_FALSE(queue_.refusal(10, Clock::now() + 10s));
  release_.count_down();
  queue_.stop();
  EXPECT_EQ(queue_.state().bytes, 0U);
}

TEST_F(WorkQueueTest, WhatWaitsPastItsDeadlineIsNotWorkedOn) {
  const auto late = make_call(20ms);
  std::atomic<bool> worked{false};
  queue_.submit(late->call, [&](double) { worked = true; });
  std::this_thread::sleep_for(40ms);
  release_.count_down();
  EXPECT_EQ(late->promise.get_future().get().status, 503);
  queue_.stop();
  EXPECT_FALSE(worked);
  EXPECT_EQ(dropped_, "expired");
}

TEST_F(WorkQueueTest, WhatWasAbandonedIsNotWorkedOn) {
  const auto gone = make_call();
  std::atomic<bool> worked{false};
  queue_.submit(gone->call, [&](double) { worked = true; });
  gone->call->abandon();
  release_.count_down();
  queue_.stop();
  EXPECT_FALSE(worked);
}

TEST_F(WorkQueueTest, RefusesWhatItPredictsToComeTooLate) {
  release_.count_down();
  for (int i = 0; i < 5; ++i) {  // Now it knows that a request takes about 30 ms.
    const auto call = make_call();
    while (queue_.state().working + queue_.state().waiting > 0) std::this_thread::yield();
    queue_.submit(call->call, [&](double) {
      std::this_thread::sleep_for(30ms);
      call->call->reply({});
    });
    call->promise.get_future().wait();
  }
  while (queue_.state().working > 0) std::this_thread::yield();
  std::latch again{1};
  const auto busy = make_call();
  queue_.submit(busy->call, [&](double) {
    again.wait();
    busy->call->reply({});
  });
  while (queue_.state().working == 0) std::this_thread::yield();
  const auto hasty = make_call(5ms);
  EXPECT_THROW(queue_.submit(hasty->call, [](double) {}), Problem);
  EXPECT_EQ(dropped_, "deadline");
  // The same before the body is there, and without waiting for it.
  EXPECT_EQ(queue_.refusal(1, Clock::now() + 5ms)->status(), 503);
  EXPECT_EQ(dropped_, "deadlinedeadline");
  EXPECT_FALSE(queue_.refusal(1, Clock::now() + 10s));
  EXPECT_EQ(queue_.state().waiting, 0U);
  const auto patient = make_call(10s);
  queue_.submit(patient->call, [&](double) { patient->call->reply({}); });
  EXPECT_GT(queue_.state().predicted_wait, 0.005);
  again.count_down();
  EXPECT_EQ(patient->promise.get_future().get().status, 200);
  queue_.stop();
}

TEST_F(WorkQueueTest, WhatTheWorkThrowsIsTheReply) {
  const auto call = make_call();
  queue_.submit(call->call, [](double) { throw Problem(422, "corrupt-picture", "It is broken."); });
  const auto other = make_call();
  queue_.submit(other->call, [](double) { throw std::runtime_error("secret"); });
  release_.count_down();
  EXPECT_EQ(call->promise.get_future().get().status, 422);
  const Response failed = other->promise.get_future().get();
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body.find("secret"), std::string::npos);
  queue_.stop();
}

TEST(RateLimitTest, ABucketPerClientFillsWithTime) {
  RateLimit limit(2, 3);
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take("a", start), 0);
  EXPECT_DOUBLE_EQ(limit.take("a", start), 0.5);
  EXPECT_EQ(limit.take("b", start), 0);
  EXPECT_EQ(limit.take("a", start + 600ms), 0);
  RateLimit off(0, 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(off.take("a", start), 0);
}

}  // namespace
}  // namespace catdog::service
