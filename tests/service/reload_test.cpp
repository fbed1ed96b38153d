// SPDX-License-Identifier: Apache-2.0
// Another model in place of the one in use: by SIGHUP and by POST /admin/reload.
#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view token = "Authorization: Bearer open-sesame\r\n";

test_support::ModelRecipe version(const std::string& name) {
  test_support::ModelRecipe recipe = colour_model();
  recipe.version = name;
  return recipe;
}

TEST(Reload, NeedsTheToken) {
  ServerProcess off;
  off.start();
  EXPECT_EQ(ask(off.admin_port(), "POST", "/admin/reload", "", token).status, 403);
  ServerProcess server;
  server.start({}, {"CATDOG_ADMIN_TOKEN=open-sesame"});
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload").status, 401);
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", "Authorization: Bearer open-sesamf\r\n").status, 401);
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", "Authorization: Bearer open-sesame1\r\n").status,
            401);
  EXPECT_EQ(ask(server.port(), "POST", "/admin/reload", "", token).status, 404);  // Not on the port of the API.
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", token).status, 200);
}

TEST(Reload, TheTokenMayComeFromAFile) {
  ServerProcess server;
  server.write("token", "open-sesame\n");
  server.start({"--admin-token-file", (server.folder() / "token").string()});
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", token).status, 200);
}

TEST(Reload, KeepsTheOldModelWhenTheNewOneIsNoGood) {
  ServerProcess server;
  server.start({}, {"CATDOG_ADMIN_TOKEN=open-sesame"});
  server.write("model.pt", "damaged");
  const Reply damaged = ask(server.admin_port(), "POST", "/admin/reload", "", token);
  EXPECT_EQ(damaged.status, 422);
  EXPECT_EQ(damaged.problem(), "model-refused");
  test_support::ModelRecipe other = version("2.0.0");
  other.labels = {"dog", "cat"};
  server.write_model(other);
  EXPECT_THAT(ask(server.admin_port(), "POST", "/admin/reload", "", token).body, HasSubstr("labels"));
  EXPECT_EQ(ask(server.port(), "GET", "/model").json().at("version"), "1.2.3");
  EXPECT_EQ(ask(server.port(), "GET", "/health/ready").status, 200);
  EXPECT_EQ(metric(server.port(), "model_reloads_total{result=\"refused\"}"), 2);
}

TEST(Reload, ANewModelMustAgreeWithTheLabelledPictures) {
  ServerProcess server;
  for (int i = 0; i < 3; ++i) {
    server.write("check/cat/" + std::to_string(i) + ".png", picture(true));
    server.write("check/dog/" + std::to_string(i) + ".png", picture(false));
  }
  server.start({"--reload-check-dir", (server.folder() / "check").string()}, {"CATDOG_ADMIN_TOKEN=open-sesame"});
  server.write_model(version("2.0.0"));
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", token).status, 200);
  test_support::ModelRecipe mixed_up = version("3.0.0");
  mixed_up.edit_weights = [](test_support::Weights& weights) {
    weights["fc.weight"].second = {0, 0, 1, 1, 0, 0};
    weights["fc.bias"].second = {0, 0};
  };
  server.write_model(mixed_up);
  EXPECT_THAT(ask(server.admin_port(), "POST", "/admin/reload", "", token).body, HasSubstr("0 of 6"));
  EXPECT_EQ(ask(server.port(), "GET", "/model").json().at("version"), "2.0.0");
}

TEST(Reload, LosesNoRequestUnderLoad) {
  ServerProcess server;
  server.start({"--log-level", "warning"});
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::atomic<int> lost{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&, i] {
      Client client(server.port());
      while (!stop) {
        const Reply reply = client.request("POST", "/predict", picture(i == 0), octets);
        const bool right = reply.status == 200 && reply.json().at("predicted_label") == (i == 0 ? "cat" : "dog");
        (right ? answered : lost)++;
      }
    });
  }
  for (int i = 2; i < 7; ++i) {
    const std::string name = std::to_string(i) + ".0.0";
    server.write_model(version(name));
    server.signal(SIGHUP);
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (ask(server.port(), "GET", "/model").json().at("version") != name && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(ask(server.port(), "GET", "/model").json().at("version"), name);
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GT(answered, 20);
  EXPECT_EQ(metric(server.port(), "model_reloads_total{result=\"swapped\"}"), 5);
}

}  // namespace
}  // namespace catdog::service_tests
