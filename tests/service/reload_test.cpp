// SPDX-License-Identifier: Apache-2.0
// Another model in place of the one in use: by SIGHUP and by POST /admin/reload.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "service/server_process.hpp"
#include "support/signing_key.hpp"

namespace catdog::service_tests {
namespace {

using testing::HasSubstr;
using testing::Not;

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
  for (const char* scheme : {"Bearer", "bearer", "BEARER"}) {                     // RFC 9110: in any case.
    const std::string header = std::string("Authorization: ") + scheme + " open-sesame\r\n";
    EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", header).status, 200) << scheme;
  }
}

TEST(Reload, TheTokenMayComeFromAFile) {
  ServerProcess server;
  server.write("token", "open-sesame\n");
  server.start({"--admin-token-file", (server.folder() / "token").string()});
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", token).status, 200);
}

TEST(Reload, WithATrustedKeyOnlySignedModelsAreServed) {
  const test_support::SigningKey key;
  ServerProcess server;
  const auto write_signed = [&](const test_support::ModelRecipe& recipe) {
    server.write_model(recipe);
    server.write("model.pt.minisig", key.sign(test_support::make_model_archive(recipe)));
  };
  server.start({"--trusted-key", key.public_key()}, {}, false);
  EXPECT_EQ(server.wait(), 3);
  EXPECT_THAT(server.log(), HasSubstr("model.pt.minisig"));

  write_signed(version("1.2.3"));
  server.start({}, {"CATDOG_ADMIN_TOKEN=open-sesame", "CATDOG_TRUSTED_KEY=" + key.public_key()});
  server.write_model(version("2.0.0"));  // Beside the signature of the other.
  const Reply refused = ask(server.admin_port(), "POST", "/admin/reload", "", token);
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("signature"));
  EXPECT_EQ(ask(server.port(), "GET", "/model").json().at("version"), "1.2.3");
  write_signed(version("2.0.0"));
  EXPECT_EQ(ask(server.admin_port(), "POST", "/admin/reload", "", token).status, 200);
  EXPECT_EQ(ask(server.port(), "GET", "/model").json().at("version"), "2.0.0");
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

TEST(Reload, ANewModelMustAgreeWithTheLabelledImages) {
  ServerProcess server;
  for (int i = 0; i < 3; ++i) {
    server.write("check/cat/" + std::to_string(i) + ".png", image(true));
    server.write("check/dog/" + std::to_string(i) + ".png", image(false));
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

TEST(Reload, LosesNoRequestUnderLoadAndEachClientMovesFromVersionToVersion) {
  constexpr int last_version = 6;
  ServerProcess server;
  server.write_model(version("1.0.0"));
  server.start({"--log-level", "warning"});
  std::atomic<bool> stop{false};
  std::atomic<int> lost{0};
  std::atomic<int> backwards{0};
  std::array<std::atomic<int>, 3> seen{};  // The major version of each client's latest answer.
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    clients.emplace_back([&, i] {
      Client client(server.port());
      while (!stop) {
        const Reply reply = client.request("POST", "/predict", image(i == 0), octets);
        if (reply.status != 200 || reply.json().at("predicted_label") != (i == 0 ? "cat" : "dog")) {
          ++lost;
          continue;
        }
        const int now = std::stoi(reply.json().at("model").at("version").get<std::string>());
        if (now < seen[i]) ++backwards;
        seen[i] = now;
      }
    });
  }
  const auto all_see = [&](int number) {
    return eventually(
        [&] { return std::all_of(seen.begin(), seen.end(), [&](const auto& client) { return client == number; }); });
  };
  EXPECT_TRUE(all_see(1));
  for (int i = 2; i <= last_version; ++i) {
    server.write_model(version(std::to_string(i) + ".0.0"));
    server.signal(SIGHUP);
    EXPECT_TRUE(all_see(i)) << i;
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(backwards, 0);
  EXPECT_EQ(metric(server.port(), "model_reloads_total{result=\"swapped\"}"), last_version - 1);
  const std::string metrics = ask(server.port(), "GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("version=\"6.0.0\""));
  EXPECT_THAT(metrics, Not(HasSubstr("version=\"5.0.0\"")));
}

}  // namespace
}  // namespace catdog::service_tests
