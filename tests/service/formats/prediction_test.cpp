// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "formats/problem.hpp"
#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using nlohmann::json;
using test::classifier;
using test::failure;
using test::success;

std::string render(std::vector<Prediction> items, const std::string& request_id) {
  return render_prediction({0.1, std::move(items)}, classifier(), request_id, FeedbackTokens("key"));
}

TEST(RenderPrediction, HasTheNamesThatClientsKnow) {
  json answer = json::parse(render({success(false)}, "id-1"));
  const Result result = classifier().classify(Bytes(service_tests::image(false)));
  EXPECT_EQ(answer.at("confidence"), result.confidence());
  EXPECT_EQ(answer.at("trust"), result.trust());
  EXPECT_EQ(answer.at("probabilities"), json({{"cat", result.probabilities()[0]}, {"dog", result.probabilities()[1]}}));
  EXPECT_EQ(answer.at("timings_ms").at("queue"), 0.1);
  for (const char* stage : {"decode", "preprocess", "infer"}) EXPECT_GE(answer.at("timings_ms").at(stage), 0) << stage;
  EXPECT_EQ(answer.at("model").at("sha256").get<std::string>().size(), 64U);
  const FeedbackClaim claim = FeedbackTokens("key").check(answer.at("feedback_token").get<std::string>());
  EXPECT_EQ(claim.predicted, 1);
  EXPECT_EQ(claim.model_sha256, answer.at("model").at("sha256"));
  for (const char* measured : {"feedback_token", "trust", "confidence", "probabilities", "timings_ms"})
    answer.erase(measured);
  answer["model"].erase("sha256");
  EXPECT_EQ(answer, json::parse(R"({"answer": "dog", "reason": "label", "neither": null,
    "predicted_class": 1, "predicted_label": "dog", "abstained": false,
    "processing_time_ms": 4.25, "request_id": "id-1", "model": {"name": "colour", "version": "1.2.3"},
    "image": {"width": 32, "height": 32, "format": "png"}})"));
}

TEST(RenderPrediction, OneFailureIsTheProblem) {
  Request request;
  request.request_id = "id-1";
  EXPECT_EQ(render({failure()}, "id-1"), render_problem(Problem(422, "corrupt", "cut off"), request).body);
}

TEST(RenderPrediction, SeveralAreAListWithAStatusEach) {
  const json document = json::parse(render({success(true, "caf\xe9.jpg"), failure(), success(false)}, "id-1"));
  EXPECT_EQ(document["request_id"], "id-1");
  const json& results = document["results"];
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0]["status"], 200);
  EXPECT_EQ(results[0]["name"], "caf\xef\xbf\xbd.jpg");
  EXPECT_EQ(results[0]["request_id"], "id-1.0");
  EXPECT_EQ(results[2]["predicted_label"], "dog");
  EXPECT_EQ(results[1], json::parse(R"({"status": 422, "type": "/problems/corrupt", "title": "Corrupt",
    "detail": "cut off", "request_id": "id-1.1"})"));
}

TEST(RenderPrediction, EachImageHasItsRequestId) {
  EXPECT_EQ(item_request_id("a", 0, 1), "a");
  EXPECT_EQ(item_request_id("a", 0, 2), "a.0");
  EXPECT_EQ(item_request_id("a", 1, 2), "a.1");
}

}  // namespace
}  // namespace catdog::service
