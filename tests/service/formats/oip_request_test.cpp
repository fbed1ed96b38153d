// SPDX-License-Identifier: Apache-2.0
#include "formats/oip_request.hpp"

#include <algorithm>

#include "formats/oip_response.hpp"
#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::make_request;
using test::problem_of;

InferRequest parse_infer(const std::string& body) { return parse_infer(make_request("application/json", body), 3); }

std::string infer_refusal(const std::string& body) {
  return problem_of([&] { parse_infer(body); });
}

std::string input(const std::string& rest) {
  return R"({"inputs": [{"name": "image", "datatype": "BYTES", )" + rest + "}]}";
}

TEST(OipRequest, ReadsImagesInJson) {
  const InferRequest request =
      parse_infer(R"({"id": "7", "inputs": [{"name": "image", "datatype": "BYTES", "shape": [2],
    "data": ["Zg==", "data:image/png;base64,Zm9v"]}]})");
  EXPECT_EQ(request.id, "7");
  ASSERT_EQ(request.images.size(), 2U);
  EXPECT_EQ(request.images[0].bytes, "f");
  EXPECT_EQ(request.images[1].bytes, "foo");
  for (const Upload& image : request.images) EXPECT_EQ(image.bytes.data(), image.owned.data());
  ASSERT_EQ(request.outputs.size(), infer_outputs().size());
  EXPECT_EQ(request.outputs[0].name, "label");
  EXPECT_EQ(request.outputs[1].name, "probabilities");
  EXPECT_EQ(request.outputs[2].name, "confidence");
  EXPECT_EQ(request.outputs[3].name, "status");
  for (const WantedOutput& output : request.outputs) EXPECT_FALSE(output.binary);
}

TEST(OipRequest, TakesDataFlatOrNested) {
  for (const char* data : {R"(["Zg==", "Zm8="])", R"([["Zg=="], ["Zm8="]])"}) {
    const InferRequest request = parse_infer(input(std::string(R"("shape": [2, 1], "data": )") + data));
    ASSERT_EQ(request.images.size(), 2U);
    EXPECT_EQ(request.images[1].bytes, "fo");
  }
}

TEST(OipRequest, TakesAShapeInFloatingPoint) {
  EXPECT_EQ(parse_infer(input(R"("shape": [2.0, 1.0], "data": ["Zg==", "Zm8="])")).images.size(), 2U);
}

TEST(OipRequest, DoesNotTakeAnEmptyLengthForNone) {
  Request request = make_request("application/json", input(R"("shape": [1], "data": ["Zg=="])"));
  const std::string size = std::to_string(request.body.size());
  request.headers.push_back({"Inference-Header-Content-Length", ""});
  EXPECT_EQ(problem_of([&] { parse_infer(request, 1); }),
            "400 malformed: Inference-Header-Content-Length must be a number of bytes, at most the body's " + size);
}

TEST(OipRequest, ReadsTheOutputsWanted) {
  const std::string with = R"(, "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["Zg=="]}]})";
  const InferRequest named = parse_infer(
      R"({"outputs": [{"name": "confidence"}, {"name": "label", "parameters": {"binary_data": true}}])" + with);
  ASSERT_EQ(named.outputs.size(), 2U);
  EXPECT_EQ(named.outputs[0].name, "confidence");
  EXPECT_FALSE(named.outputs[0].binary);
  EXPECT_EQ(named.outputs[1].name, "label");
  EXPECT_TRUE(named.outputs[1].binary);
  const InferRequest all = parse_infer(R"({"parameters": {"binary_data_output": true})" + with);
  ASSERT_EQ(all.outputs.size(), infer_outputs().size());
  EXPECT_TRUE(std::all_of(all.outputs.begin(), all.outputs.end(), [](const WantedOutput& o) { return o.binary; }));
  const InferRequest mixed = parse_infer(
      R"({"parameters": {"binary_data_output": true}, "outputs": [{"name": "status"}, {"name": "label", "parameters": {"binary_data": false}}])" +
      with);
  EXPECT_TRUE(mixed.outputs.at(0).binary);
  EXPECT_FALSE(mixed.outputs.at(1).binary);

  EXPECT_EQ(infer_refusal(R"({"outputs": [{"name": "logits"}])" + with),
            "400 malformed: the model's outputs are 'label', 'probabilities', 'confidence', 'status', 'answer', "
            "'reason', 'neither'");
  EXPECT_EQ(infer_refusal(R"({"outputs": [{"name": "label"}, {"name": "label"}])" + with),
            "400 malformed: an output is asked for twice");
  EXPECT_EQ(infer_refusal(R"({"outputs": {})" + with), "400 malformed: 'outputs' must be a list");
  EXPECT_EQ(infer_refusal(R"({"outputs": ["label"])" + with), "400 malformed: each of 'outputs' must be an object");
  EXPECT_EQ(infer_refusal(R"({"outputs": [{"name": "label", "parameters": {"binary_data": 1}}])" + with),
            "400 malformed: 'binary_data' of an output must be true or false");
  EXPECT_EQ(infer_refusal(R"({"outputs": [{"name": "label", "parameters": {"classification": 2}}])" + with),
            "400 malformed: the parameter 'classification' isn't supported: ask for 'label'");
  EXPECT_EQ(infer_refusal(R"({"parameters": [])" + with),
            "400 malformed: 'parameters' of the request must be an object");
}

TEST(OipRequest, WantsTheOneInputOfTheModel) {
  const std::string one = "400 malformed: the model has one input, 'image': 'inputs' must be a list of one";
  EXPECT_EQ(infer_refusal("{}"), "400 malformed: the request must have 'inputs', a list");
  EXPECT_EQ(infer_refusal(R"({"inputs": {}})"), "400 malformed: the request must have 'inputs', a list");
  EXPECT_EQ(infer_refusal(R"({"inputs": []})"), one);
  EXPECT_EQ(infer_refusal(R"({"inputs": [{}, {}]})"), one);
  EXPECT_EQ(infer_refusal(R"({"inputs": [1]})"), "400 malformed: 'inputs[0]' must be an object");
  EXPECT_EQ(infer_refusal(R"({"inputs": [{"name": "x"}]})"), "400 malformed: the model's only input is named 'image'");
  EXPECT_EQ(infer_refusal(R"({"inputs": [{"name": ["image"]}]})"),
            "400 malformed: the model's only input is named 'image'");
  EXPECT_EQ(infer_refusal(R"({"inputs": [{"name": "image", "datatype": "FP32"}]})"),
            "400 malformed: input 'image' has the datatype BYTES: encoded images");
  EXPECT_EQ(infer_refusal(R"({"id": 1, "inputs": []})"), "400 malformed: 'id' must be a string");
  EXPECT_EQ(infer_refusal("nonsense"), "400 malformed: the request isn't JSON in UTF-8 at byte 2");
}

TEST(OipRequest, ChecksTheShape) {
  for (const char* shape : {"[]", "1", "[0]", "[-1]", "[\"1\"]", "[1, 2]", "[1, 1, 1]", "{}", "[[1]]"}) {
    EXPECT_EQ(infer_refusal(input(std::string(R"("data": ["Zg=="], "shape": )") + shape)),
              "400 malformed: input 'image' has the shape [n] or [n, 1], n at least 1")
        << shape;
  }
  for (const char* shape : {"[4]", "[4, 1]", "[4294967297]", "[18446744073709551615]"}) {
    EXPECT_EQ(infer_refusal(input(std::string(R"("data": ["Zg=="], "shape": )") + shape)),
              "413 too-many-pictures: at most 3 images a request")
        << shape;
  }
  EXPECT_EQ(infer_refusal(input(R"("data": ["Zg=="], "shape": [2])")),
            "400 malformed: input 'image' has 1 elements, its shape says 2");
  EXPECT_EQ(infer_refusal(input(R"("data": ["Zg==", "Zg=="], "shape": [1])")),
            "400 malformed: 'data' of input 'image' has more elements than its shape says");
}

TEST(OipRequest, ChecksTheData) {
  EXPECT_EQ(infer_refusal(input(R"("shape": [1], "data": "Zg==")")),
            "400 malformed: 'data' of input 'image' must be a list");
  EXPECT_EQ(infer_refusal(input(R"("shape": [1], "data": [1])")),
            "400 malformed: 'data' of input 'image' must be a list of base64 strings");
  EXPECT_EQ(infer_refusal(input(R"("shape": [1], "data": ["!!!!"])")),
            "400 malformed: image 0 of input 'image' isn't base64 at character 0");
  EXPECT_EQ(infer_refusal(input(R"("shape": [1], "data": [""])")), "400 malformed: image 0 of input 'image' is empty");
  EXPECT_EQ(infer_refusal(input(R"("shape": [2], "data": ["Zg==", ""])")), "");  // Among several: a status of its own.
  EXPECT_EQ(infer_refusal(input(R"("shape": [1])")),
            "400 malformed: input 'image' needs either 'data' or the parameter 'binary_data_size'");
  EXPECT_EQ(infer_refusal(input(R"("shape": [1], "parameters": {"binary_data_size": 5})")),
            "400 malformed: 'binary_data_size' needs the header Inference-Header-Content-Length");
}

TEST(OipRequest, RefusesOtherContentTypes) {
  const std::string body = input(R"("shape": [1], "data": ["Zg=="])");
  EXPECT_EQ(parse_infer(make_request("", body), 1).images.size(), 1U);
  const std::string refused =
      "415 unsupported-media-type: the Content-Type must be application/json, or application/octet-stream with the "
      "header "
      "Inference-Header-Content-Length";
  for (const char* type : {"text/plain", "image/jpeg", "application/octet-stream"}) {
    EXPECT_EQ(problem_of([&] { parse_infer(make_request(type, body), 1); }), refused) << type;
  }
}

}  // namespace
}  // namespace catdog::service
