// SPDX-License-Identifier: Apache-2.0
// More requests than may wait.
#include <gmock/gmock.h>

#include "service/server_process.hpp"
#include "support/images.hpp"

namespace catdog::service_tests {
namespace {

TEST(Load, TheQueueIsBoundedWhateverTheDeadlines) {
  ServerProcess server;
  server.start({"--workers", "1", "--max-pictures", "500", "--max-queue", "2"});
  BusyWorker busy(server.port());
  std::vector<Client> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.emplace_back(server.port());
    waiting.back().send(make_request("POST", "/predict", image(i == 0), octets));
    ASSERT_TRUE(metric_becomes(server.port(), "queue_depth", i + 1));
  }
  for (int i = 0; i < 3; ++i) {
    const Reply reply = ask(server.port(), "POST", "/predict", image(true), octets);
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.problem(), "overloaded");
    EXPECT_GE(std::stoi(reply.headers.at("retry-after")), 1);
  }
  EXPECT_EQ(ask(server.port(), "GET", "/health/ready").status, 200);  // Doesn't wait behind images.
  EXPECT_EQ(metric(server.port(), "queue_depth"), 2);
  busy.release();
  for (Client& client : waiting) EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(metric(server.port(), "rejected_total{reason=\"queue\"}"), 3);
}

TEST(Load, AWorkerStopsDecodingAtTheDeadline) {
  ServerProcess server;
  server.start({"--workers", "1"});
  const auto bytes = test_support::make_black_png(9000, 9000);
  const Reply reply = ask(server.port(), "POST", "/predict", std::string(bytes.begin(), bytes.end()),
                          std::string(octets) + "X-Request-Timeout-Ms: 30\r\n");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.problem(), "overloaded");
  EXPECT_TRUE(metric_becomes(server.port(), "workers_busy", 0));
  EXPECT_EQ(metric(server.port(), "picture_pixels_count"), 0);  // It wasn't classified to the end.
}

TEST(Load, ADeadlineThatPassesAmongSeveralImagesCountsOnce) {
  ServerProcess server;
  server.start({"--workers", "1"});
  const std::string body = form(std::vector<std::string>(8, slow_image()));
  const Reply reply =
      ask(server.port(), "POST", "/predict", body, std::string(form_type) + "X-Request-Timeout-Ms: 50\r\n");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.problem(), "overloaded");
  EXPECT_TRUE(metric_becomes(server.port(), "errors_total{type=\"overloaded\"}", 1));
  EXPECT_TRUE(metric_becomes(server.port(), "workers_busy", 0));  // The worker has noticed it too.
  EXPECT_EQ(metric(server.port(), "rejected_total{reason=\"expired\"}"), 1);
  EXPECT_EQ(metric(server.port(), "errors_total{type=\"overloaded\"}"), 1);
}

}  // namespace
}  // namespace catdog::service_tests
