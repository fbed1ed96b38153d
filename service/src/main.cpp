// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <iostream>

#include "health_check.hpp"
#include "server.hpp"

int main(int argc, char** argv) {
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
