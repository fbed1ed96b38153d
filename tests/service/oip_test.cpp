// SPDX-License-Identifier: Apache-2.0
// The Open Inference Protocol over HTTP; its documents are tested with the codecs.
#include "service/server_process.hpp"

namespace catdog::service_tests {
namespace {

class Oip : public SharedServer {};

TEST_F(Oip, TellsAboutServerAndModel) {
  EXPECT_EQ(ask(port(), "GET", "/v2/health/live").status, 200);
  EXPECT_EQ(ask(port(), "GET", "/v2/health/ready").status, 200);
  EXPECT_TRUE(ask(port(), "GET", "/v2").json().contains("extensions"));
  EXPECT_EQ(ask(port(), "GET", "/v2/models/colour").json().at("name"), "colour");
  EXPECT_EQ(ask(port(), "GET", "/v2/models/colour/ready").status, 200);
  EXPECT_EQ(ask(port(), "GET", "/v2/models/colour/versions/1.2.3").status, 200);
}

TEST_F(Oip, RefusesInItsOwnForm) {
  for (const char* path : {"/v2/models/other", "/v2/models/colour/versions/9", "/v2/elsewhere"}) {
    const Reply reply = ask(port(), "GET", path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_FALSE(reply.json().at("error").get<std::string>().empty()) << path;
  }
  EXPECT_EQ(ask(port(), "GET", "/v2/models/colour/infer").status, 405);
  EXPECT_EQ(ask(port(), "POST", "/v2/models/colour/ready", "x").status, 405);
  EXPECT_EQ(ask(port(), "GET", "/v2/models//ready").status, 404);
  EXPECT_EQ(ask(port(), "GET", "/v2/models/colour/versions/1.2.3/").status, 404);
  EXPECT_EQ(ask(port(), "GET", "/v2/models/colour/stats").status, 404);
}

TEST_F(Oip, AllowsWhatEachPathTakes) {
  for (const std::string model : {"/v2/models/colour", "/v2/models/colour/versions/1.2.3"}) {
    EXPECT_EQ(ask(port(), "OPTIONS", model).headers.at("allow"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(ask(port(), "OPTIONS", model + "/ready").headers.at("allow"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(ask(port(), "OPTIONS", model + "/infer").headers.at("allow"), "POST, OPTIONS");
  }
}

TEST_F(Oip, InfersFromBinaryTensors) {
  std::string tensor;
  for (const bool cat : {false, true}) {
    const std::string bytes = image(cat);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    for (unsigned shift = 0; shift < 32; shift += 8) tensor += static_cast<char>(size >> shift & 255U);
    tensor += bytes;
  }
  const nlohmann::json header{{"inputs",
                               {{{"name", "image"},
                                 {"datatype", "BYTES"},
                                 {"shape", {2}},
                                 {"parameters", {{"binary_data_size", tensor.size()}}}}}}};
  const Reply reply =
      ask(port(), "POST", "/v2/models/colour/infer", header.dump() + tensor,
          std::string(octets) + "Inference-Header-Content-Length: " + std::to_string(header.dump().size()) + "\r\n");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const nlohmann::json outputs = reply.json().at("outputs");
  for (const nlohmann::json& output : outputs) {
    if (output.at("name") == "label") {
      EXPECT_EQ(output.at("data"), nlohmann::json::parse(R"(["dog","cat"])"));
    }
  }
  EXPECT_EQ(outputs.at(0).at("name"), "label");
}

}  // namespace
}  // namespace catdog::service_tests
