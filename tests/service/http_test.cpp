// SPDX-License-Identifier: Apache-2.0
// HTTP itself: framing, limits, what is refused and how.
#include <gmock/gmock.h>

#include <chrono>

#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class Http : public SharedServer {};

TEST_F(Http, KeepsTheConnectionForTheNextRequest) {
  Client client(port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.request("GET", "/health/live").status, 200);
  EXPECT_EQ(client.request("GET", "/health/live", "", "Connection: close\r\n").headers.at("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST_F(Http, AnswersPipelinedRequestsInOrder) {
  Client client(port());
  client.send(make_request("POST", "/predict", image(true), octets) + make_request("GET", "/health/live") +
              make_request("POST", "/predict", image(false), octets));
  EXPECT_EQ(client.read().json().at("predicted_label"), "cat");
  EXPECT_EQ(client.read().json().at("status"), "ok");
  EXPECT_EQ(client.read().json().at("predicted_label"), "dog");
}

TEST_F(Http, HeadHasTheHeadersOfGetAndNoBody) {
  Client client(port());
  const Reply get = client.request("GET", "/openapi.json");
  const Reply head = client.request("HEAD", "/openapi.json");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(get.body.size()));
  EXPECT_EQ(client.request("GET", "/health/live").json().at("status"), "ok");  // Nothing of a body was in between.
}

TEST_F(Http, TakesChunkedBodies) {
  const std::string bytes = image(false);
  Client client(port());
  client.send(make_head("POST", "/predict", "Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n"));
  char size[16];
  snprintf(size, sizeof size, "%zx\r\n", bytes.size() - 10);
  client.send("a\r\n" + bytes.substr(0, 10) + "\r\n");
  client.send(size + bytes.substr(10) + "\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().json().at("predicted_label"), "dog");
}

TEST_F(Http, ContinuesWhenItWillTakeTheBody) {
  const std::string bytes = image(true);
  Client client(port());
  client.send(make_head("POST", "/predict", content_length(bytes.size()) + std::string(expect_continue)));
  EXPECT_EQ(client.read(true).status, 100);
  client.send(bytes);
  EXPECT_EQ(client.read().json().at("predicted_label"), "cat");
}

TEST_F(Http, RefusesBeforeTheBodyWhenItWillNotTakeIt) {
  Client client(port());
  client.send(make_head("POST", "/predict", content_length(3'000'000) + std::string(expect_continue)));
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.problem(), "too-large");
  EXPECT_EQ(reply.headers.at("connection"), "close");
}

TEST_F(Http, AClientThatSendsTooMuchStillReadsWhy) {
  Client client(port());
  client.send(make_request("POST", "/predict", std::string(3'000'000, 'x'), octets));
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(Http, ChunkedBodiesHaveTheSameLimit) {
  Client client(port());
  client.send(make_head("POST", "/predict", "Transfer-Encoding: chunked\r\n"));
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
  for (int i = 0; i < 40 && client.send(chunk); ++i) {
  }
  EXPECT_EQ(client.read().status, 413);
}

struct Refused {
  const char* name;
  std::string request;
  int status;
  const char* problem;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

class Refusals : public SharedServer, public testing::WithParamInterface<Refused> {};

TEST_P(Refusals, IsAProblemDocument) {
  Client client(port());
  client.send(GetParam().request);
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, GetParam().status);
  EXPECT_EQ(reply.problem(), GetParam().problem);
  EXPECT_EQ(reply.json().at("status"), GetParam().status);
  EXPECT_EQ(reply.json().at("request_id"), reply.headers.at("x-request-id"));
  EXPECT_FALSE(reply.json().at("detail").get<std::string>().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Http, Refusals,
    testing::Values(
        Refused{"NotHttp", "\x16\x03\x01 hello\r\n\r\n", 400, "malformed"},
        Refused{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400, "malformed"},
        Refused{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "malformed"},
        Refused{"BadPercent", make_request("GET", "/%zz"), 400, "malformed"},
        Refused{"BothFramings", make_request("POST", "/predict", "x", "Transfer-Encoding: chunked\r\n"), 400,
                "malformed"},
        Refused{"BadLength", make_head("POST", "/predict", "Content-Length: -1\r\n"), 400, "malformed"},
        Refused{"BadTimeout", make_request("POST", "/predict", "x", "X-Request-Timeout-Ms: soon\r\n"), 400,
                "malformed"},
        Refused{"EmptyTimeout", make_request("POST", "/predict", "x", "X-Request-Timeout-Ms:\r\n"), 400, "malformed"},
        Refused{"NoSuchPath", make_request("GET", "/nothing"), 404, "not-found"},
        Refused{"WrongMethod", make_request("DELETE", "/predict"), 405, "method-not-allowed"},
        Refused{"NoLength", make_head("POST", "/predict"), 411, "length-required"},
        Refused{"ContentEncoding", make_request("POST", "/predict", "x", "Content-Encoding: gzip\r\n"), 415,
                "unsupported-encoding"},
        Refused{"OtherExpectation", make_request("GET", "/", "", "Expect: wonders\r\n"), 417, "expectation-failed"},
        Refused{"HugeHeader", make_request("GET", "/", "", "X-Much: " + std::string(20'000, 'y') + "\r\n"), 431,
                "header-too-large"}),
    [](const auto& info) { return info.param.name; });

TEST_F(Http, NamesTheRightMethodToAClientThatUploadsWithPut) {
  const Reply reply = ask(port(), "PUT", "/predict", image(true), octets);  // curl -T
  EXPECT_EQ(reply.status, 405);
  EXPECT_THAT(reply.json().at("detail").get<std::string>(), HasSubstr("POST"));
}

TEST_F(Http, SaysWhichMethodsAPathTakes) {
  EXPECT_EQ(ask(port(), "DELETE", "/predict").headers.at("allow"), "POST, OPTIONS");
  EXPECT_EQ(ask(port(), "POST", "/health").headers.at("allow"), "GET, HEAD, OPTIONS");
  const Reply options = ask(port(), "OPTIONS", "/predict");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.at("allow"), "POST, OPTIONS");
  EXPECT_EQ(ask(port(), "OPTIONS", "/nothing").status, 404);
}

TEST_F(Http, TakesOverTheCallersIdentityWhenItIsSound) {
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const Reply reply = ask(port(), "GET", "/health/live", "",
                          "X-Request-Id: order-66\r\ntraceparent: 00-" + trace + "-b7ad6b7169203331-01\r\n");
  EXPECT_EQ(reply.headers.at("x-request-id"), "order-66");
  EXPECT_THAT(reply.headers.at("traceparent"), StartsWith("00-" + trace + "-"));
  EXPECT_THAT(reply.headers.at("traceparent"), EndsWith("-01"));
  EXPECT_THAT(reply.headers.at("traceparent"), testing::Not(HasSubstr("b7ad6b7169203331")));
  const Reply made = ask(port(), "GET", "/health/live", "", "X-Request-Id: <script>\r\ntraceparent: nonsense\r\n");
  EXPECT_THAT(made.headers.at("x-request-id"), testing::MatchesRegex("[0-9a-f]{32}"));
  EXPECT_THAT(made.headers.at("traceparent"), testing::MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"));
}

TEST(Times, ASlowHeaderGets408) {
  ServerProcess server;
  server.start({"--read-timeout-ms", "300"});
  Client client(server.port());
  client.send("GET /health HTTP/1.1\r\nHo");
  const Reply reply = client.read();
  EXPECT_EQ(reply.status, 408);
  EXPECT_EQ(reply.problem(), "too-slow");
  EXPECT_TRUE(client.closed());
}

TEST(Times, ADripFedBodyGets408) {
  ServerProcess server;
  server.start({"--read-timeout-ms", "500"});
  Client client(server.port());
  client.send(make_head("POST", "/predict", content_length(1'000'000)));
  // Steady bytes don't win more time: the limit is for the whole request.
  EXPECT_TRUE(eventually([&] {
    client.send("x");
    return client.readable();
  }));
  EXPECT_EQ(client.read().status, 408);
}

TEST(Times, AnIdleConnectionIsClosed) {
  ServerProcess server;
  server.start({"--idle-timeout-ms", "1000"});
  const auto start = std::chrono::steady_clock::now();
  const Client client(server.port());
  EXPECT_TRUE(client.closed());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(Http, AnswersOnIpv6) {
  try {
    EXPECT_EQ(Client(port(), true).request("GET", "/health/live").status, 200);
  } catch (const std::runtime_error&) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
}

TEST_F(Http, Http10KeepsTheConnectionOnlyWhenAskedAndSaysSo) {
  Client kept(port());
  const std::string bytes = image(true);
  for (const std::string& request :
       {std::string("GET /health/live HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
        "POST /predict HTTP/1.0\r\nConnection: Keep-Alive\r\n" + content_length(bytes.size()) + "\r\n" + bytes}) {
    kept.send(request);
    const Reply reply = kept.read();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("connection"), "keep-alive");
  }
}

TEST_F(Http, Http10EndsTheConnection) {
  Client client(port());
  client.send("GET /health/live HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.closed());
}

TEST_F(Http, ServesThePages) {
  const Reply index = ask(port(), "GET", "/");
  EXPECT_EQ(index.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(index.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
  const Reply docs = ask(port(), "GET", "/docs");
  EXPECT_EQ(docs.status, 200);
  EXPECT_THAT(docs.body, Not(HasSubstr("@SWAGGER_UI@")));
  EXPECT_EQ(ask(port(), "GET", "/static/app.js").status, 200);
  EXPECT_EQ(ask(port(), "GET", "/static/none.js").status, 404);
  EXPECT_THAT(ask(port(), "GET", "/openapi.json").json().at("openapi").get<std::string>(), StartsWith("3.1"));
}

TEST(Limits, ConnectionsBeyondTheLimitAreRefusedAndLaterOnesTaken) {
  ServerProcess server;
  server.start({"--max-connections", "3"});
  {
    std::vector<Client> held;
    for (int i = 0; i < 3; ++i) {
      held.emplace_back(server.port());
      EXPECT_EQ(held.back().request("GET", "/health/live").status, 200);
    }
    Client fourth(server.port());
    EXPECT_EQ(fourth.read().status, 503);
    EXPECT_EQ(metric(server.admin_port(), "rejected_total{reason=\"connections\"}"), 1);
  }
  EXPECT_TRUE(eventually([&] { return ask(server.port(), "GET", "/health/live").status == 200; }));
}

// All of a body but its last byte.
std::string unfinished(std::string_view path, std::size_t bytes) {
  return make_head("POST", path, std::string(octets) + content_length(bytes)) + std::string(bytes - 1, 'x');
}

TEST(Limits, BodiesShareOneAccountOfMemory) {
  ServerProcess server;
  server.start({"--max-queue-bytes", "8000000"});
  const auto held = [&](double bytes) {
    return eventually([&] { return metric(server.admin_port(), "queue_bytes") >= bytes; });
  };
  {
    Client first(server.port());
    first.send(unfinished("/predict", 4'000'000));
    ASSERT_TRUE(held(3'999'999));
    Client second(server.port());
    second.send(unfinished("/predict", 4'000'000));
    const Reply reply = second.read();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.problem(), "overloaded");
    EXPECT_EQ(reply.headers.at("retry-after"), "1");
    EXPECT_EQ(metric(server.admin_port(), "rejected_total{reason=\"body_memory\"}"), 1);
    EXPECT_EQ(ask(server.port(), "POST", "/predict", image(true), octets).status, 200);  // Small ones go on.
    first.send("x");
    EXPECT_EQ(first.read().status, 415);
    EXPECT_TRUE(metric_becomes(server.admin_port(), "queue_bytes", 0));  // The answer has given the memory back.
    first.send(unfinished("/predict", 4'000'000));
    ASSERT_TRUE(held(3'999'999));
  }
  EXPECT_TRUE(metric_becomes(server.admin_port(), "queue_bytes", 0));  // And so does a client's end.
}

TEST(Limits, ABodyIsChargedForWhatCameNotForWhatWasAnnounced) {
  ServerProcess server;
  server.start({"--max-queue-bytes", "2000000", "--max-body-bytes", "30000000"});
  std::vector<Client> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.emplace_back(server.port());
    const bool chunked = i % 2 == 0;
    waiting.back().send(
        make_head("POST", "/predict", chunked ? "Transfer-Encoding: chunked\r\n" : content_length(30'000'000)) +
        (chunked ? "10000\r\n" : "") + std::string(100, 'x'));
  }
  ASSERT_TRUE(metric_becomes(server.admin_port(), "queue_bytes", 20 * 4096));
  EXPECT_EQ(ask(server.port(), "POST", "/predict", image(true), octets).status, 200);
}

// Whatever the route: those that take no body, those that refuse before it, and those with a small limit.
TEST(Limits, BodiesThatNobodyAskedForAreNotKept) {
  ServerProcess server;
  server.start({}, {"CATDOG_ADMIN_TOKEN=open-sesame"});
  constexpr std::size_t size = 33'554'432;
  [[maybe_unused]] const double before = metric(server.admin_port(), "process_resident_memory_bytes");
  std::vector<Client> open;
  for (int i = 0; i < 8; ++i) {
    for (const char* route :
         {"GET /health/live", "OPTIONS /predict", "GET /nothing", "PUT /predict", "POST /feedback"}) {
      const std::string text(route);
      const std::size_t space = text.find(' ');
      open.emplace_back(server.port());
      open.back().send(make_head(text.substr(0, space), text.substr(space + 1), content_length(size)));
      open.back().send(std::string(1'000'000, 'x'));
    }
    open.emplace_back(server.admin_port());
    open.back().send(make_head("POST", "/admin/reload", content_length(size)));
    open.back().send(std::string(1'000'000, 'x'));
  }
  for (Client& client : open) {
    const Reply reply = client.read();
    EXPECT_GE(reply.status, 200);
    EXPECT_EQ(reply.headers.at("connection"), "close");
  }
  EXPECT_TRUE(metric_becomes(server.admin_port(), "queue_bytes", 0));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(metric(server.admin_port(), "process_resident_memory_bytes") - before, 16e6);
#endif
}

TEST(Limits, ASmallBodyThatNobodyAskedForIsSkipped) {
  ServerProcess server;
  server.start();
  Client client(server.port());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client.request("GET", "/health/live", std::string(60'000, 'x')).status, 200);
    EXPECT_EQ(client.request("OPTIONS", "/predict", "GET / HTTP/1.1\r\n\r\n").status, 204);
  }
}

}  // namespace
}  // namespace catdog::service_tests
