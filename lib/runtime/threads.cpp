// SPDX-License-Identifier: Apache-2.0
#include "runtime/threads.hpp"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "runtime/cgroup.hpp"

namespace catdog::core {
namespace {

// CPUs that this thread may run on; 0 when the kernel won't say.
int allowed_cpus() {
  for (int capacity = 1024; capacity <= 1 << 20; capacity *= 2) {  // The kernel's mask may be larger than cpu_set_t.
    const std::size_t bytes = CPU_ALLOC_SIZE(capacity);
    std::vector<cpu_set_t> set(bytes / sizeof(cpu_set_t) + 1);
    if (sched_getaffinity(0, bytes, set.data()) == 0) return CPU_COUNT_S(bytes, set.data());
    if (errno != EINVAL) break;
  }
  return 0;
}

}  // namespace

int granted_threads(const std::filesystem::path& root) {
  int threads = std::max(1, allowed_cpus());
  if (const auto quota = cgroup_cpu_quota(root)) threads = std::min(threads, std::max(1, static_cast<int>(*quota)));
  return threads;
}

SerialOpenMpScope::SerialOpenMpScope() noexcept : saved_(omp_get_max_threads()) { omp_set_num_threads(1); }

SerialOpenMpScope::~SerialOpenMpScope() { omp_set_num_threads(saved_); }

}  // namespace catdog::core
