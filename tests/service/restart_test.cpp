// SPDX-License-Identifier: Apache-2.0
// Two instances behind a proxy are restarted one after the other while clients go on asking on the same connections.
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "service/proxy.hpp"
#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

constexpr int client_count = 6;
constexpr int least_requests = 10'000;
constexpr int requests_between = 500;  // That an instance must have answered before and after its restart.

double answered_by(const ServerProcess& server) {
  return metric(server.admin_port(), R"(api_requests_total{endpoint="/predict",method="POST",status="200"})");
}

TEST(Restart, OfEachOfTwoInstancesUnderLoadLosesNoRequest) {
  std::array<ServerProcess, 2> servers;
  for (ServerProcess& server : servers) server.start({"--log-level", "warning"});
  Proxy proxy({servers[0].port(), servers[1].port()});
  ASSERT_TRUE(eventually([&] { return proxy.is_ready(0) && proxy.is_ready(1); }));

  std::atomic<bool> stop{false};
  std::atomic<int> right{0};
  std::mutex mutex;
  std::map<int, int> lost;  // By status; 0: the connection ended.
  std::vector<std::thread> clients;
  for (int i = 0; i < client_count; ++i) {
    clients.emplace_back([&, cat = i % 2 == 0] {
      Client client(proxy.port());
      const std::string request = make_request("POST", "/predict", image(cat), octets);
      while (!stop || right < least_requests) {
        client.send(request);
        const Reply reply = client.read();
        if (reply.status == 200 && reply.json().at("predicted_label") == (cat ? "cat" : "dog")) {
          ++right;
          continue;
        }
        const std::lock_guard lock(mutex);
        ++lost[reply.status];
        if (reply.status == 0) return;
      }
    });
  }
  for (std::size_t i = 0; i < servers.size(); ++i) {
    EXPECT_TRUE(eventually([&] { return answered_by(servers[i]) > requests_between; }));
    servers[i].signal(SIGTERM);
    EXPECT_EQ(servers[i].wait(), 0);
    servers[i].start({"--log-level", "warning"});
    proxy.set_port(i, servers[i].port());
    EXPECT_TRUE(eventually([&] { return proxy.is_ready(i) && answered_by(servers[i]) > requests_between; }));
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(lost, (std::map<int, int>()));
  EXPECT_GE(right, least_requests);
}

}  // namespace
}  // namespace catdog::service_tests
