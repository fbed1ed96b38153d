// SPDX-License-Identifier: Apache-2.0
// Starting: settings, models that are missing, ports that are taken.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

using testing::HasSubstr;

TEST(Start, AMissingModelIsExitCode3) {
  ServerProcess server;
  server.start({"--model", "/nowhere/model.pt"}, {}, false);
  EXPECT_EQ(server.wait(), 3);
  EXPECT_THAT(server.log(), HasSubstr("/nowhere/model.pt"));
}

TEST(Start, ADamagedModelIsExitCode3) {
  ServerProcess server;
  server.write("model.pt", "no model");
  server.start({}, {}, false);
  EXPECT_EQ(server.wait(), 3);
  EXPECT_THAT(server.log(), HasSubstr("model_failed"));
}

TEST(Start, ATakenPortIsExitCode4) {
  ServerProcess first;
  first.start();
  ServerProcess second;
  second.start({"--port", std::to_string(first.port())}, {}, false);
  EXPECT_EQ(second.wait(), 4);
  EXPECT_THAT(second.log(), HasSubstr("--port"));
}

TEST(Start, AWrongSettingIsExitCode2) {
  ServerProcess server;
  server.start({"--workers", "many"}, {}, false);
  EXPECT_EQ(server.wait(), 2);
  EXPECT_THAT(server.log(), HasSubstr("--workers"));
}

TEST(Start, LogsOneJsonObjectALineWithoutFileNamesOrAddresses) {
  ServerProcess server;
  server.start({"--grace-ms", "0"});
  ask(server.port(), "POST", "/predict", form({image(true)}), form_type);
  ask(server.port(), "POST", "/predict", "no image", octets);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  std::istringstream lines(server.log());
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    events.push_back(nlohmann::json::parse(line).at("event"));
    EXPECT_THAT(line, testing::Not(HasSubstr("pet.jpg")));
    EXPECT_THAT(line, testing::Not(HasSubstr("127.0.0.1")));
  }
  EXPECT_THAT(events, testing::IsSupersetOf({"server_started", "model_loaded", "request_completed", "prediction_failed",
                                             "drain_started"}));
}

TEST(Start, AReaderThatIsTooSlowLosesLogLinesNotRequests) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's _exit() waits for stderr, which nobody reads here";
#endif
  ServerProcess server;
  const std::string path = (server.folder() / "log").string();
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int pipe = open(path.c_str(), O_RDWR | O_CLOEXEC);  // Never read.
  ASSERT_GE(pipe, 0);
  server.start({"--grace-ms", "0", "--log-level", "debug"});
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += make_request("GET", "/health/live");
  Client client(server.port());
  EXPECT_TRUE(eventually([&] {  // As many lines as the pipe and the queue hold, and then some.
    client.send(requests);
    for (int k = 0; k < 100; ++k) EXPECT_EQ(client.read().status, 200);
    return metric(server.port(), "log_lines_lost_total") > 0 || HasFailure();
  }));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  close(pipe);
}

TEST(Start, ProbesAndScrapesAreLoggedAtDebugOnlyAndThePathOfA404Too) {
  for (const bool debug : {false, true}) {
    ServerProcess server;
    server.start({"--grace-ms", "0", "--log-level", debug ? "debug" : "info"});
    for (const char* path : {"/health", "/health/live", "/metrics", "/v2/health/ready", "/no/such/path"}) {
      ask(server.port(), "GET", path);
    }
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
    const auto logs = [&](const char* text) { return server.log().find(text) != std::string::npos; };
    EXPECT_EQ(logs(R"("endpoint":"/health/live")"), debug);
    EXPECT_EQ(logs(R"("endpoint":"/metrics")"), debug);
    EXPECT_EQ(logs(R"("endpoint":"/v2/health/ready")"), debug);
    EXPECT_EQ(logs("/no/such/path"), debug);
    EXPECT_TRUE(logs(R"("endpoint":"other")"));
  }
}

TEST(Start, AWrongAddressIsExitCode2AndNamesTheFlag) {
  ServerProcess server;
  server.start({"--address", "localhost"}, {}, false);
  EXPECT_EQ(server.wait(), 2);
  EXPECT_THAT(server.log(), HasSubstr("--address"));
}

TEST(Start, NamesAVariableThatIsNoSetting) {
  ServerProcess server;
  server.start({"--grace-ms", "0"}, {"CATDOG_WORKER=2"});
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_THAT(server.log(), HasSubstr("CATDOG_WORKER\""));
}

TEST(Start, LogLevelOffIsSilent) {
  ServerProcess server;
  server.start({}, {"LOG_LEVEL=OFF"});
  ask(server.port(), "POST", "/predict", "no image", octets);
  EXPECT_EQ(server.log(), "");
}

}  // namespace
}  // namespace catdog::service_tests
