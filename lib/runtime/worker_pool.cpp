// SPDX-License-Identifier: Apache-2.0
// Every caller works on its own job, so that a call always gets on, even when all workers are busy or it is made from
// inside another job; idle workers help whichever job was offered first.
#include "runtime/worker_pool.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/float_environment.hpp"

namespace catdog::core {
struct WorkerPool::Impl {
  explicit Impl(int size) : threads(std::max(1, size)) {}

  void help() {
    const DefaultFloatEnvironment floats;  // A thread begins with the settings of the one that started it.
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (stopping) return;
      Job* job = jobs.front();
      ++job->helpers_;
      for (unsigned seen = job->offers_ - 1; seen != job->offers_;) {  // What came since may be new to all.
        seen = job->offers_;
        lock.unlock();
        while (job->step_()) {
        }
        lock.lock();
      }
      remove(job);
      if (--job->helpers_ == 0) finished.notify_all();
    }
  }

  // Under the mutex; nobody else may start on it.
  void remove(Job* job) {
    const auto found = std::find(jobs.begin(), jobs.end(), job);
    if (found != jobs.end()) jobs.erase(found);
  }

  // Under the mutex. Fewer workers than wished for is slower, not wrong.
  void start() {
    if (started) return;
    started = true;
    try {
      for (int i = 1; i < threads; ++i) workers.emplace_back([this] { help(); });
    } catch (const std::system_error&) {
    }
  }

  const int threads;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable finished;
  std::deque<Job*> jobs;
  std::vector<std::thread> workers;
  bool started = false;
  bool stopping = false;
};

WorkerPool::WorkerPool(int threads) : impl_(std::make_unique<Impl>(threads)) {}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

int WorkerPool::threads() const noexcept { return impl_->threads; }

void WorkerPool::for_each(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  Job job([&] {
    const std::size_t i = next.fetch_add(1);
    if (i >= count) return false;
    work(i);
    return true;
  });
  if (count > 1) offer(job);
  while (job.step_()) {
  }
  withdraw(job);
}

void WorkerPool::offer(Job& job) {
  if (impl_->threads == 1) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->start();
    ++job.offers_;
    if (std::find(impl_->jobs.begin(), impl_->jobs.end(), &job) == impl_->jobs.end()) impl_->jobs.push_back(&job);
  }
  impl_->wake.notify_all();
}

void WorkerPool::withdraw(Job& job) {
  std::unique_lock lock(impl_->mutex);
  impl_->remove(&job);
  impl_->finished.wait(lock, [&] { return job.helpers_ == 0; });
}

}  // namespace catdog::core
