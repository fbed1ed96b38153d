// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <omp.h>
#include <sched.h>

#include <thread>

#include "runtime/cgroup.hpp"
#include "runtime/threads.hpp"
#include "temporary_folder.hpp"

namespace catdog::core {
namespace {

using test_support::TemporaryFolder;

constexpr const char* v2_mount = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(CgroupQuota, NothingToReadIsNoLimit) {
  const TemporaryFolder root;
  EXPECT_FALSE(cgroup_cpu_quota(root.path));
  EXPECT_GE(granted_threads(root.path), 1);
}

TEST(CgroupQuota, V2TightestOfTheAncestors) {
  const TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/a/b/c\n");
  root.write("proc/self/mountinfo", v2_mount);
  root.write("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
  EXPECT_FALSE(cgroup_cpu_quota(root.path));
  root.write("sys/fs/cgroup/a/cpu.max", "800000 100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 8.0);
  root.write("sys/fs/cgroup/a/b/cpu.max", "175000 50000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 3.5);
  root.write("sys/fs/cgroup/a/b/c/cpu.max", "500000 100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 3.5);
  root.write("sys/fs/cgroup/other/cpu.max", "1000 100000\n");  // Not ours.
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 3.5);
}

TEST(CgroupQuota, V2InsideAContainer) {
  const TemporaryFolder root;
  // Own namespace: the group is the top of the mount.
  root.write("proc/self/cgroup", "0::/\n");
  root.write("proc/self/mountinfo", v2_mount);
  root.write("sys/fs/cgroup/cpu.max", "250000 100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 2.5);
  // The host's namespace: the mount shows the container's part only.
  root.write("proc/self/cgroup", "0::/docker/abc/inner\n");
  root.write("proc/self/mountinfo", "30 25 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  root.write("sys/fs/cgroup/inner/cpu.max", "150000 100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 1.5);
  // A group outside of what the mount shows.
  root.write("proc/self/cgroup", "0::/../../elsewhere\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 2.5);
}

TEST(CgroupQuota, V1) {
  const TemporaryFolder root;
  root.write("proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/s\n");
  root.write("proc/self/mountinfo",
             "33 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
             "34 25 0:30 / /mnt/with\\040space/cpu,cpuacct rw shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct\n");
  const std::string top = "mnt/with space/cpu,cpuacct/";
  root.write(top + "docker/x/cpu.cfs_period_us", "100000\n");
  root.write(top + "docker/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_FALSE(cgroup_cpu_quota(root.path));
  root.write(top + "docker/x/cpu.cfs_quota_us", "450000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 4.5);
  root.write(top + "docker/cpu.cfs_period_us", "50000\n");
  root.write(top + "docker/cpu.cfs_quota_us", "100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(root.path).value(), 2.0);
}

TEST(CgroupQuota, GarbageIsNoLimit) {
  const TemporaryFolder root;
  root.write("proc/self/cgroup", "nonsense\n::\n0:\n0::/a\n");
  root.write("proc/self/mountinfo", std::string("x\n\n30 25 - -\n") + v2_mount);
  for (const char* text : {"", "abc", "100000", "0 100000", "100000 0", "-5 100000"}) {
    root.write("sys/fs/cgroup/a/cpu.max", text);
    EXPECT_FALSE(cgroup_cpu_quota(root.path)) << text;
  }
}

TEST(GrantedThreads, QuotaIsRoundedDownToAtLeastOne) {
  const TemporaryFolder root;
  root.write("proc/self/cgroup", "0::/\n");
  root.write("proc/self/mountinfo", v2_mount);
  for (const char* quota : {"199000 100000", "100000 100000", "5000 100000"}) {
    root.write("sys/fs/cgroup/cpu.max", quota);
    EXPECT_EQ(granted_threads(root.path), 1) << quota;
  }
}

TEST(GrantedThreads, CappedByTheAllowedCpus) {
  const TemporaryFolder root;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  EXPECT_EQ(granted_threads(root.path), CPU_COUNT(&allowed));
  std::thread([&] {
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(granted_threads(root.path), 1);
  }).join();
}

TEST(SerialOpenMpScope, BindsThisThreadOnlyAndRestores) {
  omp_set_num_threads(5);
  {
    const SerialOpenMpScope scope;
    EXPECT_EQ(omp_get_max_threads(), 1);
    std::thread([] {
      omp_set_num_threads(7);
      {
        const SerialOpenMpScope inner;
        EXPECT_EQ(omp_get_max_threads(), 1);
      }
      EXPECT_EQ(omp_get_max_threads(), 7);
    }).join();
    EXPECT_EQ(omp_get_max_threads(), 1);
  }
  EXPECT_EQ(omp_get_max_threads(), 5);
}

}  // namespace
}  // namespace catdog::core
