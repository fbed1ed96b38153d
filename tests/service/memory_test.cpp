// SPDX-License-Identifier: Apache-2.0
// Memory doesn't grow with the number of images and connections served.
#include "service/server_process.hpp"
#include "support/images.hpp"
#include "support/open_files.hpp"

namespace catdog::service_tests {
namespace {

TEST(Memory, StaysAfterThousandsOfMixedImages) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep freed memory";
#endif
  ServerProcess server;
  server.start({"--log-level", "error", "--feedback-answers", "500"});
  std::vector<std::string> bodies{image(true), image(false, 200), image(true).substr(0, 50), "no image"};
  for (const char* name : {"baseline.jpg", "lossy.webp", "plain.gif", "rgb16.png", "orientation6.jpg", "cmyk.jpg"}) {
    const auto bytes = test_support::shipped_image(name);
    bodies.emplace_back(bytes.begin(), bytes.end());
  }
  const auto serve = [&](int requests) {
    for (int i = 0; i < requests;) {
      Client client(server.port());
      for (int k = 0; k < 50; ++k, ++i) {
        ASSERT_GT(
            client.request("POST", "/predict", bodies[static_cast<std::size_t>(i) % bodies.size()], octets).status, 0);
      }
    }
  };
  serve(1500);
  const double before = metric(server.port(), "process_resident_memory_bytes");
  serve(4000);
  EXPECT_LT(metric(server.port(), "process_resident_memory_bytes") - before, 10e6);
}

TEST(Memory, UnfinishedBodiesStayWithinTheAccountAndProbesAreAnswered) {
  test_support::allow_many_open_files();
  constexpr double account = 64e6;
  ServerProcess server;
  server.start({"--log-level", "error", "--max-queue-bytes", "64000000"});
  [[maybe_unused]] const double before = metric(server.admin_port(), "process_resident_memory_bytes");
  std::vector<Client> held;
  const std::string part(1 << 20, 'x');
  for (int i = 0; i < 400; ++i) {
    held.emplace_back(server.port());
    held.back().send(make_head("POST", "/predict", std::string(octets) + content_length(part.size() + 1)));
    held.back().send(part);
  }
  EXPECT_GT(metric(server.admin_port(), "queue_bytes"), account / 2);
  EXPECT_LE(metric(server.admin_port(), "queue_bytes"), account);
  EXPECT_GT(metric(server.admin_port(), "rejected_total{reason=\"body_memory\"}"), 0);
  EXPECT_EQ(ask(server.port(), "GET", "/health/live").status, 200);
  EXPECT_EQ(ask(server.admin_port(), "GET", "/health/ready").status, 200);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(metric(server.admin_port(), "process_resident_memory_bytes") - before, account + 32e6);
#endif
  held.clear();
  EXPECT_TRUE(metric_becomes(server.admin_port(), "queue_bytes", 0));
  EXPECT_EQ(ask(server.port(), "POST", "/predict", image(true), octets).status, 200);
}

}  // namespace
}  // namespace catdog::service_tests
