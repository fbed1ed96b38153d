// SPDX-License-Identifier: Apache-2.0
// Memory doesn't grow with the number of images and connections served.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

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
  // What was sent still lies in sockets: the server reads it when it can.
  EXPECT_TRUE(eventually([&] {
    return metric(server.admin_port(), "rejected_total{reason=\"body_memory\"}") > 0 &&
           metric(server.admin_port(), "queue_bytes") > account / 2;
  }));
  EXPECT_LE(metric(server.admin_port(), "queue_bytes"), account);
  EXPECT_EQ(ask(server.port(), "GET", "/health/live").status, 200);
  EXPECT_EQ(ask(server.admin_port(), "GET", "/health/ready").status, 200);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(metric(server.admin_port(), "process_resident_memory_bytes") - before, account + 32e6);
#endif
  held.clear();
  EXPECT_TRUE(metric_becomes(server.admin_port(), "queue_bytes", 0));
  EXPECT_EQ(ask(server.port(), "POST", "/predict", image(true), octets).status, 200);
}

// Bytes: the most that the process ever had in memory.
double peak_resident(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    double kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return -1;
}

// The most expensive kind of each format, each at most 32 MiB to decode, and together more than three times that.
std::vector<std::string> costly_images() {
  using namespace test_support;
  GifOptions gif;
  gif.screen_width = gif.width = gif.screen_height = gif.height = 3000;
  std::vector<std::string> images;
  for (const ByteString& bytes :
       {encode_webp(make_scene(1500, 1500), {.lossless = false, .alpha = true}),
        encode_webp(make_scene(1600, 1600), {.lossless = true, .alpha = true}),
        encode_jpeg(make_scene(2200, 2200), {.progressive = true, .full_colour = true}),
        encode_png(make_scene(2000, 2000), {.alpha = true, .interlaced = true}), make_gif(gif)}) {
    images.emplace_back(bytes.begin(), bytes.end());
  }
  return images;
}

TEST(Memory, DecodingInAllWorkersStaysWithinItsAccount) {
  constexpr int workers = 6;
  constexpr int account = 32 << 20;
  const std::vector<std::string> images = costly_images();
  ServerProcess server;
  server.start({"--log-level", "error", "--workers", std::to_string(workers), "--max-decode-bytes",
                std::to_string(account), "--request-timeout-ms", "300000"});
  for (const auto& name : {"baseline.jpg", "lossy.webp"}) {  // Code that is loaded at its first use.
    const auto bytes = test_support::shipped_image(name);
    ask(server.port(), "POST", "/predict", std::string(bytes.begin(), bytes.end()), octets);
  }
  const double before = peak_resident(server.pid());
  double bodies = 0;  // The most so far; twice, because a body is copied as its buffer grows.
  for (const std::string& image : images) {
    std::vector<std::thread> clients;
    clients.reserve(workers);
    std::atomic<int> answered{0};
    for (int i = 0; i < workers; ++i) {
      clients.emplace_back([&] {
        Client client(server.port());
        for (int k = 0; k < 2; ++k) answered += client.request("POST", "/predict", image, octets).status == 200;
      });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(answered, 2 * workers);
    bodies = std::max(bodies, 2.0 * workers * static_cast<double>(image.size()));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    // For each worker: malloc's buffers below its threshold for mmap, and the 4 MiB that it may keep.
    EXPECT_LT(peak_resident(server.pid()) - before, account + bodies + workers * 5e6) << image.substr(0, 4);
#endif
  }
  EXPECT_GT(before, 0);
  EXPECT_EQ(ask(server.admin_port(), "GET", "/health/ready").status, 200);
}

TEST(Memory, AnImageThatCostsMoreThanTheAccountIsRefusedByName) {
  ServerProcess server;
  server.start({"--log-level", "error", "--max-decode-bytes", "100000"});
  const auto bytes = test_support::make_black_png(1000, 1000);
  const Reply reply = ask(server.port(), "POST", "/predict", std::string(bytes.begin(), bytes.end()), octets);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.problem(), "picture-over-limit");
  EXPECT_NE(reply.body.find("max_decode_bytes"), std::string::npos) << reply.body;
}

}  // namespace
}  // namespace catdog::service_tests
