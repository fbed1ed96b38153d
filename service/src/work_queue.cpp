// SPDX-License-Identifier: Apache-2.0
#include "work_queue.hpp"

#include <algorithm>
#include <cmath>

#include "router.hpp"

namespace catdog::service {

namespace {

constexpr double weight = 0.1;            // Of the newest measurement.
constexpr std::size_t rate_window = 256;  // Finished requests that the drain rate is over.
constexpr double longest_retry_after = 60;
// The predicted wait is an estimate whose error grows with the queue; what is let in and then expires has waited for
// nothing. With 1.25 instead of 1, catdog_service_bench --overload refused 99.5 % within 5 ms instead of 96 %.
constexpr double caution = 1.25;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

WorkQueue::WorkQueue(const Limits& limits, Dropped dropped) : limits_(limits), dropped_(std::move(dropped)) {}

WorkQueue::~WorkQueue() { stop(); }

void WorkQueue::start(int workers) {
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { run(); });
}

double WorkQueue::predicted_wait() const {
  if (workers_.empty() || jobs_.size() + working_ < workers_.size()) return 0;
  // What is being worked on is half done on average.
  const double ahead = static_cast<double>(jobs_.size()) + static_cast<double>(working_) / 2;
  return mean_ * ahead / static_cast<double>(workers_.size());
}

int WorkQueue::retry_after() const {
  double rate = 0;
  if (finished_.size() > 1) {
    const double span = seconds(Clock::now() - finished_.front());
    rate = static_cast<double>(finished_.size()) / std::max(span, 1e-3);
  }
  const double wait = rate > 0 ? static_cast<double>(jobs_.size() + 1) / rate : 1;
  return static_cast<int>(std::clamp(std::ceil(wait), 1.0, longest_retry_after));
}

std::string WorkQueue::current_retry_after() const {
  const std::lock_guard lock(mutex_);
  return std::to_string(retry_after());
}

// Why a request may not be let in; null when it may.
const char* WorkQueue::reason_against(std::uint64_t bytes, Clock::time_point deadline) const {
  if (jobs_.size() >= limits_.length || (bytes_ > 0 && bytes_ + bytes > limits_.bytes)) return "queue";
  // Never when a worker is free: a mean that is too high could not mend itself otherwise.
  if (jobs_.size() + working_ < std::max<std::size_t>(workers_.size(), 1)) return nullptr;
  const std::chrono::duration<double> needed(caution * predicted_wait() + mean_ + 2 * deviation_);
  return Clock::now() + needed > deadline ? "deadline" : nullptr;
}

Problem WorkQueue::overloaded(const char* reason) const {
  dropped_(reason);
  return {503,
          "overloaded",
          std::string_view(reason) == "queue"
              ? "The queue is full; try again after the time in Retry-After."
              : "The answer would come after its deadline; try again after the time in Retry-After.",
          {{"Retry-After", current_retry_after()}}};
}

std::optional<Problem> WorkQueue::refusal(std::uint64_t bytes, Clock::time_point deadline) const {
  const char* reason = nullptr;
  {
    const std::lock_guard lock(mutex_);
    reason = reason_against(bytes, deadline);
  }
  if (reason == nullptr) return std::nullopt;
  return overloaded(reason);
}

void WorkQueue::submit(CallPtr call, Work work) {
  const std::size_t bytes = call->request().body.size();
  const char* reason = nullptr;
  {
    const std::lock_guard lock(mutex_);
    reason = reason_against(bytes, call->request().deadline);
    if (reason == nullptr) {
      bytes_ += bytes;
      jobs_.push_back({std::move(call), std::move(work), bytes, Clock::now()});
    }
  }
  if (reason != nullptr) throw overloaded(reason);
  wake_.notify_one();
}

void WorkQueue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++working_;
    lock.unlock();

    const Clock::time_point start = Clock::now();
    bool worked = false;
    if (!job.call->abandoned()) {
      try {
        if (start > job.call->request().deadline) {
          throw Expired("The deadline passed in the queue; try again after the time in Retry-After.",
                        current_retry_after());
        }
        worked = true;
        job.work(1e3 * seconds(start - job.queued));
      } catch (const Expired& problem) {  // Counted by who answers: the deadline's timer may have been first.
        const bool awaited = !job.call->abandoned();
        job.call->reply(Router::refusal(problem, job.call->request()), [&] {
          if (awaited) dropped_("expired");
        });
      } catch (...) {
        job.call->reply(Router::refusal_of_current_exception(job.call->request()));
      }
    }
    const double taken = seconds(Clock::now() - start);
    const std::size_t bytes = job.bytes;
    job = {};  // Frees the body outside the lock.
    lock.lock();
    --working_;
    bytes_ -= bytes;
    if (!worked) continue;
    const double distance = std::abs(taken - mean_);
    deviation_ = mean_ > 0 ? deviation_ + weight * (distance - deviation_) : taken / 2;
    mean_ = mean_ > 0 ? mean_ + weight * (taken - mean_) : taken;
    finished_.push_back(Clock::now());
    if (finished_.size() > rate_window) finished_.pop_front();
  }
}

void WorkQueue::stop() {
  std::vector<std::thread> workers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    workers.swap(workers_);
  }
  wake_.notify_all();
  for (std::thread& worker : workers) worker.join();
}

WorkQueue::State WorkQueue::state() const {
  const std::lock_guard lock(mutex_);
  State state{jobs_.size(), working_, workers_.size(), bytes_, mean_, predicted_wait(), 0};
  const Clock::time_point now = Clock::now();
  const auto recent = std::find_if(finished_.begin(), finished_.end(),
                                   [&](Clock::time_point at) { return now - at < std::chrono::seconds(10); });
  if (recent != finished_.end()) {
    state.drain_rate = static_cast<double>(finished_.end() - recent) / std::max(seconds(now - *recent), 1.0);
  }
  return state;
}

}  // namespace catdog::service
