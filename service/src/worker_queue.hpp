// SPDX-License-Identifier: Apache-2.0
// The queue before the workers. A request that would miss its deadline is refused while that is still cheap.
#pragma once

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "message.hpp"

namespace catdog::service {

// One request's turn in a worker, as the work sees it.
class Turn {
 public:
  Turn(Clock::time_point deadline, Clock::time_point queued) : deadline_(deadline), queued_(queued) {}

  // Nobody waits for the answer any more: the client went away, or the deadline passed.
  bool given_up() const noexcept { return abandoned_ || Clock::now() > deadline_; }
  // Until the deadline, rounded up: at least 1.
  std::uint32_t remaining_ms() const noexcept {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    return static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0) + 1);
  }
  double queue_seconds() const noexcept { return std::chrono::duration<double>(begun_ - queued_).count(); }

 private:
  friend class WorkerQueue;
  const Clock::time_point deadline_;
  const Clock::time_point queued_;
  Clock::time_point begun_;
  std::atomic<bool> abandoned_{false};
};

// Work throws it when it stops because its turn was given up.
struct GivenUp {};

class WorkerQueue {
 public:
  struct State {
    std::size_t waiting = 0;
    std::size_t working = 0;
    std::size_t workers = 0;
    double service_seconds = 0;  // EWMA of one request's time in a worker.
    double predicted_wait = 0;   // Seconds that a request arriving now would wait.
    double drain_rate = 0;       // Requests finished a second, measured lately.
  };
  using Work = std::function<Response(const Turn&)>;
  using Dropped = std::function<void(const char* reason)>;

  // `dropped` hears of each request that got no answer: the "queue" is full, the "deadline" would be missed, or it
  // "expired".
  WorkerQueue(std::size_t length, Dropped dropped);
  ~WorkerQueue();
  WorkerQueue(const WorkerQueue&) = delete;
  WorkerQueue& operator=(const WorkerQueue&) = delete;

  // Throws std::system_error when a thread can't start.
  void start(int workers);
  // Admission: why a request with that deadline is refused now, if it is. Returned, not thrown: under overload most
  // requests get it, and unwinding took a tenth of their time.
  std::optional<Problem> refusal(Clock::time_point deadline) const;
  // Runs `work` in a worker and resumes the caller on its own executor. Throws what the work throws, and Problem 503 at
  // the deadline; when the caller is cancelled, the work is given up. `work` owns what it uses: it may outlast the
  // wait.
  boost::asio::awaitable<Response> run(Clock::time_point deadline, Work work);
  // Finishes what is queued, then ends the workers.
  void stop();

  State state() const;

 private:
  struct Job;
  void work_off();
  double predicted_wait() const;
  int retry_after() const;
  Problem overloaded(const char* reason, std::string detail) const;

  const std::size_t length_;
  const Dropped dropped_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> jobs_;
  std::vector<std::thread> workers_;
  std::deque<Clock::time_point> finished_;  // The last of them, for the drain rate.
  std::size_t working_ = 0;
  double mean_ = 0;       // Seconds of service, exponentially weighted.
  double deviation_ = 0;  // Mean distance from it.
  bool stopping_ = false;
};

}  // namespace catdog::service
