// SPDX-License-Identifier: Apache-2.0
// Who is let into the queue, and what happens to who waits too long.
#include "worker_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <latch>

#include "support/denied_threads.hpp"

namespace catdog::service {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// One worker, and a thread for the coroutines that wait for it.
class WorkerQueueTest : public testing::Test {
 protected:
  WorkerQueueTest() {
    queue_.start(1);
    holder_ = run(1h, [this](const Turn&) {
      held_.count_down();
      release_.wait();
      return Response();
    });
    held_.wait();
  }
  ~WorkerQueueTest() override {
    if (!release_.try_wait()) release_.count_down();
    queue_.stop();
    work_.reset();
    thread_.join();
  }
  std::future<Response> run(Clock::duration timeout, WorkerQueue::Work work) {
    return asio::co_spawn(io_, queue_.run(Clock::now() + timeout, std::move(work)), asio::use_future);
  }
  void until_waiting(std::size_t count) {
    while (queue_.state().waiting != count) std::this_thread::yield();
  }
  static int status_of(std::future<Response>& answer) {
    try {
      return answer.get().status;
    } catch (const Problem& problem) {
      return problem.status();
    }
  }

  std::mutex dropped_mutex_;
  std::string dropped_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  WorkerQueue queue_{3, [this](const char* reason) {
                       const std::lock_guard lock(dropped_mutex_);
                       dropped_ += reason;
                     }};
  std::latch held_{1};
  std::latch release_{1};
  std::thread thread_{[this] { io_.run(); }};
  std::future<Response> holder_;
};

TEST_F(WorkerQueueTest, IsBoundedInLength) {
  std::vector<std::future<Response>> waiting;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(queue_.refusal(Clock::now() + 1h));
    waiting.push_back(run(1h, [](const Turn&) { return Response(); }));
    until_waiting(static_cast<std::size_t>(i) + 1);
  }
  const auto refusal = queue_.refusal(Clock::now() + 1h);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status(), 503);
  ASSERT_EQ(refusal->headers().size(), 1U);
  EXPECT_EQ(refusal->headers()[0].name, "Retry-After");
  EXPECT_EQ(dropped_, "queue");
  release_.count_down();
  queue_.stop();  // Finishes what is queued.
  for (std::future<Response>& answer : waiting) EXPECT_EQ(status_of(answer), 200);
}

TEST_F(WorkerQueueTest, ARequestThatWaitsPastItsDeadlineIsNotWorkedOn) {
  std::atomic<bool> worked{false};
  auto late = run(20ms, [&](const Turn&) {
    worked = true;
    return Response();
  });
  EXPECT_EQ(status_of(late), 503);
  release_.count_down();
  queue_.stop();
  EXPECT_FALSE(worked);
  EXPECT_EQ(dropped_, "expired");
}

TEST_F(WorkerQueueTest, WorkNoticesThatItsDeadlinePassedAndTheRequestCountsOnce) {
  std::latch seen{1};
  auto late = run(200ms, [&](const Turn& turn) -> Response {
    while (!turn.given_up()) std::this_thread::yield();
    seen.count_down();
    throw GivenUp();
  });
  release_.count_down();
  EXPECT_EQ(status_of(late), 503);
  seen.wait();
  queue_.stop();
  EXPECT_EQ(dropped_, "expired");
}

TEST_F(WorkerQueueTest, AnAbandonedRequestIsNotWorkedOnAndNotCounted) {
  std::atomic<bool> worked{false};
  asio::cancellation_signal leave;
  std::promise<bool> ended;
  asio::co_spawn(io_,
                 queue_.run(Clock::now() + 1h,
                            [&](const Turn&) {
                              worked = true;
                              return Response();
                            }),
                 asio::bind_cancellation_slot(leave.slot(), [&](const std::exception_ptr& failure, const Response&) {
                   ended.set_value(failure != nullptr);
                 }));
  until_waiting(1);
  asio::post(io_, [&] { leave.emit(asio::cancellation_type::terminal); });
  EXPECT_TRUE(ended.get_future().get());
  release_.count_down();
  queue_.stop();
  EXPECT_FALSE(worked);
  EXPECT_EQ(dropped_, "");
}

TEST_F(WorkerQueueTest, RefusesARequestThatItPredictsToComeTooLate) {
  release_.count_down();
  holder_.wait();
  for (int i = 0; i < 5; ++i) {  // Now it knows that a request takes about 30 ms.
    run(1h, [&](const Turn&) {
      std::this_thread::sleep_for(30ms);
      return Response();
    }).wait();
    while (queue_.state().working > 0) std::this_thread::yield();
  }
  std::latch again{1};
  auto busy = run(1h, [&](const Turn&) {
    again.wait();
    return Response();
  });
  while (queue_.state().working == 0) std::this_thread::yield();
  const auto refusal = queue_.refusal(Clock::now() + 5ms);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status(), 503);
  EXPECT_EQ(dropped_, "deadline");
  EXPECT_FALSE(queue_.refusal(Clock::now() + 1h));
  EXPECT_GT(queue_.state().predicted_wait, 0.005);
  again.count_down();
  EXPECT_EQ(status_of(busy), 200);
}

TEST(WorkerQueue, WithoutAThreadItDoesNotStart) {
  WorkerQueue queue(3, [](const char*) {});
  const test_support::DeniedThreads denied(1);
  EXPECT_THROW(queue.start(2), std::system_error);  // The one that started ends with the queue.
}

TEST_F(WorkerQueueTest, ThrowsWhatTheWorkThrows) {
  auto refused = run(1h, [](const Turn&) -> Response { throw Problem(422, "corrupt-picture", "It is broken."); });
  auto failed = run(1h, [](const Turn&) -> Response { throw std::runtime_error("secret"); });
  release_.count_down();
  EXPECT_EQ(status_of(refused), 422);
  EXPECT_THROW(failed.get(), std::runtime_error);
}

}  // namespace
}  // namespace catdog::service
