// SPDX-License-Identifier: Apache-2.0
// Threads: how many the machine grants, and how the numeric libraries are kept on the caller's own.
#pragma once

#include <filesystem>

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

}  // namespace catdog::core
