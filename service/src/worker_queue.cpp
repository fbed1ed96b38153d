// SPDX-License-Identifier: Apache-2.0
#include "worker_queue.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <exception>

namespace catdog::service {

namespace asio = boost::asio;

namespace {

constexpr double weight = 0.1;            // Of the newest measurement.
constexpr std::size_t rate_window = 256;  // Finished requests that the drain rate is over.
constexpr double longest_retry_after = 60;
// The predicted wait is an estimate whose error grows with the queue, and a request that expires in the queue has
// waited for nothing. With 1.25 instead of 1, catdog_service_bench --overload refused 99.5 % within 5 ms instead of
// 96 %.
constexpr double safety_factor = 1.25;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

// `finished` ends the wait of run(): at the deadline by itself, before it when a worker cancels it. The worker doesn't
// touch what the coroutine reads: it posts the outcome to the coroutine's executor.
struct WorkerQueue::Job {
  Job(const asio::any_io_executor& executor, Clock::time_point deadline, Work task)
      : turn(deadline, Clock::now()), work(std::move(task)), finished(executor, deadline) {}

  Turn turn;
  Work work;
  asio::steady_timer finished;
  std::optional<Response> response;
  std::exception_ptr failure;
};

WorkerQueue::WorkerQueue(std::size_t length, Dropped dropped) : length_(length), dropped_(std::move(dropped)) {}

WorkerQueue::~WorkerQueue() { stop(); }

void WorkerQueue::start(int workers) {
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work_off(); });
}

double WorkerQueue::predicted_wait() const {
  if (workers_.empty() || jobs_.size() + working_ < workers_.size()) return 0;
  // A request in a worker is half done on average.
  const double ahead = static_cast<double>(jobs_.size()) + static_cast<double>(working_) / 2;
  return mean_ * ahead / static_cast<double>(workers_.size());
}

int WorkerQueue::retry_after() const {
  double rate = 0;
  if (finished_.size() > 1) {
    const double span = seconds(Clock::now() - finished_.front());
    rate = static_cast<double>(finished_.size()) / std::max(span, 1e-3);
  }
  const double wait = rate > 0 ? static_cast<double>(jobs_.size() + 1) / rate : 1;
  return static_cast<int>(std::clamp(std::ceil(wait), 1.0, longest_retry_after));
}

// With the lock held.
Problem WorkerQueue::overloaded(const char* reason, std::string detail) const {
  dropped_(reason);
  return {503,
          "overloaded",
          std::move(detail) + "; try again after the time in Retry-After.",
          {{"Retry-After", std::to_string(retry_after())}}};
}

std::optional<Problem> WorkerQueue::refusal(Clock::time_point deadline) const {
  const std::lock_guard lock(mutex_);
  if (jobs_.size() >= length_) return overloaded("queue", "The queue is full");
  // Never when a worker is free: a mean that is too high could not mend itself otherwise.
  if (jobs_.size() + working_ < std::max<std::size_t>(workers_.size(), 1)) return std::nullopt;
  const std::chrono::duration<double> needed(safety_factor * predicted_wait() + mean_ + 2 * deviation_);
  if (Clock::now() + needed <= deadline) return std::nullopt;
  return overloaded("deadline", "The answer would come after its deadline");
}

asio::awaitable<Response> WorkerQueue::run(Clock::time_point deadline, Work work) {
  const auto job = std::make_shared<Job>(co_await asio::this_coro::executor, deadline, std::move(work));
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
  }
  wake_.notify_one();
  const auto [cancelled] = co_await job->finished.async_wait(asio::as_tuple(asio::use_awaitable));
  if (job->response) co_return std::move(*job->response);
  if (job->failure) std::rethrow_exception(job->failure);
  job->turn.abandoned_ = true;
  if (cancelled) throw GivenUp();  // The client went away.
  const std::lock_guard lock(mutex_);
  throw overloaded("expired", "The deadline passed before the answer was ready");
}

void WorkerQueue::work_off() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::shared_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    ++working_;
    lock.unlock();

    job->turn.begun_ = Clock::now();
    const bool wanted = !job->turn.given_up();
    if (wanted) {
      std::optional<Response> response;
      std::exception_ptr failure;
      try {
        response = job->work(job->turn);
      } catch (const GivenUp&) {  // The coroutine waits no longer, or its timer is about to end its wait.
      } catch (...) {
        failure = std::current_exception();
      }
      if (response || failure) {
        asio::post(job->finished.get_executor(), [job, response = std::move(response), failure]() mutable {
          job->response = std::move(response);
          job->failure = failure;
          job->finished.cancel();
        });
      }
    }
    const double taken = seconds(Clock::now() - job->turn.begun_);
    job->work = nullptr;  // Frees the request outside the lock.
    job.reset();
    lock.lock();
    --working_;
    if (!wanted) continue;
    const double distance = std::abs(taken - mean_);
    deviation_ = mean_ > 0 ? deviation_ + weight * (distance - deviation_) : taken / 2;
    mean_ = mean_ > 0 ? mean_ + weight * (taken - mean_) : taken;
    finished_.push_back(Clock::now());
    if (finished_.size() > rate_window) finished_.pop_front();
  }
}

void WorkerQueue::stop() {
  std::vector<std::thread> workers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    workers.swap(workers_);
  }
  wake_.notify_all();
  for (std::thread& worker : workers) worker.join();
}

WorkerQueue::State WorkerQueue::state() const {
  const std::lock_guard lock(mutex_);
  State state{jobs_.size(), working_, workers_.size(), mean_, predicted_wait(), 0};
  const Clock::time_point now = Clock::now();
  const auto recent = std::find_if(finished_.begin(), finished_.end(),
                                   [&](Clock::time_point at) { return now - at < std::chrono::seconds(10); });
  if (recent != finished_.end()) {
    state.drain_rate = static_cast<double>(finished_.end() - recent) / std::max(seconds(now - *recent), 1.0);
  }
  return state;
}

}  // namespace catdog::service
