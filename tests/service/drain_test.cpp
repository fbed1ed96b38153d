// SPDX-License-Identifier: Apache-2.0
// SIGTERM: not ready at once, nothing lost, exit 0; and clients that go away.
#include <signal.h>

#include <thread>

#include "service/server_process.hpp"
#include "support/pictures.hpp"

namespace catdog::service_tests {
namespace {

using namespace std::chrono_literals;

// Takes tens of milliseconds to decode in a few KB.
std::string slow_picture() {
  const auto bytes = test_support::make_black_png(7000, 7000);
  return {bytes.begin(), bytes.end()};
}

TEST(Drain, IsNotReadyAtOnceAndFinishesWhatIsQueued) {
  ServerProcess server;
  server.start({"--workers", "1", "--grace-ms", "600"});
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(server.port());
    clients.back().send(make_request("POST", "/predict", slow_picture(), octets));
  }
  Client idle(server.port());
  EXPECT_EQ(idle.request("GET", "/health/ready").status, 200);
  server.signal(SIGTERM);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(ask(server.port(), "GET", "/health/ready").status, 503);  // New connections are still taken.
  EXPECT_EQ(ask(server.port(), "GET", "/health").json().at("status"), "draining");
  EXPECT_EQ(ask(server.port(), "GET", "/health/live").status, 200);
  EXPECT_EQ(ask(server.port(), "POST", "/predict", picture(true), octets).headers.at("connection"), "close");
  for (Client& client : clients) EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(idle.closed(5s));
  EXPECT_EQ(server.wait(), 0);
}

TEST(Drain, ASecondSignalEndsAtOnce) {
  ServerProcess server;
  server.start({"--grace-ms", "20000"});
  server.signal(SIGTERM);
  std::this_thread::sleep_for(200ms);
  ASSERT_TRUE(server.running());
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(3s), 143);
}

TEST(Drain, WhatOutlastsTheLimitIsCutOff) {
  ServerProcess server;
  server.start({"--grace-ms", "0", "--drain-limit-ms", "400"});
  Client stuck(server.port());
  stuck.send("POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n");
  std::this_thread::sleep_for(100ms);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(5s), 1);
}

TEST(Abandoned, AClientThatWentAwayCostsNoInference) {
  ServerProcess server;
  server.start({"--workers", "1"});
  Client first(server.port());
  first.send(make_request("POST", "/predict", slow_picture(), octets));
  std::this_thread::sleep_for(30ms);
  for (int i = 0; i < 5; ++i) {
    Client gone(server.port());
    gone.send(make_request("POST", "/predict", picture(true), octets));
    std::this_thread::sleep_for(5ms);
    if (i % 2 == 0) gone.reset();
  }
  EXPECT_EQ(first.read().status, 200);
  EXPECT_EQ(ask(server.port(), "POST", "/predict", picture(false), octets).status, 200);
  EXPECT_EQ(metric(server.port(), "requests_abandoned_total"), 5);
  EXPECT_EQ(metric(server.port(), "inference_duration_seconds_count"), 2);
  EXPECT_EQ(metric(server.port(), "requests_in_flight"), 1);  // The scrape itself.
}

}  // namespace
}  // namespace catdog::service_tests
