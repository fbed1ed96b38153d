// SPDX-License-Identifier: Apache-2.0
// More than it can do: slow clients, overload, restarts.
#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "service/server_process.hpp"
#include "support/open_files.hpp"
#include "support/pictures.hpp"

namespace catdog::service_tests {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(Load, FiveHundredSlowClientsDontHoldUpHealthyOnes) {
  test_support::allow_many_open_files();
  ServerProcess server;
  server.start({"--log-level", "warning"});
  std::vector<Client> slow;
  for (int i = 0; i < 500; ++i) {
    slow.emplace_back(server.port());
    slow.back().send(i % 2 == 0 ? "POST /pre" : "POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 90000\r\n\r\nx");
  }
  Client healthy(server.port());
  for (int i = 0; i < 200; ++i) {
    for (int k = 0; k < 5; ++k) slow[static_cast<std::size_t>(i * 5 + k) % 500].send("x");
    ASSERT_EQ(healthy.request("POST", "/predict", picture(true), octets).status, 200);
  }
  EXPECT_GE(metric(server.port(), "connections_open"), 501);
  EXPECT_EQ(metric(server.port(), "api_requests_total{endpoint=\"/predict\",method=\"POST\",status=\"200\"}"), 200);
}

TEST(Load, InOverloadTheAcceptedMeetTheirDeadlineAndTheRestHearsWhenToComeBack) {
  ServerProcess server;
  server.start({"--workers", "1", "--log-level", "error"});
  const auto bytes = test_support::make_black_png(3000, 3000);
  const std::string slow(bytes.begin(), bytes.end());
  for (int i = 0; i < 5; ++i) ask(server.port(), "POST", "/predict", slow, octets);  // So that it knows its pace.
  std::atomic<int> accepted{0};
  std::atomic<int> refused{0};
  std::atomic<int> other{0};
  std::atomic<int> late{0};
  std::vector<std::thread> clients;
  const auto end = Clock::now() + 3s;
  for (int i = 0; i < 24; ++i) {
    clients.emplace_back([&] {
      Client client(server.port());
      while (Clock::now() < end) {
        const auto start = Clock::now();
        const Reply reply =
            client.request("POST", "/predict", slow, std::string(octets) + "X-Request-Timeout-Ms: 400\r\n");
        const auto taken = Clock::now() - start;
        if (reply.status == 200) {
          ++accepted;
          if (taken > 500ms) ++late;  // The client's own share of two busy cores included.
        } else if (reply.status == 503 && std::stoi(reply.headers.at("retry-after")) >= 1) {
          ++refused;
          std::this_thread::sleep_for(10ms);
        } else {
          ++other;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GT(accepted, 5);
  EXPECT_GT(refused, 5);
  EXPECT_EQ(other, 0);
  EXPECT_EQ(late, 0);
  EXPECT_EQ(metric(server.port(), "rejected_total{reason=\"deadline\"}") +
                metric(server.port(), "rejected_total{reason=\"expired\"}"),
            refused);
}

TEST(Load, TheQueueIsBoundedWhateverTheDeadlines) {
  ServerProcess server;
  server.start({"--workers", "1", "--max-queue", "2"});
  const auto bytes = test_support::make_black_png(7000, 7000);
  const std::string slow(bytes.begin(), bytes.end());
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(server.port());
    clients.back().send(make_request("POST", "/predict", slow, octets));
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(ask(server.port(), "GET", "/health/ready").status, 200);  // Doesn't wait behind pictures.
  std::vector<int> statuses;
  for (Client& client : clients) statuses.push_back(client.read().status);
  EXPECT_THAT(statuses, testing::ElementsAre(200, 200, 200, 503, 503, 503));
  EXPECT_EQ(metric(server.port(), "rejected_total{reason=\"queue\"}"), 3);
}

TEST(Load, ARestartBesideAnotherInstanceLosesNothing) {
  ServerProcess first;
  ServerProcess second;
  first.start({"--grace-ms", "500", "--log-level", "warning"});
  second.start({"--grace-ms", "500", "--log-level", "warning"});
  std::mutex mutex;
  std::uint16_t port = first.port();  // Where a proxy would send new connections: to an instance that is ready.
  std::atomic<int> lost{0};
  std::atomic<int> answered{0};
  const auto current = [&] {
    const std::lock_guard lock(mutex);
    return port;
  };
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      auto client = std::make_unique<Client>(current());
      for (int k = 0; k < 1000; ++k) {
        const Reply reply = client->request("POST", "/predict", picture(true), octets);
        (reply.status == 200 ? answered : lost)++;
        if (reply.status != 200 || reply.headers.count("connection") > 0) client = std::make_unique<Client>(current());
      }
    });
  }
  std::this_thread::sleep_for(150ms);
  first.signal(SIGTERM);
  std::this_thread::sleep_for(100ms);  // The proxy's next probe.
  {
    const std::lock_guard lock(mutex);
    port = second.port();
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(answered, 4000);
}

}  // namespace
}  // namespace catdog::service_tests
