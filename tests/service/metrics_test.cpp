// SPDX-License-Identifier: Apache-2.0
// GET /metrics: real numbers, enough of them, of bounded cardinality.
#include <gmock/gmock.h>

#include <set>
#include <sstream>

#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

TEST(Metrics, CountWhatHappened) {
  ServerProcess server;
  server.start({"--workers", "2"});
  for (int i = 0; i < 3; ++i) ask(server.port(), "POST", "/predict", image(i == 0), octets);
  ask(server.port(), "POST", "/predict", "no image", octets);
  ask(server.port(), "GET", "/nothing/" + std::to_string(server.pid()));
  const auto value = [&](const std::string& series) { return metric(server.admin_port(), series); };
  const auto requests = [&](const std::string& labels) { return value("api_requests_total{" + labels + "}"); };
  EXPECT_EQ(requests(R"(endpoint="/predict",method="POST",status="200")"), 3);
  EXPECT_EQ(requests(R"(endpoint="/predict",method="POST",status="415")"), 1);
  EXPECT_EQ(requests(R"(endpoint="other",method="GET",status="404")"), 1);
  EXPECT_EQ(value("errors_total{type=\"not-a-picture\"}"), 1);
  EXPECT_EQ(value("inference_duration_seconds_count"), 3);
  EXPECT_EQ(value("prediction_confidence_count{label=\"dog\"}"), 2);
  EXPECT_EQ(value("queue_wait_seconds_count"), 4);
  EXPECT_EQ(value("received_body_bytes_total"), 2 * image(false).size() + image(true).size() + 8);
  EXPECT_EQ(value("workers"), 2);
  EXPECT_EQ(value("queue_depth"), 0);
  EXPECT_EQ(value("model_loaded"), 1);
  EXPECT_GE(value("cgroup_memory_limit_bytes"), 0);
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  EXPECT_GE(value("process_threads"), 3);
  EXPECT_GT(value("prediction_latency_seconds{quantile=\"0.99\"}"), 0);
  EXPECT_EQ(value("prediction_latency_seconds_count"), 3);  // Refusals are quick and would hide how slow answers are.
  EXPECT_EQ(value("requests_in_flight"), 1);                // This one.
}

TEST(Metrics, NamesTheRevisionThatTheEnvironmentNames) {
  ServerProcess server;
  server.start({}, {"CATDOG_REVISION=0a1b2c3"});
  const Reply reply = ask(server.port(), "GET", "/metrics");
  EXPECT_THAT(reply.body, testing::ContainsRegex("build_info[{][^\n]*revision=\"0a1b2c3\""));
}

TEST(Metrics, HasAtLeast31FamiliesAnd60SeriesEachDescribedOnce) {
  ServerProcess server;
  server.start();
  ask(server.port(), "POST", "/predict", image(true), octets);
  const Reply reply = ask(server.port(), "GET", "/metrics");
  EXPECT_EQ(reply.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  std::istringstream lines(reply.body);
  std::set<std::string> families;
  std::size_t series = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# TYPE ", 0) == 0) {
      const std::string name = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(name).second) << name;
      const bool counter = line.substr(line.rfind(' ') + 1) == "counter";
      const bool total = name.size() > 6 && name.substr(name.size() - 6) == "_total";
      EXPECT_EQ(counter, total) << name;
    } else if (line.rfind('#', 0) != 0) {
      ++series;
    }
  }
  EXPECT_GE(families.size(), 31U);
  EXPECT_GE(series, 60U);
}

}  // namespace
}  // namespace catdog::service_tests
