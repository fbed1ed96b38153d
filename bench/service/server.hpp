// SPDX-License-Identifier: Apache-2.0
// The real catdog-server as a child process, and what the system knows about it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace catdog::bench {

class Server {
 public:
  // Returns once it is ready; throws std::runtime_error when it isn't within half a minute.
  Server(const std::string& model, const std::vector<std::string>& flags);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }
  double cpu_seconds() const;  // Used so far, of all its threads.
  long resident_kib() const;

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

int get_status(std::uint16_t port, const std::string& path);  // Of a GET; 0 when no reply came.

}  // namespace catdog::bench
