// SPDX-License-Identifier: Apache-2.0
// Every caller works on its own batch, so that a call always gets on, even when all workers are busy or it is made from
// inside another batch; idle workers help whichever batch is oldest.
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
namespace {

struct Batch {
  const std::function<void(std::size_t)>& work;
  std::size_t count;
  std::atomic<std::size_t> next{0};
  int helpers = 0;  // Guarded by the pool's mutex.

  void run() {
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) work(i);
  }
};

}  // namespace

struct WorkerPool::Impl {
  explicit Impl(int size) : threads(std::max(1, size)) {}

  void help() {
    const DefaultFloatEnvironment floats;  // A thread begins with the settings of the one that started it.
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stopping || !batches.empty(); });
      if (stopping) return;
      Batch* batch = batches.front();
      ++batch->helpers;
      lock.unlock();
      batch->run();
      lock.lock();
      remove(batch);
      if (--batch->helpers == 0) finished.notify_all();
    }
  }

  // Under the mutex; once all its items are taken, nobody else may start on it.
  void remove(Batch* batch) {
    const auto found = std::find(batches.begin(), batches.end(), batch);
    if (found != batches.end()) batches.erase(found);
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
  std::deque<Batch*> batches;
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
  Batch batch{work, count};
  if (impl_->threads == 1 || count < 2) {
    batch.run();
    return;
  }
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->start();
    impl_->batches.push_back(&batch);
  }
  impl_->wake.notify_all();
  batch.run();
  std::unique_lock lock(impl_->mutex);
  impl_->remove(&batch);
  impl_->finished.wait(lock, [&] { return batch.helpers == 0; });
}

}  // namespace catdog::core
