// SPDX-License-Identifier: Apache-2.0
// More requests than can be answered in time, from more clients than fit into the deadline.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "service/server_process.hpp"
#include "support/images.hpp"

namespace catdog::service_tests {
namespace {

constexpr int client_count = 48;
constexpr int requests_each = 12;

double milliseconds(const std::string& server_timing, const std::string& stage) {
  return std::stod(server_timing.substr(server_timing.find(stage + ";dur=") + stage.size() + 5));
}

TEST(Pressure, InOverloadEachRequestIsAnsweredAndProbesDontWait) {
  ServerProcess server;
  server.start({"--workers", "1", "--log-level", "error"});
  const auto bytes = test_support::make_black_png(3000, 3000);
  const std::string body(bytes.begin(), bytes.end());
  // Time for ten of them as fast as this machine is now: fewer than there are clients, and never none.
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(ask(server.port(), "POST", "/predict", body, octets).status, 200);
  const std::chrono::duration<double, std::milli> three = std::chrono::steady_clock::now() - start;
  const int deadline_ms = static_cast<int>(three.count() / 3 * 10);
  const std::string request = make_request(
      "POST", "/predict", body, std::string(octets) + "X-Request-Timeout-Ms: " + std::to_string(deadline_ms) + "\r\n");
  std::atomic<int> accepted{0};
  std::atomic<int> refused{0};
  std::atomic<int> without_retry_after{0};
  std::atomic<int> begun_too_late{0};
  std::mutex mutex;
  std::multiset<int> others;
  std::atomic<bool> stop{false};
  int probes = 0;
  int live = 0;
  std::thread prober([&] {
    Client probe(server.port());
    while (!stop) {
      ++probes;
      if (probe.request("GET", "/health/live").status == 200) ++live;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  std::vector<std::thread> clients;
  for (int i = 0; i < client_count; ++i) {
    clients.emplace_back([&] {
      Client client(server.port());
      for (int k = 0; k < requests_each; ++k) {
        client.send(request);
        const Reply reply = client.read();
        if (reply.status == 200) {
          ++accepted;
          // By the server's own clock: how long this process waits for its turn on a busy core is no part of it.
          if (milliseconds(reply.headers.at("server-timing"), "queue") > deadline_ms) ++begun_too_late;
        } else if (reply.status == 503) {
          ++refused;
          if (reply.problem() != "overloaded" || reply.headers.count("retry-after") == 0) ++without_retry_after;
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        } else {
          const std::lock_guard lock(mutex);
          others.insert(reply.status);
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  stop = true;
  prober.join();
  EXPECT_EQ(others, std::multiset<int>());
  EXPECT_EQ(accepted + refused, client_count * requests_each);
  EXPECT_GT(accepted, 0);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(without_retry_after, 0);
  EXPECT_EQ(begun_too_late, 0);
  EXPECT_GT(probes, 0);
  EXPECT_EQ(live, probes);
  // Most hear it at once instead of when their time is up.
  EXPECT_GT(metric(server.port(), "rejected_total{reason=\"deadline\"}"), 0);
  EXPECT_EQ(ask(server.port(), "POST", "/predict", image(true), octets).status, 200);
}

}  // namespace
}  // namespace catdog::service_tests
