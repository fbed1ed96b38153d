// SPDX-License-Identifier: Apache-2.0
#include "formats/problem.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "service/formats/support.hpp"

namespace catdog::service {
namespace {

TEST(Request, FindsTheFirstHeaderInAnyCase) {
  Request request;
  request.headers = {{"content-TYPE", "a"}, {"Content-Type", "b"}, {"X", ""}};
  EXPECT_EQ(request.header("Content-Type"), "a");
  EXPECT_EQ(request.header("Content-Typ"), "");
  EXPECT_EQ(request.header("x"), "");
  EXPECT_EQ(request.header(""), "");
}

Request request_to(const std::string& path) {
  Request request;
  request.path = path;
  request.request_id = "id-1";
  return request;
}

void expect_titles(const nlohmann::json& node, int& seen) {
  if (node.is_object() && node.contains("title") && node.contains("type") && node["type"].is_string()) {
    const std::string type = node["type"];
    const std::string prefix = "/problems/";
    if (type.starts_with(prefix)) {
      ++seen;
      const Problem problem(400, type.substr(prefix.size()), "");
      EXPECT_EQ(problem_members(problem, "").at("title"), node["title"]) << type;
    }
  }
  if (!node.is_structured()) return;
  for (const nlohmann::json& child : node) expect_titles(child, seen);
}

TEST(ProblemMembers, HaveTheTitlesOfTheOpenApiDocument) {
  std::ifstream file(CATDOG_SOURCE_DIR "/service/src/pages/openapi.json");
  int seen = 0;
  expect_titles(nlohmann::json::parse(file), seen);
  EXPECT_GT(seen, 10);
}

TEST(RenderProblem, IsAProblemDocument) {
  const Response response =
      render_problem(Problem(503, "queue-full", "try \"later\"", {{"Retry-After", "2"}}), request_to("/predict"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.problem, "queue-full");
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].name, "Retry-After");
  EXPECT_EQ(response.headers[0].value, "2");
  EXPECT_EQ(
      response.body,
      R"({"type":"/problems/queue-full","title":"Queue full","status":503,"detail":"try \"later\"","request_id":"id-1"})");
}

TEST(RenderProblem, IsTheInferenceProtocolsUnderV2) {
  for (const char* path : {"/v2", "/v2/models/pets/infer"}) {
    const Response response =
        render_problem(Problem(503, "queue-full", "later", {{"Retry-After", "2"}}), request_to(path));
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.content_type, "application/json");
    ASSERT_EQ(response.headers.size(), 1U);
    EXPECT_EQ(response.headers[0].value, "2");
    EXPECT_EQ(response.body, R"({"error":"later"})");
  }
  EXPECT_EQ(render_problem(Problem(404, "x", "y"), request_to("/v22")).content_type, "application/problem+json");
}

TEST(RenderProblem, IsJsonWhateverTheDetail) {
  const Response response = render_problem(Problem(400, "malformed", "\xff\n"), request_to("/"));
  EXPECT_EQ(nlohmann::json::parse(response.body)["detail"], "\xef\xbf\xbd\n");
}

}  // namespace
}  // namespace catdog::service
