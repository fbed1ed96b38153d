// SPDX-License-Identifier: Apache-2.0
// Control groups, v1 and v2: cgroups(7), proc_pid_mountinfo(5). Whatever can't be read counts as no limit.
#include "runtime/cgroup.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace catdog::core {
namespace {

namespace fs = std::filesystem;

struct Group {
  fs::path mount_root;  // The group that the mount shows as its top.
  fs::path mount_point;
  fs::path path;  // The process's group, as /proc/self/cgroup has it.
  bool v2 = false;
};

bool has_item(const std::string& list, const std::string& item) {
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) {
    if (part == item) return true;
  }
  return false;
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t k) { return k < text.size() && text[k] >= '0' && text[k] <= '7'; };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Mount {
  fs::path root;
  fs::path point;
};

// "36 35 98:0 /root /point options [tags…] - type source super-options"
std::vector<Mount> cgroup_mounts(const fs::path& root, bool v2) {
  std::vector<Mount> mounts;
  std::ifstream in(root / "proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, mount_root, point, skipped, type, source, super;
    fields >> id >> parent >> device >> mount_root >> point;
    while (fields >> skipped && skipped != "-") {
    }
    fields >> type >> source >> super;
    if (v2 ? type != "cgroup2" : type != "cgroup" || !has_item(super, "cpu")) continue;
    mounts.push_back({unescape(mount_root), unescape(point)});
  }
  return mounts;
}

std::vector<Group> groups_of_process(const fs::path& root) {
  std::vector<Group> groups;
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // "hierarchy:controllers:path"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && !has_item(controllers, "cpu")) continue;
    const fs::path path = line.substr(second + 1);
    std::vector<Mount> mounts = cgroup_mounts(root, v2);
    if (mounts.empty()) mounts.push_back({"/", v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu"});
    for (const Mount& mount : mounts) groups.push_back({mount.root, mount.point, path, v2});
  }
  return groups;
}

std::optional<double> quota_at(const fs::path& folder, bool v2) {
  double quota = -1;
  double period = 0;
  if (v2) {
    std::ifstream in(folder / "cpu.max");  // "max 100000" has no number first: no limit.
    if (!(in >> quota >> period)) return std::nullopt;
  } else {
    std::ifstream quota_file(folder / "cpu.cfs_quota_us");
    std::ifstream period_file(folder / "cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return std::min(quota / period, 1e6);
}

// The group below the mount point. Where the mount shows only a part of the tree (a container), the path in
// /proc/self/cgroup still begins with that part, or leads out of it.
fs::path below_mount(const Group& group) {
  fs::path relative = group.path.lexically_normal().lexically_relative(group.mount_root.lexically_normal());
  if (relative.empty() || relative == "." || *relative.begin() == "..") return {};
  return relative;
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const fs::path& root) {
  std::optional<double> tightest;
  for (const Group& group : groups_of_process(root)) {
    fs::path folder = root / group.mount_point.relative_path();
    std::vector<fs::path> folders{folder};
    for (const fs::path& part : below_mount(group)) folders.push_back(folder /= part);
    for (const fs::path& each : folders) {
      const std::optional<double> quota = quota_at(each, group.v2);
      if (quota && (!tightest || *quota < *tightest)) tightest = quota;
    }
  }
  return tightest;
}

}  // namespace catdog::core
