// SPDX-License-Identifier: Apache-2.0
// What becomes of a connection after an answer, and after one that came before the body.
#include <optional>

#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

using namespace std::chrono_literals;

// Its worker is busy, and one request waits: every other one is refused.
class FullServer {
 public:
  FullServer() {
    server_.start({"--workers", "1", "--max-pictures", "500", "--max-queue", "1"});
    busy_.emplace(server_.port());
    waiting_.emplace(server_.port());
    waiting_->send(make_request("POST", "/predict", image(true), octets));
    EXPECT_TRUE(metric_becomes(server_.admin_port(), "queue_depth", 1));
  }
  std::uint16_t port() const { return server_.port(); }

 private:
  ServerProcess server_;
  std::optional<BusyWorker> busy_;
  std::optional<Client> waiting_;
};

TEST(Answers, ARefusedBodyIsDroppedAndTheConnectionKept) {
  const FullServer server;
  Client client(server.port());
  for (const std::size_t size : {std::size_t{1000}, std::size_t{300'000}, std::size_t{5'000'000}}) {
    const std::string body(size, 'x');
    client.send(make_head("POST", "/predict", content_length(size)) + body.substr(0, size / 3));
    const Reply early = client.read();  // While most of the body isn't sent.
    EXPECT_EQ(early.status, 503);
    EXPECT_EQ(early.headers.count("connection"), 0U);
    client.send(body.substr(size / 3) + make_request("GET", "/health/live"));
    EXPECT_EQ(client.read().status, 200) << size;
  }
}

TEST(Answers, WhereARefusedBodyEndsMustBeKnown) {
  const FullServer server;
  for (const std::string& header :
       {std::string("Transfer-Encoding: chunked\r\n"), content_length(10) + std::string(expect_continue)}) {
    Client client(server.port());
    client.send(make_head("POST", "/predict", header));
    const Reply reply = client.read();
    EXPECT_EQ(reply.status, 503) << header;
    EXPECT_EQ(reply.headers.at("connection"), "close") << header;
    EXPECT_TRUE(client.closed()) << header;
  }
}

TEST(Answers, AFullQueueRefusesBeforeTheBody) {
  ServerProcess server;
  server.start({"--workers", "1", "--max-pictures", "500", "--max-queue", "1"});
  BusyWorker busy(server.port());
  Client waiting(server.port());
  waiting.send(make_request("POST", "/predict", image(true), octets));
  ASSERT_TRUE(metric_becomes(server.port(), "queue_depth", 1));
  for (const std::string path : {"/predict", "/explain", "/v2/models/colour/infer"}) {
    Client client(server.port());
    client.send(make_head("POST", path, content_length(10)));
    EXPECT_EQ(client.read().status, 503) << path;
    client.send(std::string(10, 'x') + make_request("GET", "/health/live"));
    EXPECT_EQ(client.read().status, 200) << path;
  }
  EXPECT_EQ(metric(server.port(), "rejected_total{reason=\"queue\"}"), 3);
  EXPECT_EQ(metric(server.port(), "queue_depth"), 1);
  busy.release();
  EXPECT_EQ(waiting.read().status, 200);
}

TEST(Answers, IdleTimeCountsFromAWorkersAnswer) {
  ServerProcess server;
  server.start({"--idle-timeout-ms", "1000", "--request-timeout-ms", "600000"});
  Client client(server.port());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.request("POST", "/predict", image(true), octets).status, 200);
  EXPECT_TRUE(client.closed());
  EXPECT_GE(std::chrono::steady_clock::now() - start, 1s);
}

TEST(Answers, ARequestLongerThanTheIdleTimeIsAnswered) {
  ServerProcess server;
  server.start({"--workers", "1", "--max-pictures", "500", "--idle-timeout-ms", "1000"});
  BusyWorker busy(server.port());
  Client client(server.port());
  client.send(make_request("POST", "/predict", image(true), octets));
  std::this_thread::sleep_for(1500ms);
  busy.release();
  EXPECT_EQ(client.read().status, 200);
}

TEST(Answers, AClientThatReadsLateGetsEveryAnswerWhole) {
  constexpr int files = 10'000;
  ServerProcess server;
  server.start({"--max-pictures", std::to_string(files), "--log-level", "error"});
  Client client(server.port());
  std::string body;
  for (int i = 0; i < files; ++i) body += "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n";
  body += "--b--\r\n";
  const auto answered = [&](int count) {
    return metric_becomes(server.port(), R"(api_requests_total{endpoint="/predict",method="POST",status="200"})",
                          count);
  };
  const std::string request =
      make_request("POST", "/predict", body, "Content-Type: multipart/form-data; boundary=b\r\n");
  for (int i = 1; i <= 2; ++i) {  // One answer the socket takes, two it doesn't.
    client.send(request);
    ASSERT_TRUE(answered(i));
  }
  for (int i = 1; i <= 2; ++i) {
    const Reply reply = client.read();
    ASSERT_EQ(reply.status, 200);
    EXPECT_EQ(reply.json().at("results").size(), static_cast<std::size_t>(files));
  }
  EXPECT_EQ(client.request("GET", "/health/live").status, 200);
}

}  // namespace
}  // namespace catdog::service_tests
