// SPDX-License-Identifier: Apache-2.0
#include "formats/problem.hpp"

#include <nlohmann/json.hpp>

#include "service/formats/support.hpp"
#include "support/images.hpp"

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

// Every problem document among the examples of openapi.json has the title that its type gets.
void expect_titles(const nlohmann::json& json, int& seen) {
  const auto type = json.is_object() ? json.find("type") : json.end();
  if (json.is_object() && type != json.end() && type->is_string() &&
      type->get<std::string>().starts_with("/problems/")) {
    const std::string name = type->get<std::string>().substr(std::string("/problems/").size());
    EXPECT_EQ(json.at("title"), problem_members(Problem(400, name, ""), "").at("title")) << name;
    ++seen;
  }
  for (const auto& part : json) {
    if (part.is_structured()) expect_titles(part, seen);
  }
}

TEST(ProblemMembers, HaveTheTitlesOfTheOpenApiDocument) {
  int seen = 0;
  expect_titles(nlohmann::json::parse(test_support::read_file(CATDOG_SOURCE_DIR "/service/src/pages/openapi.json")),
                seen);
  EXPECT_GT(seen, 15);
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
