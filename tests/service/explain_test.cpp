// SPDX-License-Identifier: Apache-2.0
// POST /explain.
#include <gmock/gmock.h>

#include "service/server_process.hpp"
#include "support/images.hpp"

namespace catdog::service_tests {
namespace {

class Explain : public SharedServer {};

// The left half is a dog.
std::string halves() {
  test_support::Pixels pixels{32, 32, {}};
  for (int i = 0; i < 32 * 32; ++i) {
    const bool left = i % 32 < 16;
    pixels.rgb.insert(pixels.rgb.end(), {std::uint8_t(left ? 0 : 255), 0, std::uint8_t(left ? 255 : 0)});
  }
  const auto png = test_support::encode_png(pixels);
  return {png.begin(), png.end()};
}

TEST_F(Explain, GivesAMapOfTheLabelThatPredictGives) {
  const Reply reply = ask(port(), "POST", "/explain", halves(), octets);
  ASSERT_EQ(reply.status, 200);
  const nlohmann::json explanation = reply.json();
  const nlohmann::json predicted = ask(port(), "POST", "/predict", halves(), octets).json();
  EXPECT_EQ(explanation.at("answer"), predicted.at("answer"));
  EXPECT_EQ(explanation.at("predicted_label"), predicted.at("predicted_label"));
  EXPECT_EQ(explanation.at("request_id"), reply.headers.at("x-request-id"));
  const bool dog = explanation.at("predicted_label") == "dog";
  ASSERT_EQ(explanation.at("map").size(), 32U);
  for (const nlohmann::json& row : explanation.at("map")) {
    ASSERT_EQ(row.size(), 32U);
    EXPECT_EQ(row.front() > 0.5, dog);
    EXPECT_EQ(row.back() > 0.5, !dog);
  }
}

TEST_F(Explain, TakesOneImageInEachForm) {
  EXPECT_EQ(ask(port(), "POST", "/explain", form({halves()}), form_type).status, 200);
  EXPECT_EQ(ask(port(), "POST", "/explain", form({halves(), halves()}), form_type).status, 413);
  EXPECT_EQ(ask(port(), "POST", "/explain", "no image", octets).status, 415);
  EXPECT_EQ(ask(port(), "POST", "/explain", halves().substr(0, 60), octets).status, 422);
  EXPECT_EQ(ask(port(), "GET", "/explain").status, 405);
}

TEST(ExplainOtherModels, ANetworkThatCannotSayIs501) {
  ServerProcess server;
  test_support::ModelRecipe flat = colour_model();
  flat.architecture = R"({"name":"colour","layers":[{"op":"linear","name":"fc","out_features":2}]})";
  flat.edit_weights = nullptr;
  server.write_model(flat);
  server.start();
  const Reply reply = ask(server.port(), "POST", "/explain", halves(), octets);
  EXPECT_EQ(reply.status, 501);
  EXPECT_EQ(reply.json().at("type"), "/problems/not-implemented");
  EXPECT_THAT(reply.json().at("detail").get<std::string>(), testing::HasSubstr("global average pooling"));
  EXPECT_EQ(ask(server.port(), "POST", "/predict", halves(), octets).status, 200);
}

}  // namespace
}  // namespace catdog::service_tests
