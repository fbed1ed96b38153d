// SPDX-License-Identifier: Apache-2.0
// Memory doesn't grow with the number of images and connections served.
#include <fstream>
#include <map>
#include <thread>

#include "image/decode.hpp"
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

test_support::Pixels still(int width, int height) {
  return {width, height, std::vector<std::uint8_t>(std::size_t{3} * static_cast<std::size_t>(width * height), 200)};
}

// An image of that kind for whose decoding nearly `limit` bytes are allowed.
template <typename Encode>
std::string costliest(const Encode& encode, std::uint64_t limit) {
  const auto cost = [](const std::vector<std::uint8_t>& bytes) {
    return core::probe_image(bytes, {8, 8}, {.max_decode_bytes = ~std::uint64_t{0}}).decode_bytes;
  };
  constexpr int height = 2000;
  const std::uint64_t of_narrow = cost(encode(still(200, height)));
  const auto bytes = encode(still(static_cast<int>(190 * limit / of_narrow), height));
  EXPECT_GT(cost(bytes), limit * 8 / 10);
  return {bytes.begin(), bytes.end()};
}

double peak_memory(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return 1024 * std::stod(line.substr(6));
  }
  return -1;
}

TEST(Memory, TheCostliestImagesStayWithinWhatTheirHeadersTell) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep freed memory";
#endif
  constexpr std::uint64_t limit = 32 << 20;
  constexpr int workers = 2;
  using test_support::Pixels;
  const std::map<std::string, std::string> images{
      {"progressive JPEG",
       costliest([](const Pixels& p) { return test_support::encode_jpeg(p, {.progressive = true}); }, limit)},
      {"PNG with alpha",
       costliest([](const Pixels& p) { return test_support::encode_png(p, {.alpha = true}); }, limit)},
      {"interlaced PNG",
       costliest([](const Pixels& p) { return test_support::encode_png(p, {.interlaced = true}); }, limit)},
      {"WebP with alpha",
       costliest([](const Pixels& p) { return test_support::encode_webp(p, {.alpha = true}); }, limit)},
      {"lossless WebP",
       costliest([](const Pixels& p) { return test_support::encode_webp(p, {.lossless = true}); }, limit)},
      {"GIF", costliest([](const Pixels& p) { return test_support::make_gif({.width = p.width, .height = p.height}); },
                        limit)}};
  ServerProcess server;
  server.start(
      {"--log-level", "error", "--workers", std::to_string(workers), "--max-decode-bytes", std::to_string(limit)});
  ask(server.port(), "POST", "/predict", image(true), octets);
  for (const auto& [kind, bytes] : images) {
    std::ofstream("/proc/" + std::to_string(server.pid()) + "/clear_refs") << 5;  // The peak begins anew.
    const double before = metric(server.admin_port(), "process_resident_memory_bytes");
    std::vector<std::thread> clients;
    for (int i = 0; i < 2 * workers; ++i) {
      clients.emplace_back([&, &kind = kind, &bytes = bytes] {
        for (int k = 0; k < 3; ++k) {
          EXPECT_EQ(ask(server.port(), "POST", "/predict", bytes, octets).status, 200) << kind;
        }
      });
    }
    for (std::thread& client : clients) client.join();
    const double bodies = 2.0 * workers * static_cast<double>(bytes.size());
    EXPECT_LE(peak_memory(server.pid()) - before, workers * static_cast<double>(limit) + bodies + 8e6) << kind;
    EXPECT_LE(metric(server.admin_port(), "process_resident_memory_bytes") - before, 16e6) << kind << " is kept";
  }
}

TEST(Memory, AnImageThatCostsMoreIsRefusedByName) {
  ServerProcess server;
  server.start({"--log-level", "error", "--max-decode-bytes", "1048576"});
  const auto bytes = test_support::encode_jpeg(still(1000, 1000), {.progressive = true});
  const Reply reply = ask(server.port(), "POST", "/predict", std::string(bytes.begin(), bytes.end()), octets);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.problem(), "picture-over-limit");
  EXPECT_NE(reply.body.find("max_decode_bytes"), std::string::npos) << reply.body;
}

}  // namespace
}  // namespace catdog::service_tests
