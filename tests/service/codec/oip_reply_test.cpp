// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "codec/oip.hpp"
#include "service/codec/support.hpp"

namespace catdog::service {
namespace {

using nlohmann::json;
using test::make_failure;

const ModelInfo model{"pets", "1.2", "", "native", "fp32", {"cat", "dog"}, 224, 224};

Verdict make_verdict(const std::string& label, double cat) {
  Verdict verdict;
  verdict.predicted_class = label == "cat" ? 0 : 1;
  verdict.label = label;
  verdict.confidence = std::max(cat, 1 - cat);
  verdict.probabilities = {{"cat", cat}, {"dog", 1 - cat}};
  return verdict;
}

TEST(OipReply, HasTheOutputsInJson) {
  InferRequest request;
  request.id = "7";
  request.outputs = {
      {InferOutput::label}, {InferOutput::probabilities}, {InferOutput::confidence}, {InferOutput::status}};
  const Response response =
      render_infer(request, {make_verdict("dog", 0.25), make_failure(), make_verdict("cat", 1)}, model);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_TRUE(response.headers.empty());
  EXPECT_EQ(json::parse(response.body),
            json::parse(R"({"model_name": "pets", "model_version": "1.2", "id": "7", "outputs": [
    {"name": "label", "datatype": "BYTES", "shape": [3], "data": ["dog", "", "cat"]},
    {"name": "probabilities", "datatype": "FP32", "shape": [3, 2], "data": [0.25, 0.75, 0.0, 0.0, 1.0, 0.0]},
    {"name": "confidence", "datatype": "FP32", "shape": [3], "data": [0.75, 0.0, 1.0]},
    {"name": "status", "datatype": "BYTES", "shape": [3], "data": ["ok", "corrupt", "ok"]}]})"));
}

TEST(OipReply, KeepsTheOrderAskedForAndNoIdThatWasNotGiven) {
  InferRequest request;
  request.outputs = {{InferOutput::status}, {InferOutput::label}};
  const json document = json::parse(render_infer(request, {make_verdict("dog", 0)}, model).body);
  EXPECT_FALSE(document.contains("id"));
  ASSERT_EQ(document["outputs"].size(), 2U);
  EXPECT_EQ(document["outputs"][0]["name"], "status");
  EXPECT_EQ(document["outputs"][1]["name"], "label");
}

TEST(OipReply, SendsBinaryOutputsBehindTheJson) {
  InferRequest request;
  request.outputs = {{InferOutput::label, true}, {InferOutput::confidence, false}, {InferOutput::probabilities, true}};
  const Response response = render_infer(request, {make_verdict("dog", 0.25), make_verdict("cat", 1)}, model);
  EXPECT_EQ(response.content_type, "application/octet-stream");
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].name, "Inference-Header-Content-Length");
  const std::size_t size = std::stoul(response.headers[0].value);
  const json document = json::parse(response.body.substr(0, size));
  EXPECT_EQ(document["outputs"][0], json::parse(R"({"name": "label", "datatype": "BYTES", "shape": [2],
    "parameters": {"binary_data_size": 14}})"));
  EXPECT_EQ(document["outputs"][1]["data"], json::parse("[0.75, 1.0]"));
  EXPECT_EQ(document["outputs"][2]["parameters"]["binary_data_size"], 16);
  const char expected[] =
      "\x03\0\0\0dog\x03\0\0\0cat"
      "\0\0\x80\x3e\0\0\x40\x3f\0\0\x80\x3f\0\0\0\0";  // 0.25, 0.75, 1, 0.
  EXPECT_EQ(response.body.substr(size), std::string(expected, sizeof expected - 1));
}

TEST(OipReply, IsAnErrorWhenNoPictureCouldBeClassified) {
  InferRequest request;
  request.outputs = {{InferOutput::label, true}};
  const Response response = render_infer(request, {make_failure(), make_failure()}, model);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"error":"cut off"})");
}

TEST(OipReply, ErrorsAreTheProtocols) {
  const Response response = oip_error(Problem(503, "queue-full", "later", {{"Retry-After", "2"}}));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.content_type, "application/json");
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].value, "2");
  EXPECT_EQ(response.body, R"({"error":"later"})");
}

TEST(OipReply, DescribesServerAndModel) {
  EXPECT_EQ(oip_server_metadata("0.1.0"),
            R"({"name":"catdog-server","version":"0.1.0","extensions":["binary_tensor_data"]})");
  EXPECT_EQ(
      oip_model_metadata(model),
      R"({"name":"pets","versions":["1.2"],"platform":"catdog_native",)"
      R"("inputs":[{"name":"image","datatype":"BYTES","shape":[-1]}],)"
      R"("outputs":[{"name":"label","datatype":"BYTES","shape":[-1]},)"
      R"({"name":"probabilities","datatype":"FP32","shape":[-1,2]},)"
      R"({"name":"confidence","datatype":"FP32","shape":[-1]},{"name":"status","datatype":"BYTES","shape":[-1]}]})");
}

}  // namespace
}  // namespace catdog::service
