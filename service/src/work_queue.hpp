// SPDX-License-Identifier: Apache-2.0
// The bounded queue before the workers. A request that would miss its deadline is refused while that is still cheap.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "call.hpp"

namespace catdog::service {

class WorkQueue {
 public:
  struct Limits {
    std::size_t length;
    std::uint64_t bytes;  // Of bodies that wait or are worked on.
  };
  struct State {
    std::size_t waiting = 0;
    std::size_t working = 0;
    std::size_t workers = 0;
    std::uint64_t bytes = 0;
    double service_seconds = 0;  // EWMA of one request's time in a worker.
    double predicted_wait = 0;   // Seconds that a request arriving now would wait.
    double drain_rate = 0;       // Requests finished a second, measured lately.
  };
  using Work = std::function<void(double queue_ms)>;
  using Dropped = std::function<void(const char* reason)>;

  // `dropped` hears of each request refused here or given up in the queue: "queue" is full, the
  // "deadline" would be missed, or it "expired".
  WorkQueue(const Limits& limits, Dropped dropped);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void start(int workers);
  // `work` runs in a worker unless the client goes away or the deadline passes first; it must answer the call and may
  // throw. Throws Problem 503 with Retry-After when the queue is full or the wait would be too long.
  void submit(CallPtr call, Work work);
  // What submit would throw now for a body of that size, counted; nothing when it would be let in.
  std::optional<Problem> refusal(std::uint64_t bytes, Clock::time_point deadline) const;
  // Finishes what is queued, then ends the workers.
  void stop();

  State state() const;
  // A 503 whose Retry-After says when the queue will have drained.
  std::string current_retry_after() const;

 private:
  struct Job {
    CallPtr call;
    Work work;
    std::size_t bytes;
    Clock::time_point queued;
  };
  void run();
  double predicted_wait() const;
  const char* reason_against(std::uint64_t bytes, Clock::time_point deadline) const;
  Problem overloaded(const char* reason) const;
  int retry_after() const;

  const Limits limits_;
  const Dropped dropped_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::vector<std::thread> workers_;
  std::deque<Clock::time_point> finished_;  // The last of them, for the drain rate.
  std::uint64_t bytes_ = 0;
  std::size_t working_ = 0;
  double mean_ = 0;       // Seconds of service, exponentially weighted.
  double deviation_ = 0;  // Mean distance from it.
  bool stopping_ = false;
};

}  // namespace catdog::service
