// SPDX-License-Identifier: Apache-2.0
// SIGTERM: not ready at once, nothing lost, exit 0; and clients that go away.
#include <signal.h>

#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

using Clock = std::chrono::steady_clock;

// A grace time that ends with the second signal only.
const std::vector<std::string> endless_grace{"--grace-ms", "3600000"};

bool is_draining(const ServerProcess& server) {
  return eventually([&] { return ask(server.port(), "GET", "/health/ready").status == 503; });
}

TEST(Drain, InTheGraceTimeItIsNotReadyAndAnswersWithClose) {
  ServerProcess server;
  server.start(endless_grace);
  Client kept(server.port());
  EXPECT_EQ(kept.request("GET", "/health/ready").headers.count("connection"), 0U);
  server.signal(SIGTERM);
  EXPECT_TRUE(is_draining(server));  // New connections are still taken.
  EXPECT_EQ(ask(server.port(), "GET", "/health").json().at("status"), "draining");
  EXPECT_EQ(ask(server.port(), "GET", "/health/live").status, 200);
  EXPECT_EQ(metric(server.admin_port(), "server_draining"), 1);
  for (const Reply& reply : {ask(server.port(), "POST", "/predict", image(true), octets),
                             kept.request("POST", "/predict", image(true), octets)}) {
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("connection"), "close");
  }
  EXPECT_TRUE(kept.closed());
}

TEST(Drain, AfterTheGraceTimeItClosesWhatIsIdleAndFinishesWhatIsQueued) {
  ServerProcess server;
  server.start({"--workers", "1", "--max-pictures", "500", "--grace-ms", "500"});
  const Client idle(server.port());
  Client answered(server.port());
  EXPECT_EQ(answered.request("POST", "/predict", image(true), octets).status, 200);
  BusyWorker busy(server.port());
  std::vector<Client> queued;
  for (int i = 0; i < 4; ++i) {
    queued.emplace_back(server.port());
    queued.back().send(make_request("POST", "/predict", image(true), octets));
  }
  ASSERT_TRUE(metric_becomes(server.admin_port(), "queue_depth", 4));
  const auto start = Clock::now();
  server.signal(SIGTERM);
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(answered.closed());
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(500));
  EXPECT_EQ(metric(server.admin_port(), "queue_depth"), 4);
  busy.release();
  for (Client& client : queued) {
    const Reply reply = client.read();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("connection"), "close");
  }
  EXPECT_EQ(server.wait(), 0);
}

TEST(Drain, ASecondSignalEndsAtOnce) {
  ServerProcess server;
  server.start(endless_grace);
  server.signal(SIGTERM);
  ASSERT_TRUE(is_draining(server));
  ASSERT_TRUE(server.running());
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 143);
}

TEST(Drain, WhatOutlastsTheLimitIsCutOff) {
  ServerProcess server;
  server.start({"--grace-ms", "0", "--drain-limit-ms", "400"});
  Client stuck(server.port());
  stuck.send(make_head("POST", "/predict", content_length(10) + std::string(expect_continue)));
  ASSERT_EQ(stuck.read(true).status, 100);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 1);
}

TEST(Abandoned, AClientThatWentAwayCostsNoInference) {
  ServerProcess server;
  server.start({"--workers", "1", "--max-pictures", "500"});
  const std::uint16_t admin = server.admin_port();
  BusyWorker busy(server.port());
  constexpr int count = 5;
  for (int i = 0; i < count; ++i) {
    Client gone(server.port());
    gone.send(make_request("POST", "/predict", image(true), octets));
    ASSERT_TRUE(metric_becomes(admin, "queue_depth", i + 1));
    if (i % 2 == 0) gone.reset();
  }
  EXPECT_TRUE(metric_becomes(admin, "requests_abandoned_total", count));
  busy.release();
  EXPECT_EQ(ask(server.port(), "POST", "/predict", image(false), octets).status, 200);
  EXPECT_EQ(metric(admin, "requests_abandoned_total"), count + 1);
  EXPECT_EQ(metric(admin, "prediction_confidence_count{label=\"cat\"}"), -1);  // Theirs were cats, all others' dogs.
  EXPECT_TRUE(metric_becomes(admin, "requests_in_flight", 1));                 // The scrape itself.
}

}  // namespace
}  // namespace catdog::service_tests
