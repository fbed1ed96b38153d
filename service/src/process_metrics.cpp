// SPDX-License-Identifier: Apache-2.0
#include "process_metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace catdog::service {

namespace {

// The value after `key` in a file of "key value" lines.
std::optional<double> field(const std::string& path, const std::string& key) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string name;
    double value = 0;
    if (words >> name >> value && name == key) return value;
  }
  return std::nullopt;
}

// The process's control groups and their parents up to the root, as folders below a hierarchy: "/a/b", "/a", "".
std::vector<std::string> control_groups() {
  std::vector<std::string> folders;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos) continue;
    for (std::string path = line.substr(second + 1); path.size() > 1; path.resize(path.rfind('/'))) {
      folders.push_back(path);
    }
  }
  folders.emplace_back();
  return folders;
}

// "throttled_usec" of version 2, "throttled_time" (ns) of version 1; nothing where there is no quota.
std::optional<double> throttled_seconds() {
  for (const std::string& group : control_groups()) {
    if (const auto value = field("/sys/fs/cgroup" + group + "/cpu.stat", "throttled_usec")) return *value / 1e6;
    if (const auto value = field("/sys/fs/cgroup/cpu" + group + "/cpu.stat", "throttled_time")) return *value / 1e9;
  }
  return std::nullopt;
}

// The smallest limit of the process's control groups, of either version; 0 without one.
double memory_limit() {
  constexpr double unlimited = 0x1p62;  // Version 1 has no word for it, but a number as large as this.
  double smallest = unlimited;
  for (const std::string& group : control_groups()) {
    for (const char* file : {"/sys/fs/cgroup%/memory.max", "/sys/fs/cgroup/memory%/memory.limit_in_bytes"}) {
      const std::string_view pattern(file);
      const std::size_t at = pattern.find('%');
      double limit = 0;  // "max" is no number.
      if (std::ifstream(std::string(pattern.substr(0, at)) + group + std::string(pattern.substr(at + 1))) >> limit) {
        smallest = std::min(smallest, limit);
      }
    }
  }
  return smallest < unlimited ? smallest : 0;
}

double open_files() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), &closedir);
  if (!folder) return 0;
  int count = 0;
  while (const dirent* entry = readdir(folder.get())) count += entry->d_name[0] != '.' ? 1 : 0;
  return count - 1;  // Without the one that reads the folder.
}

void raise_to(prometheus::Counter& counter, double value) {
  if (value > counter.Value()) counter.Increment(value - counter.Value());
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void add_system_metrics(Metrics& metrics) {
  auto& total = metrics.gauge("system_memory_total_bytes", "Memory of the machine.");
  auto& available = metrics.gauge("system_memory_available_bytes", "Memory of the machine that is available.");
  auto& busy = metrics.counter("system_cpu_seconds_total", "CPU time of the machine, by mode.", {{"mode", "busy"}});
  auto& idle = metrics.counter("system_cpu_seconds_total", "CPU time of the machine, by mode.", {{"mode", "idle"}});
  auto& load = metrics.gauge("system_load1", "Load average of the machine over a minute.");
  metrics.on_scrape([&] {
    total.Set(field("/proc/meminfo", "MemTotal:").value_or(0) * 1024);
    available.Set(field("/proc/meminfo", "MemAvailable:").value_or(0) * 1024);
    std::ifstream stat("/proc/stat");
    std::string name;
    double user = 0;
    double nice = 0;
    double system = 0;
    double idling = 0;
    double waiting = 0;
    if (stat >> name >> user >> nice >> system >> idling >> waiting) {
      const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
      raise_to(busy, (user + nice + system) / ticks);
      raise_to(idle, (idling + waiting) / ticks);
    }
    double minute = 0;
    if (std::ifstream("/proc/loadavg") >> minute) load.Set(minute);
  });
}

}  // namespace

void add_process_metrics(Metrics& metrics) {
  auto& cpu = metrics.counter("process_cpu_seconds_total", "CPU time of the process.");
  auto& resident = metrics.gauge("process_resident_memory_bytes", "Resident memory of the process.");
  auto& virtual_size = metrics.gauge("process_virtual_memory_bytes", "Virtual memory of the process.");
  auto& threads = metrics.gauge("process_threads", "Threads of the process.");
  auto& files = metrics.gauge("process_open_fds", "Open files and sockets of the process.");
  auto& max_files = metrics.gauge("process_max_fds", "Most files that the process may open.");
  auto& start = metrics.gauge("process_start_time_seconds", "When the process began, in Unix time.");
  auto& uptime = metrics.gauge("process_uptime_seconds", "How long the process has run.");
  auto& throttled =
      metrics.counter("cgroup_cpu_throttled_seconds_total", "Time that the CPU quota held the process back.");
  auto& memory_limit_bytes = metrics.gauge("cgroup_memory_limit_bytes",
                                           "Smallest memory limit of the process's control groups; 0 without one.");
  const auto began = std::chrono::system_clock::now();
  start.Set(std::chrono::duration<double>(began.time_since_epoch()).count());
  metrics.on_scrape([&, began] {
    raise_to(cpu, cpu_seconds());
    resident.Set(field("/proc/self/status", "VmRSS:").value_or(0) * 1024);
    virtual_size.Set(field("/proc/self/status", "VmSize:").value_or(0) * 1024);
    threads.Set(field("/proc/self/status", "Threads:").value_or(0));
    files.Set(open_files());
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) max_files.Set(static_cast<double>(limit.rlim_cur));
    uptime.Set(std::chrono::duration<double>(std::chrono::system_clock::now() - began).count());
    memory_limit_bytes.Set(memory_limit());
    raise_to(throttled, throttled_seconds().value_or(0));
  });
  add_system_metrics(metrics);
}

}  // namespace catdog::service
