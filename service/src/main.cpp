// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include <exception>
#include <iostream>

#include "health_check.hpp"
#include "server.hpp"

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto config = catdog::service::parse_config(argc, argv, exit_code);
  if (!config) return exit_code;
  // Large buffers go back to the system when they are freed. By default glibc raises the threshold as it sees them, and
  // keeps tens of megabytes for each worker beside what is accounted for.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  try {
    if (config->check_health) return catdog::service::check_health(*config);
    return catdog::service::Server(*config).run();
  } catch (const std::exception& failure) {
    std::cerr << "catdog-server: " << failure.what() << '\n';
    return 1;
  }
}
