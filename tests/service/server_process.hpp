// SPDX-License-Identifier: Apache-2.0
// The real catdog-server as a child process in a folder of its own, with a model whose answers are known: what is red
// is a cat, what is blue a dog.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "service/client.hpp"
#include "support/model_maker.hpp"

namespace catdog::service_tests {

namespace fs = std::filesystem;

std::string image(bool cat, int side = 32);  // A PNG.
std::string slow_image();                    // Tens of milliseconds of decoding in a few KB.
std::string green_image();                   // Of neither, to colour_model_with_neither().
test_support::ModelRecipe colour_model();
test_support::ModelRecipe colour_model_with_neither();

class ServerProcess {
 public:
  ServerProcess();
  ~ServerProcess();  // Kills what still runs.
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts it; `environment` as NAME=VALUE. Waits until it is ready unless told otherwise. Times that a busy machine
  // could miss are long unless set here.
  void start(const std::vector<std::string>& flags = {}, const std::vector<std::string>& environment = {},
             bool wait_ready = true);
  void signal(int number) const;
  // Its exit code, or -signal; fails the test when it doesn't end.
  int wait();
  bool running();

  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  pid_t pid() const { return pid_; }
  const fs::path& folder() const { return folder_; }
  std::string log() const;  // What it wrote to stderr so far.
  void write(const std::string& name, const std::string& bytes) const;
  void write_model(const test_support::ModelRecipe& recipe) const;

 private:
  void read_ports();
  fs::path folder_;
  pid_t pid_ = -1;
  int exit_code_ = -1000;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
};

// A metric's value as /metrics has it, `series` with its labels; -1 when there is none.
double metric(std::uint16_t port, const std::string& series);
bool metric_becomes(std::uint16_t port, const std::string& series, double value);

// A request that keeps a server's only worker (--workers 1, --max-pictures 500) busy until release(), or for long.
class BusyWorker {
 public:
  explicit BusyWorker(std::uint16_t port);
  void release() { client_.reset(); }  // The worker is free after the image at hand.

 private:
  Client client_;
};

// One server for all tests of a suite.
class SharedServer : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  static ServerProcess* server_;
  static std::uint16_t port() { return server_->port(); }
};

}  // namespace catdog::service_tests
