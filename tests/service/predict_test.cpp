// SPDX-License-Identifier: Apache-2.0
// POST /predict and GET /model.
#include <gmock/gmock.h>

#include "service/server_process.hpp"
#include "support/images.hpp"

namespace catdog::service_tests {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;

class Predict : public SharedServer {};

std::string shipped(const std::string& name) {
  const auto bytes = test_support::shipped_image(name);
  return {bytes.begin(), bytes.end()};
}

std::string encode_base64(const std::string& bytes) {
  static const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8U | (i + k < bytes.size() ? std::uint8_t(bytes[i + k]) : 0U);
    for (unsigned k = 0; k < 4; ++k) text += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

void expect_answer(const nlohmann::json& answer, bool cat) {
  EXPECT_EQ(answer.at("predicted_class"), cat ? 0 : 1);
  EXPECT_EQ(answer.at("predicted_label"), cat ? "cat" : "dog");
  const double confidence = answer.at("confidence");
  EXPECT_GT(confidence, 0.5);
  EXPECT_EQ(answer.at("probabilities").at(cat ? "cat" : "dog"), confidence);
  EXPECT_THAT(answer.at("probabilities").at("cat").get<double>() + answer.at("probabilities").at("dog").get<double>(),
              DoubleNear(1, 1e-6));
}

TEST_F(Predict, RawBody) {
  const Reply reply = ask(port(), "POST", "/predict", image(true, 48), octets);
  ASSERT_EQ(reply.status, 200);
  const nlohmann::json answer = reply.json();
  expect_answer(answer, true);
  EXPECT_EQ(answer.at("request_id"), reply.headers.at("x-request-id"));
  EXPECT_EQ(answer.at("model").at("name"), "colour");
  EXPECT_EQ(answer.at("image"), nlohmann::json::parse(R"({"width":48,"height":48,"format":"png"})"));
  EXPECT_GT(answer.at("processing_time_ms"), 0);
  for (const char* stage : {"queue", "decode", "preprocess", "infer"}) {
    EXPECT_GE(answer.at("timings_ms").at(stage), 0);
    EXPECT_THAT(reply.headers.at("server-timing"), HasSubstr(std::string(stage) + ";dur="));
  }
}

TEST_F(Predict, TheBytesDecideNotTheContentType) {
  for (const char* type : {"application/x-www-form-urlencoded", "text/plain", "*/*", "application/jpg"}) {
    const Reply reply = ask(port(), "POST", "/predict", image(true), std::string("Content-Type: ") + type + "\r\n");
    ASSERT_EQ(reply.status, 200) << type;
    expect_answer(reply.json(), true);
  }
}

TEST_F(Predict, MultipartForm) {
  const Reply reply = ask(port(), "POST", "/predict", form({image(false)}), form_type);
  ASSERT_EQ(reply.status, 200);
  expect_answer(reply.json(), false);
}

TEST_F(Predict, SeveralFilesEachWithItsStatus) {
  const Reply reply = ask(port(), "POST", "/predict", form({image(true), "not an image", image(false), ""}), form_type);
  ASSERT_EQ(reply.status, 200);
  const nlohmann::json results = reply.json().at("results");
  ASSERT_EQ(results.size(), 4U);
  expect_answer(results.at(0), true);
  EXPECT_EQ(results.at(1).at("status"), 415);
  EXPECT_EQ(results.at(3).at("status"), 415);
  expect_answer(results.at(2), false);
}

TEST_F(Predict, Base64InJson) {
  const std::string body = R"({"image":")" + encode_base64(image(false)) + "\"}";
  const Reply reply = ask(port(), "POST", "/predict", body, "Content-Type: application/json\r\n");
  ASSERT_EQ(reply.status, 200);
  expect_answer(reply.json(), false);
}

TEST_F(Predict, EveryShippedImageGetsAVerdictOrARefusal) {
  std::size_t images = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(CATDOG_SOURCE_DIR) / "tests/golden/images")) {
    const Reply reply = ask(port(), "POST", "/predict", shipped(entry.path().filename()), octets);
    EXPECT_THAT(reply.status, testing::AnyOf(200, 422)) << entry.path();
    if (reply.status == 422) {
      EXPECT_THAT(entry.path().string(), HasSubstr("cut")) << reply.body;
    }
    ++images;
  }
  EXPECT_GT(images, 40U);
}

TEST_F(Predict, WhatIsNoImageIs415WhateverTheHeaderSays) {
  const Reply reply = ask(port(), "POST", "/predict", "<html></html>", "Content-Type: image/jpeg\r\n");
  EXPECT_EQ(reply.status, 415);
  EXPECT_EQ(reply.problem(), "not-a-picture");
}

TEST_F(Predict, ADamagedImageIs422) {
  const Reply reply = ask(port(), "POST", "/predict", image(true).substr(0, 60), octets);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.problem(), "corrupt-picture");
}

TEST_F(Predict, AnImageOverALimitIs422) {
  const auto bytes = test_support::make_black_png(1000, 1000);
  const Reply reply =
      ask(port(), "POST", "/predict", {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, octets);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.problem(), "picture-over-limit");
}

TEST_F(Predict, TooManyImagesIs413) {
  const Reply reply = ask(port(), "POST", "/predict", form(std::vector<std::string>(5, image(true))), form_type);
  EXPECT_EQ(reply.status, 413);
}

TEST_F(Predict, ABrokenFormIs400) {
  EXPECT_EQ(ask(port(), "POST", "/predict", "--XxYyZz\r\nno end", form_type).status, 400);
  EXPECT_EQ(ask(port(), "POST", "/predict", "{", "Content-Type: application/json\r\n").status, 400);
}

TEST_F(Predict, TheModelIsNamed) {
  const nlohmann::json model = ask(port(), "GET", "/model").json();
  EXPECT_EQ(model.at("name"), "colour");
  EXPECT_EQ(model.at("version"), "1.2.3");
  EXPECT_EQ(model.at("sha256").get<std::string>().size(), 64U);
  EXPECT_EQ(model.at("labels"), nlohmann::json::parse(R"(["cat","dog"])"));
  EXPECT_EQ(model.at("engine"), "native");
  EXPECT_EQ(model.at("input"), nlohmann::json::parse(R"({"width":32,"height":32})"));
}

// The model's figures: "neither" for what is green, and with --min-precision "uncertain" for all but the clearest.
TEST(Answers, NeitherAndUncertainAreAnswers) {
  ServerProcess server;
  server.write_model(colour_model_with_neither());
  server.start({"--min-precision", "0.95"});
  const nlohmann::json model = ask(server.port(), "GET", "/model").json();
  EXPECT_EQ(model.at("abstain_below"), 0.9995);
  EXPECT_EQ(model.at("neither_above"), 0.5);

  const nlohmann::json neither = ask(server.port(), "POST", "/predict", green_image(), octets).json();
  EXPECT_EQ(neither.at("answer"), "neither");
  EXPECT_EQ(neither.at("reason"), "neither");
  EXPECT_GT(neither.at("neither"), 0.5);
  EXPECT_EQ(neither.at("abstained"), true);
  const nlohmann::json uncertain = ask(server.port(), "POST", "/predict", image(true), octets).json();
  EXPECT_EQ(uncertain.at("answer"), "uncertain");
  EXPECT_EQ(uncertain.at("reason"), "low_confidence");
  EXPECT_EQ(uncertain.at("predicted_label"), "cat");
  EXPECT_LT(uncertain.at("neither"), 0.5);

  const std::string request = R"({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [")" +
                              encode_base64(green_image()) +
                              R"("]}], "outputs": [{"name": "answer"}, {"name": "neither"}]})";
  const nlohmann::json outputs =
      ask(server.port(), "POST", "/v2/models/colour/infer", request, "Content-Type: application/json\r\n")
          .json()
          .at("outputs");
  EXPECT_EQ(outputs.at(0).at("data"), nlohmann::json::parse(R"(["neither"])"));
  EXPECT_GT(outputs.at(1).at("data").at(0), 0.5);
  EXPECT_EQ(metric(server.admin_port(), R"(predictions_total{answer="uncertain",confidence="0.95-1",label="cat"})"), 1);
  EXPECT_EQ(metric(server.admin_port(), "predictions_abstained_total"), 3);
}

TEST(Answers, NeitherCanBeTurnedOff) {
  ServerProcess server;
  server.write_model(colour_model_with_neither());
  server.start({"--neither-above", "1", "--abstain-below", "0"});
  const nlohmann::json answer = ask(server.port(), "POST", "/predict", green_image(), octets).json();
  EXPECT_EQ(answer.at("answer"), answer.at("predicted_label"));
  EXPECT_EQ(answer.at("reason"), "label");
}

TEST(ShippedModel, IsFoundByItsName) {
  ServerProcess server;
  server.start({"--model", "simple_cnn"});
  EXPECT_EQ(ask(server.port(), "GET", "/model").json().at("name"), "simplecnn");
}

TEST(ShippedModel, TellsTheExamplesApart) {
  ServerProcess server;
  server.start({"--model", CATDOG_SOURCE_DIR "/models/best_model.pt"});
  const auto label = [&](const char* path) {
    const auto bytes = test_support::read_file(std::string(CATDOG_SOURCE_DIR "/examples/images/") + path);
    return ask(server.port(), "POST", "/predict", {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, octets)
        .json()
        .at("answer");
  };
  EXPECT_EQ(label("cat/chelsea.png"), "cat");
  EXPECT_EQ(label("dog/dog.jpg"), "dog");
}

}  // namespace
}  // namespace catdog::service_tests
