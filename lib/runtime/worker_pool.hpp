// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace catdog::core {

// A fixed set of threads that help with jobs. Started on first use (none for size 1). Thread-safe.
class WorkerPool {
 public:
  // Work in steps. `step` does one and returns false when there is none at the moment. Several threads call it at once;
  // it must not throw.
  class Job {
   public:
    explicit Job(std::function<bool()> step) : step_(std::move(step)) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

   private:
    friend class WorkerPool;
    std::function<bool()> step_;
    int helpers_ = 0;      // Guarded by the pool's mutex.
    unsigned offers_ = 0;  // Likewise.
  };

  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const noexcept;
  // Calls work(i) for each i in [0, count), the caller's thread among the workers; returns when all are done. `work`
  // must not throw.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& work);
  // Idle workers do the job's steps until there are none. Call it again whenever there are new ones.
  void offer(Job& job);
  // Afterwards no worker is at the job. Wait for this before the job's end.
  void withdraw(Job& job);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace catdog::core
