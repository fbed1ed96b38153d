// SPDX-License-Identifier: Apache-2.0
// Threads: how many the machine grants, and how the numeric libraries are kept on the caller's own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

namespace catdog::core {

// CPU quota of the process's control group (v2: cpu.max; v1: cpu.cfs_quota_us / cpu.cfs_period_us; the tightest of the
// ancestors) rounded down, capped by the CPUs that the process may run on, at least 1. `root` is "/" except in tests:
// /proc/self/cgroup, /proc/self/mountinfo and /sys/fs/cgroup are read below it.
int granted_threads(const std::filesystem::path& root = "/");

// While it lives, OpenMP regions entered by this thread use one thread; then the thread's own setting is restored. The
// setting is per thread in libgomp, so the embedding program's other threads don't notice.
class SerialOpenMpScope {
 public:
  SerialOpenMpScope() noexcept;
  ~SerialOpenMpScope();
  SerialOpenMpScope(const SerialOpenMpScope&) = delete;
  SerialOpenMpScope& operator=(const SerialOpenMpScope&) = delete;

 private:
  int saved_ = 1;
};

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
