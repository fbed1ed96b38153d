// SPDX-License-Identifier: Apache-2.0
// `catdog-server --check-health` beside servers in every state.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Checked {
  int exit_code;
  std::string said;
};

Checked check_health(const std::vector<std::string>& flags, const std::vector<std::string>& environment = {}) {
  ServerProcess check;
  std::vector<std::string> arguments{"--check-health"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  check.start(arguments, environment, false);
  return {check.wait(), check.log()};
}

Checked check_health(std::uint16_t port) { return check_health({"--port", std::to_string(port)}); }

bool is_one_line(const std::string& text) { return text.find('\n') == text.size() - 1; }

TEST(HealthCheck, AReadyServerIs0) {
  ServerProcess server;
  server.start();
  const Checked checked = check_health(server.port());
  EXPECT_EQ(checked.exit_code, 0);
  EXPECT_THAT(checked.said, StartsWith("healthy: http://127.0.0.1:" + std::to_string(server.port()) + "/health/ready"));
  EXPECT_TRUE(is_one_line(checked.said)) << checked.said;
}

TEST(HealthCheck, TheAddressIsTheConfiguredOne) {
  ServerProcess server;
  server.start({"--address", "127.0.0.2"}, {}, false);
  const auto port = [&] {
    std::ifstream in(server.folder() / "ports");
    std::string api;
    in >> api;
    return api.substr(api.find('=') + 1);
  };
  ASSERT_TRUE(eventually([&] { return fs::exists(server.folder() / "ports"); }));
  EXPECT_TRUE(eventually([&] { return check_health({"--port", port(), "--address", "127.0.0.2"}).exit_code == 0; }));
  EXPECT_EQ(check_health({"--port", port()}).exit_code, 1);
}

TEST(HealthCheck, ADrainingServerIs1) {
  ServerProcess server;
  server.start({"--grace-ms", "3600000"});
  server.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return ask(server.port(), "GET", "/health/ready").status == 503; }));
  const Checked checked = check_health(server.port());
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.said, StartsWith("unhealthy: "));
  EXPECT_THAT(checked.said, HasSubstr("answers 503"));
  EXPECT_THAT(checked.said, HasSubstr("draining"));
  EXPECT_TRUE(is_one_line(checked.said)) << checked.said;
}

TEST(HealthCheck, AServerThatHangsIs1) {
  ServerProcess server;
  server.start();
  server.signal(SIGSTOP);  // Its port still takes connections.
  const Checked checked = check_health(server.port());
  server.signal(SIGCONT);
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.said, HasSubstr("no reply within 3 s"));
}

TEST(HealthCheck, NobodyThereIs1) {
  std::uint16_t port = 0;
  {
    ServerProcess server;
    server.start();
    port = server.port();
  }
  const Checked checked = check_health(port);
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.said, HasSubstr("doesn't answer: Connection refused"));
}

TEST(HealthCheck, AWrongSettingIsExitCode2) {
  EXPECT_EQ(check_health({"--port", "many"}).exit_code, 2);
  const Checked checked = check_health({"--address", "nowhere.example"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.said, HasSubstr("nowhere.example"));
}

}  // namespace
}  // namespace catdog::service_tests
