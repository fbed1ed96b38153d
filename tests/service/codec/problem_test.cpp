// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "service/codec/support.hpp"

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

TEST(ProblemResponse, IsAProblemDocument) {
  const Response response =
      problem_response(Problem(503, "queue-full", "try \"later\"", {{"Retry-After", "2"}}), "id-1");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.content_type, "application/problem+json");
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].name, "Retry-After");
  EXPECT_EQ(response.headers[0].value, "2");
  EXPECT_EQ(
      response.body,
      R"({"type":"/problems/queue-full","title":"Queue full","status":503,"detail":"try \"later\"","request_id":"id-1"})");
}

TEST(ProblemResponse, IsJsonWhateverTheDetail) {
  const Response response = problem_response(Problem(400, "malformed", "\xff\n"), "x");
  EXPECT_EQ(nlohmann::json::parse(response.body)["detail"], "\xef\xbf\xbd\n");
}

}  // namespace
}  // namespace catdog::service
