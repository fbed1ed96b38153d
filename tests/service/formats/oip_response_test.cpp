// SPDX-License-Identifier: Apache-2.0
#include "formats/oip_response.hpp"

#include <bit>
#include <nlohmann/json.hpp>

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using nlohmann::json;
using test::classifier;
using test::failure;
using test::success;

Response render(const InferRequest& request, std::vector<Prediction> items) {
  return render_infer(request, {0, std::move(items)}, classifier());
}

// As the response has it: FP32.
float probability(bool cat, std::size_t label) {
  return static_cast<float>(success(cat).result()->probabilities()[label]);
}

TEST(OipResponse, HasTheOutputsInJson) {
  InferRequest request;
  request.id = "7";
  request.outputs = {{"label"}, {"probabilities"}, {"confidence"}, {"status"}, {"answer"}, {"reason"}, {"neither"}};
  const Response response = render(request, {success(false), failure(), success(true)});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_TRUE(response.headers.empty());
  const float dog = probability(false, 1);
  const float cat = probability(true, 0);
  json expected = json::parse(R"({"model_name": "colour", "model_version": "1.2.3", "id": "7", "outputs": [
    {"name": "label", "datatype": "BYTES", "shape": [3], "data": ["dog", "", "cat"]},
    {"name": "probabilities", "datatype": "FP32", "shape": [3, 2]},
    {"name": "confidence", "datatype": "FP32", "shape": [3]},
    {"name": "status", "datatype": "BYTES", "shape": [3], "data": ["ok", "corrupt", "ok"]},
    {"name": "answer", "datatype": "BYTES", "shape": [3], "data": ["dog", "", "cat"]},
    {"name": "reason", "datatype": "BYTES", "shape": [3], "data": ["label", "", "label"]},
    {"name": "neither", "datatype": "FP32", "shape": [3], "data": [-1.0, -1.0, -1.0]}]})");
  expected["outputs"][1]["data"] = {probability(false, 0), dog, 0.0F, 0.0F, cat, probability(true, 1)};
  expected["outputs"][2]["data"] = {dog, 0.0F, cat};
  EXPECT_EQ(json::parse(response.body), expected);
}

TEST(OipResponse, KeepsTheOrderAskedForAndNoIdThatWasNotGiven) {
  InferRequest request;
  request.outputs = {{"status"}, {"label"}};
  const json document = json::parse(render(request, {success(false)}).body);
  EXPECT_FALSE(document.contains("id"));
  ASSERT_EQ(document["outputs"].size(), 2U);
  EXPECT_EQ(document["outputs"][0]["name"], "status");
  EXPECT_EQ(document["outputs"][1]["name"], "label");
}

TEST(OipResponse, SendsBinaryOutputsBehindTheJson) {
  InferRequest request;
  request.outputs = {{"label", true}, {"confidence", false}, {"probabilities", true}};
  const Response response = render(request, {success(false), success(true)});
  EXPECT_EQ(response.content_type, "application/octet-stream");
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].name, "Inference-Header-Content-Length");
  const std::size_t size = std::stoul(response.headers[0].value);
  const json document = json::parse(response.body.substr(0, size));
  EXPECT_EQ(document["outputs"][0], json::parse(R"({"name": "label", "datatype": "BYTES", "shape": [2],
    "parameters": {"binary_data_size": 14}})"));
  EXPECT_EQ(document["outputs"][1]["data"].size(), 2U);
  EXPECT_EQ(document["outputs"][2]["parameters"]["binary_data_size"], 16);
  std::string expected("\x03\0\0\0dog\x03\0\0\0cat", 14);
  for (const bool cat : {false, true}) {
    for (const std::size_t label : {0U, 1U}) {
      const auto bits = std::bit_cast<std::uint32_t>(probability(cat, label));
      for (unsigned shift = 0; shift < 32; shift += 8) expected += static_cast<char>(bits >> shift & 0xffU);
    }
  }
  EXPECT_EQ(response.body.substr(size), expected);
}

TEST(OipResponse, IsTheFirstProblemWhenNoImageCouldBeClassified) {
  InferRequest request;
  request.outputs = {{"label", true}};
  EXPECT_EQ(test::problem_of([&] { render(request, {failure(), failure()}); }), "422 corrupt: cut off");
}

TEST(OipResponse, DescribesServerAndModel) {
  EXPECT_EQ(oip_server_metadata("0.1.0"),
            R"({"name":"catdog-server","version":"0.1.0","extensions":["binary_tensor_data"]})");
  EXPECT_EQ(oip_model_metadata(classifier()),
            R"({"name":"colour","versions":["1.2.3"],"platform":"catdog_native",)"
            R"("inputs":[{"name":"image","datatype":"BYTES","shape":[-1]}],)"
            R"("outputs":[{"name":"label","datatype":"BYTES","shape":[-1]},)"
            R"({"name":"probabilities","datatype":"FP32","shape":[-1,2]},)"
            R"({"name":"confidence","datatype":"FP32","shape":[-1]},{"name":"status","datatype":"BYTES","shape":[-1]},)"
            R"({"name":"answer","datatype":"BYTES","shape":[-1]},{"name":"reason","datatype":"BYTES","shape":[-1]},)"
            R"({"name":"neither","datatype":"FP32","shape":[-1]}]})");
}

}  // namespace
}  // namespace catdog::service
