// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include <exception>
#include <iostream>

#include "health_check.hpp"
#include "server.hpp"

int main(int argc, char** argv) {
  // glibc raises this threshold to the size of the largest block that was freed, up to 32 MiB, and keeps smaller blocks
  // for each thread. Then every worker would hold the memory of its largest image for good.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  int exit_code = 0;
  const auto config = catdog::service::parse_config(argc, argv, exit_code);
  if (!config) return exit_code;
  try {
    if (config->check_health) return catdog::service::check_health(*config);
    return catdog::service::Server(*config).run();
  } catch (const std::exception& failure) {
    std::cerr << "catdog-server: " << failure.what() << '\n';
    return 1;
  }
}
