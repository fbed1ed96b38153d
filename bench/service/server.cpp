// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "load.hpp"

extern char** environ;

namespace catdog::bench {

Server::Server(const std::string& model, const std::vector<std::string>& flags) {
  std::string pattern = (std::filesystem::temp_directory_path() / "catdog-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  const std::string ports = (folder_ / "ports").string();
  std::vector<std::string> arguments{
      CATDOG_SERVER, "--model",     model,   "--port",     "0", "--admin-port", "0", "--port-file",
      ports,         "--log-level", "error", "--grace-ms", "0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (posix_spawn(&pid_, CATDOG_SERVER, nullptr, nullptr, argv.data(), environ) != 0) {
    throw std::runtime_error("cannot start " CATDOG_SERVER);
  }
  for (int i = 0; i < 3000; ++i) {
    std::ifstream in(ports);
    std::string api;
    if (in >> api && api.size() > 4) {
      port_ = static_cast<std::uint16_t>(std::stoi(api.substr(4)));
      if (get_status(port_, "/health/ready") == 200) return;
    }
    if (waitpid(pid_, nullptr, WNOHANG) != 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("catdog-server doesn't get ready");
}

Server::~Server() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  std::filesystem::remove_all(folder_);
}

double Server::cpu_seconds() const {
  clockid_t clock{};
  timespec now{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &now) != 0) {
    throw std::runtime_error("the server has ended");
  }
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

long Server::resident_kib() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  for (std::string word; in >> word;) {
    long kib = 0;
    if (word == "VmRSS:" && in >> kib) return kib;
  }
  throw std::runtime_error("the server has ended");
}

int get_status(std::uint16_t port, const std::string& path) {
  int socket = -1;
  try {
    socket = connect_to(port);
  } catch (const std::runtime_error&) {
    return 0;
  }
  const timeval limit{10, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
  send(socket, request.data(), request.size(), MSG_NOSIGNAL);
  std::string reply;
  char block[4096];
  for (ssize_t got = 0; (got = recv(socket, block, sizeof block, 0)) > 0;) {
    reply.append(block, static_cast<std::size_t>(got));
  }
  ::close(socket);
  return reply.size() < 12 ? 0 : std::stoi(reply.substr(9, 3));
}

}  // namespace catdog::bench
