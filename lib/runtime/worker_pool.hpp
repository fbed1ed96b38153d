// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace catdog::core {

// A fixed set of threads that share the items of one batch. Started on first use (none for size 1). Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const noexcept;
  // Calls work(i) for each i in [0, count), the caller's thread among the workers; returns when all are done. `work`
  // must not throw.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace catdog::core
