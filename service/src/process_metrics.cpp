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

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double max_files() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

enum class CpuMode { busy, idle };

double machine_cpu_seconds(CpuMode mode) {
  std::ifstream stat("/proc/stat");
  std::string name;
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double waiting = 0;
  stat >> name >> user >> nice >> system >> idle >> waiting;
  return (mode == CpuMode::busy ? user + nice + system : idle + waiting) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double load_average() {
  double minute = 0;
  std::ifstream("/proc/loadavg") >> minute;
  return minute;
}

double process_status(const char* key) { return field("/proc/self/status", key).value_or(0); }
double memory_of_machine(const char* key) { return field("/proc/meminfo", key).value_or(0) * 1024; }

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void add_process_metrics(Metrics& metrics) {
  metrics.read_counter("process_cpu_seconds_total", "CPU time of the process.", cpu_seconds);
  metrics.read_gauge("process_resident_memory_bytes", "Resident memory of the process.",
                     [] { return process_status("VmRSS:") * 1024; });
  metrics.read_gauge("process_virtual_memory_bytes", "Virtual memory of the process.",
                     [] { return process_status("VmSize:") * 1024; });
  metrics.read_gauge("process_threads", "Threads of the process.", [] { return process_status("Threads:"); });
  metrics.read_gauge("process_open_fds", "Open files and sockets of the process.", open_files);
  metrics.read_gauge("process_max_fds", "Most files that the process may open.", max_files);
  const double began = unix_time();
  metrics.read_gauge("process_start_time_seconds", "When the process began, in Unix time.", [began] { return began; });
  metrics.read_gauge("process_uptime_seconds", "How long the process has run.",
                     [began] { return unix_time() - began; });
  metrics.read_counter("cgroup_cpu_throttled_seconds_total", "Time that the CPU quota held the process back.",
                       [] { return throttled_seconds().value_or(0); });
  metrics.read_gauge("cgroup_memory_limit_bytes",
                     "Smallest memory limit of the process's control groups; 0 without one.", memory_limit);
  metrics.read_gauge("system_memory_total_bytes", "Memory of the machine.",
                     [] { return memory_of_machine("MemTotal:"); });
  metrics.read_gauge("system_memory_available_bytes", "Memory of the machine that is available.",
                     [] { return memory_of_machine("MemAvailable:"); });
  const char* cpu_help = "CPU time of the machine, by mode.";
  metrics.read_counter("system_cpu_seconds_total", cpu_help, [] { return machine_cpu_seconds(CpuMode::busy); },
                       {{"mode", "busy"}});
  metrics.read_counter("system_cpu_seconds_total", cpu_help, [] { return machine_cpu_seconds(CpuMode::idle); },
                       {{"mode", "idle"}});
  metrics.read_gauge("system_load1", "Load average of the machine over a minute.", load_average);
}

}  // namespace catdog::service
