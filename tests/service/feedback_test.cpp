// SPDX-License-Identifier: Apache-2.0
// POST /feedback and the scores that it feeds.
#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

constexpr std::string_view json_type = "Content-Type: application/json\r\n";

std::string predict(const ServerProcess& server, bool cat) {
  return ask(server.port(), "POST", "/predict", image(cat), octets).json().at("feedback_token");
}

Reply tell(const ServerProcess& server, const std::string& token, const std::string& label,
           const std::string& headers = "") {
  return ask(server.port(), "POST", "/feedback", nlohmann::json{{"feedback_token", token}, {"label", label}}.dump(),
             std::string(json_type) + headers);
}

TEST(Feedback, FeedsLiveScores) {
  ServerProcess server;
  server.start();
  EXPECT_EQ(metric(server.port(), "model_accuracy"), -1);  // Nothing invented before there is feedback.
  const std::string first = predict(server, true);
  EXPECT_EQ(tell(server, first, "cat").status, 204);
  EXPECT_EQ(tell(server, predict(server, true), "dog").status, 204);
  EXPECT_EQ(tell(server, predict(server, false), "dog").status, 204);
  EXPECT_EQ(tell(server, predict(server, false), "dog").status, 204);
  EXPECT_DOUBLE_EQ(metric(server.port(), "model_accuracy"), 0.75);
  EXPECT_DOUBLE_EQ(metric(server.port(), "model_precision{label=\"cat\"}"), 0.5);
  EXPECT_DOUBLE_EQ(metric(server.port(), "model_recall{label=\"cat\"}"), 1);
  EXPECT_EQ(metric(server.port(), "feedback_total"), 4);

  EXPECT_EQ(tell(server, "never-given", "cat").status, 400);
  EXPECT_EQ(tell(server, "never-given", "cat").problem(), "invalid-token");
  EXPECT_EQ(tell(server, first, "cat").status, 409);
  EXPECT_EQ(tell(server, predict(server, true), "cow").status, 400);
}

TEST(Feedback, AnyInstanceWithTheKeyTakesIt) {
  ServerProcess first;
  ServerProcess second;
  ServerProcess stranger;
  first.start({}, {"CATDOG_FEEDBACK_KEY=shared"});
  second.write("key", "shared\n");
  second.start({"--feedback-key-file", (second.folder() / "key").string()});
  stranger.start();
  const std::string token = predict(first, true);
  EXPECT_EQ(tell(second, token, "cat").status, 204);
  EXPECT_EQ(metric(second.port(), "model_accuracy"), 1);
  EXPECT_EQ(tell(second, token, "cat").status, 409);
  EXPECT_EQ(tell(stranger, token, "cat").problem(), "invalid-token");
}

TEST(Feedback, CanRequireTheBearerToken) {
  ServerProcess server;
  server.start({"--feedback-needs-token"}, {"CATDOG_ADMIN_TOKEN=open-sesame"});
  const std::string token = predict(server, true);
  EXPECT_EQ(tell(server, token, "cat").status, 401);
  EXPECT_EQ(tell(server, token, "cat", "Authorization: Bearer open-sesame\r\n").status, 204);
}

TEST(Feedback, TheWindowBelongsToOneModel) {
  ServerProcess server;
  server.start({}, {"CATDOG_ADMIN_TOKEN=open-sesame"});
  const auto reload = [&] {
    return ask(server.admin_port(), "POST", "/admin/reload", "", "Authorization: Bearer open-sesame\r\n").status;
  };
  EXPECT_EQ(tell(server, predict(server, true), "dog").status, 204);
  EXPECT_EQ(metric(server.port(), "model_accuracy"), 0);
  const std::string old = predict(server, true);
  test_support::ModelRecipe recipe = colour_model();
  recipe.version = "2.0.0";
  server.write_model(recipe);
  ASSERT_EQ(reload(), 200);
  EXPECT_EQ(metric(server.port(), "feedback_window_answers"), 0);
  EXPECT_EQ(metric(server.port(), "model_accuracy"), -1);
  EXPECT_EQ(tell(server, old, "dog").status, 204);  // About the old model: taken, but no score of the new one.
  EXPECT_EQ(metric(server.port(), "feedback_window_answers"), 0);
  EXPECT_EQ(tell(server, predict(server, true), "cat").status, 204);
  EXPECT_EQ(metric(server.port(), "model_accuracy"), 1);
}

}  // namespace
}  // namespace catdog::service_tests
