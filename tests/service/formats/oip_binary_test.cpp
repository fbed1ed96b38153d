// SPDX-License-Identifier: Apache-2.0
#include "formats/oip_request.hpp"
#include "formats/oip_response.hpp"
#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

using test::make_request;
using test::points_into;
using test::problem_of;

std::string little_endian(std::uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

std::string element(const std::string& bytes) {
  return little_endian(static_cast<std::uint32_t>(bytes.size())) + bytes;
}

std::string head(std::size_t count, const std::string& binary_data_size) {
  return R"({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [)" + std::to_string(count) +
         R"(], "parameters": {"binary_data_size": )" + binary_data_size + "}}]}";
}

Request with_length(const std::string& length, const std::string& body) {
  Request request = make_request("application/octet-stream", body);
  request.headers.push_back({"inference-header-content-length", length});
  return request;
}

Request make_binary(std::size_t count, const std::string& data) {
  const std::string json = head(count, std::to_string(data.size()));
  return with_length(std::to_string(json.size()), json + data);
}

std::string refusal(const Request& request) {
  return problem_of([&] { parse_infer(request, 3); });
}

TEST(OipBinary, ReadsImagesWithoutCopyingThem) {
  const std::string odd("\0\xff{}", 4);
  const Request request = make_binary(2, element(odd) + element(std::string(70000, 'x')));
  const InferRequest parsed = parse_infer(request, 2);
  ASSERT_EQ(parsed.images.size(), 2U);
  EXPECT_EQ(parsed.images[0].bytes, odd);
  EXPECT_EQ(parsed.images[1].bytes, std::string(70000, 'x'));
  EXPECT_TRUE(points_into(parsed.images[1].bytes, request.body));
}

TEST(OipBinary, TakesJsonDataBesideTheHeader) {
  const std::string json = R"({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["Zg=="]}]})";
  EXPECT_EQ(parse_infer(with_length(std::to_string(json.size()), json), 1).images.at(0).bytes, "f");
  EXPECT_EQ(refusal(with_length(std::to_string(json.size()), json + "x")),
            "400 malformed: bytes follow the JSON, but no input has 'binary_data_size'");
}

TEST(OipBinary, TakesTheWholeBodyAsOneImage) {
  const Request request = with_length("0", "image");
  const InferRequest parsed = parse_infer(request, 1);
  ASSERT_EQ(parsed.images.size(), 1U);
  EXPECT_EQ(parsed.images[0].bytes.data(), request.body.data());
  EXPECT_EQ(parsed.images[0].bytes, "image");
  EXPECT_EQ(parsed.outputs.size(), infer_outputs().size());
  EXPECT_EQ(refusal(with_length("0", "")), "400 malformed: image 0 of input 'image' is empty");
}

TEST(OipBinary, ChecksTheLengthOfTheJson) {
  for (const char* length :
       {"-1", "+1", "x", "1x", "0x10", "4", "99999999999999999999", "18446744073709551615", "1 2"}) {
    EXPECT_EQ(refusal(with_length(length, "{}x")),
              "400 malformed: Inference-Header-Content-Length must be a number of bytes, at most the body's 3")
        << length;
  }
}

TEST(OipBinary, ChecksTheSizeOfTheData) {
  const std::string data = element("image");
  for (const char* size : {"8", "10", "-1", "1.5", "\"9\"", "18446744073709551615", "4294967305"}) {
    const std::string json = head(1, size);
    EXPECT_EQ(refusal(with_length(std::to_string(json.size()), json + data)),
              "400 malformed: 'binary_data_size' must be the number of bytes after the JSON, 9")
        << size;
  }
}

TEST(OipBinary, ChecksTheLengthOfEachElement) {
  EXPECT_EQ(refusal(make_binary(1, little_endian(0xffffffff) + "x")),
            "400 malformed: image 0 of input 'image' claims 4294967295 bytes, but only 1 are left");
  EXPECT_EQ(refusal(make_binary(2, element("x") + little_endian(0xfffffffc) + "xy")),
            "400 malformed: image 1 of input 'image' claims 4294967292 bytes, but only 2 are left");
  EXPECT_EQ(refusal(make_binary(2, element("x") + "abc")),
            "400 malformed: the binary data ends within the length of image 1 of input 'image'");
  EXPECT_EQ(refusal(make_binary(1, element(""))), "400 malformed: image 0 of input 'image' is empty");
  EXPECT_EQ(refusal(make_binary(2, element("x") + element(""))), "");  // Among several: a status of its own.
  EXPECT_EQ(refusal(make_binary(1, element("x") + element("y"))),
            "400 malformed: the binary data of input 'image' has more elements than its shape says");
  EXPECT_EQ(refusal(make_binary(2, element("x"))), "400 malformed: input 'image' has 1 elements, its shape says 2");
  EXPECT_EQ(refusal(make_binary(1, "")), "400 malformed: input 'image' has 0 elements, its shape says 1");
  std::string zeros;
  for (int i = 0; i < 10000; ++i) zeros += element("");
  EXPECT_EQ(refusal(make_binary(3, zeros)),
            "400 malformed: the binary data of input 'image' has more elements than its shape says");
}

TEST(OipBinary, RefusesDataInBothPlaces) {
  const std::string json = R"({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["Zg=="],
    "parameters": {"binary_data_size": 5}}]})";
  EXPECT_EQ(refusal(with_length(std::to_string(json.size()), json + element("x"))),
            "400 malformed: input 'image' needs either 'data' or the parameter 'binary_data_size'");
}

}  // namespace
}  // namespace catdog::service
