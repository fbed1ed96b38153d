// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

namespace catdog::core {

// CPUs that the process's control group may use (quota / period, up to 1,000,000), the tightest of the group and its
// ancestors; nothing without a limit. See granted_threads() about `root`.
std::optional<double> cgroup_cpu_quota(const std::filesystem::path& root);

}  // namespace catdog::core
