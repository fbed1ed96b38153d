// SPDX-License-Identifier: Apache-2.0
// Clients that send a byte at a time hold up nobody, and no longer than they may.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "service/server_process.hpp"
#include "support/open_files.hpp"

namespace catdog::service_tests {
namespace {

constexpr int slow_count = 500;

TEST(Pressure, HealthyClientsAreAllAnsweredBesideFiveHundredSlowOnesAndThoseInTheEnd) {
  test_support::allow_many_open_files();
  ServerProcess server;
  server.start({"--read-timeout-ms", "200000", "--log-level", "warning"});
  const std::string request = make_request("POST", "/predict", image(true), octets);
  ASSERT_GT(request.size(), 100U);
  const std::size_t body = request.find("\r\n\r\n") + 5;
  std::vector<Client> slow;
  std::vector<std::size_t> sent;
  for (int i = 0; i < slow_count; ++i) {
    sent.push_back(i % 2 == 0 ? 4 : body);  // Half of them are still at the header, half at the body.
    slow.emplace_back(server.port());
    ASSERT_TRUE(slow.back().send(std::string_view(request).substr(0, sent.back())));
  }
  std::atomic<int> healthy{0};
  std::atomic<int> done{0};
  constexpr int healthy_count = 4;
  constexpr int requests_each = 100;
  std::vector<std::thread> clients;
  for (int i = 0; i < healthy_count; ++i) {
    clients.emplace_back([&] {
      Client client(server.port());
      for (int k = 0; k < requests_each; ++k)
        healthy += client.request("POST", "/predict", image(false), octets).status == 200;
      ++done;
    });
  }
  for (std::size_t i = 0; done < healthy_count; i = (i + 1) % slow.size()) {
    if (sent[i] + 1 >= request.size()) continue;
    slow[i].send(std::string_view(request).substr(sent[i]++, 1));
    if (i == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(healthy, healthy_count * requests_each);
  EXPECT_GE(metric(server.port(), "connections_open"), slow_count);
  // Slow isn't wrong: whoever finishes in time gets the answer.
  int answered = 0;
  for (std::size_t i = 0; i < slow.size(); ++i) {
    slow[i].send(std::string_view(request).substr(sent[i]));
    const Reply reply = slow[i].read();
    if (reply.status == 200 && reply.json().at("predicted_label") == "cat") ++answered;
  }
  EXPECT_EQ(answered, slow_count);
}

TEST(Pressure, SendingAByteNowAndThenDoesntBuyMoreTime) {
  ServerProcess server;
  server.start({"--read-timeout-ms", "600", "--idle-timeout-ms", "100000", "--log-level", "error"});
  std::vector<Client> slow;
  for (int i = 0; i < 20; ++i) {
    slow.emplace_back(server.port());
    slow.back().send(i % 2 == 0 ? "POST /pre" : "POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 90000\r\n\r\nx");
  }
  std::atomic<bool> stop{false};
  std::thread drip([&] {
    while (!stop) {
      for (const Client& client : slow) client.send("x");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const std::string series = "connections_open";
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  double open = metric(server.port(), series);
  while (open > 1 && std::chrono::steady_clock::now() < end) {  // The one that asks.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    open = metric(server.port(), series);
  }
  stop = true;
  drip.join();
  EXPECT_EQ(open, 1);
}

}  // namespace
}  // namespace catdog::service_tests
