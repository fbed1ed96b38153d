// SPDX-License-Identifier: Apache-2.0
// Images one after another, verdicts in the same order, and a bounded number of them in between.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "classifier.hpp"
#include "runtime/worker_pool.hpp"

namespace catdog::core {

// Belongs to one thread at a time, which works too while it waits. The classifier must outlive it.
class Stream {
 public:
  using Work = std::function<Verdict()>;

  explicit Stream(const Classifier& classifier);
  ~Stream();  // What has begun is finished, what waits is dropped.
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::size_t room() const;  // How many may be added before the next take().
  bool ready() const;        // take() has its verdict already.
  void add(Work work);       // Throws Failure(invalid_argument) without room.
  Verdict take();            // Throws Failure(invalid_argument) when there is nothing to wait for.

 private:
  struct Slot {
    Work work;
    Verdict verdict;
    bool done = false;
  };
  Slot& slot(std::size_t index) { return slots_[index % slots_.size()]; }
  bool step();  // Works on one image; false when none waits.

  WorkerPool& pool_;
  WorkerPool::Job job_;
  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::vector<Slot> slots_;
  // Numbers of images: taken ≤ begun ≤ added ≤ taken + slots.
  std::size_t added_ = 0;
  std::size_t begun_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace catdog::core
