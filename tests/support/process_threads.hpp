// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <iterator>
#include <thread>

namespace catdog::test_support {

// Threads that this process has now.
inline int process_threads() {
  // ThreadSanitizer starts a thread of its own with the program's first one: that one shall not count.
  static const bool settled = (std::thread([] {}).join(), true);
  static_cast<void>(settled);
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

}  // namespace catdog::test_support
