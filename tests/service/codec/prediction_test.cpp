// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "service/codec/support.hpp"

namespace catdog::service {
namespace {

using nlohmann::json;
using test::make_failure;

ModelInfo make_model() {
  ModelInfo model;
  model.name = "pets";
  model.version = "1.2";
  return model;
}

Verdict make_verdict() {
  Verdict verdict;
  verdict.predicted_class = 1;
  verdict.label = "dog";
  verdict.confidence = 0.75;
  verdict.abstained = true;
  verdict.probabilities = {{"cat", 0.25}, {"dog", 0.75}};
  verdict.format = "jpeg";
  verdict.width = 640;
  verdict.height = 480;
  verdict.timings = {0.1, 1.23456, 0.3, 2.5, 4.25};
  return verdict;
}

TEST(RenderPrediction, HasTheNamesThatClientsKnow) {
  EXPECT_EQ(render_prediction({make_verdict()}, make_model(), "id-1"),
            R"({"predicted_class":1,"predicted_label":"dog","confidence":0.75,"abstained":true,)"
            R"("probabilities":{"cat":0.25,"dog":0.75},"processing_time_ms":4.25,"request_id":"id-1",)"
            R"("model":{"name":"pets","version":"1.2"},)"
            R"("timings_ms":{"queue":0.1,"decode":1.235,"preprocess":0.3,"infer":2.5},)"
            R"("image":{"width":640,"height":480,"format":"jpeg"}})");
}

TEST(RenderPrediction, OneFailureIsTheProblem) {
  EXPECT_EQ(render_prediction({make_failure()}, make_model(), "id-1"),
            problem_response(Problem(422, "corrupt", "cut off"), "id-1").body);
}

TEST(RenderPrediction, SeveralAreAListWithAStatusEach) {
  Verdict first = make_verdict();
  first.name = "caf\xe9.jpg";
  const json document = json::parse(render_prediction({first, make_failure(), make_verdict()}, make_model(), "id-1"));
  EXPECT_EQ(document["request_id"], "id-1");
  const json& results = document["results"];
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0]["status"], 200);
  EXPECT_EQ(results[0]["name"], "caf\xef\xbf\xbd.jpg");
  EXPECT_EQ(results[0]["request_id"], "id-1.0");
  json single = json::parse(render_prediction({make_verdict()}, make_model(), "id-1.2"));
  single["status"] = 200;
  EXPECT_EQ(results[2], single);
  EXPECT_EQ(results[1], json::parse(R"({"status": 422, "type": "/problems/corrupt", "title": "Corrupt",
    "detail": "cut off", "request_id": "id-1.1"})"));
}

}  // namespace
}  // namespace catdog::service
