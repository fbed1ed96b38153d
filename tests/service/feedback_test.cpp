// SPDX-License-Identifier: Apache-2.0
// POST /feedback and the scores that it feeds.
#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

constexpr std::string_view json_type = "Content-Type: application/json\r\n";

TEST(Feedback, FeedsLiveScores) {
  ServerProcess server;
  server.start();
  const auto predict = [&](bool cat) {
    return ask(server.port(), "POST", "/predict", picture(cat), octets).headers.at("x-request-id");
  };
  const auto tell = [&](const std::string& id, const std::string& label) {
    return ask(server.port(), "POST", "/feedback", R"({"request_id":")" + id + R"(","label":")" + label + "\"}",
               json_type);
  };
  EXPECT_EQ(metric(server.port(), "model_accuracy"), -1);  // Nothing invented before there is feedback.
  const std::string first = predict(true);
  EXPECT_EQ(tell(first, "cat").status, 204);
  EXPECT_EQ(tell(predict(true), "dog").status, 204);
  EXPECT_EQ(tell(predict(false), "dog").status, 204);
  EXPECT_EQ(tell(predict(false), "dog").status, 204);
  EXPECT_DOUBLE_EQ(metric(server.port(), "model_accuracy"), 0.75);
  EXPECT_DOUBLE_EQ(metric(server.port(), "model_precision{label=\"cat\"}"), 0.5);
  EXPECT_DOUBLE_EQ(metric(server.port(), "model_recall{label=\"cat\"}"), 1);
  EXPECT_EQ(metric(server.port(), "feedback_total"), 4);

  EXPECT_EQ(tell("never-seen", "cat").problem(), "unknown-request");
  EXPECT_EQ(tell("never-seen", "cat").status, 404);
  EXPECT_EQ(tell(first, "cat").status, 409);
  EXPECT_EQ(tell(predict(true), "cow").status, 400);
}

}  // namespace
}  // namespace catdog::service_tests
