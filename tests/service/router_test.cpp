// SPDX-License-Identifier: Apache-2.0
#include "router.hpp"

#include <gtest/gtest.h>

namespace catdog::service {
namespace {

Response nothing(const Request& /*request*/) { return {}; }

// The route's path and the captures, or the status of the refusal and what is allowed.
std::string find(std::string_view method, std::string_view path) {
  Router router;
  for (const char* route : {"/health", "/v2/models/{model}", "/v2/models/{model}/ready",
                            "/v2/models/{model}/versions/{version}", "/static/{name}"}) {
    router.add({"GET", route, &nothing});
  }
  router.add({"POST", "/predict", &nothing});
  router.add({"POST", "/health", &nothing});
  Match match;
  std::string text;
  try {
    router.find(method, path, match);
    text = match.endpoint;
    EXPECT_NE(match.route, nullptr);
  } catch (const Problem& problem) {
    text = std::string(match.endpoint) + " " + std::to_string(problem.status());
    if (problem.status() == 405) {
      EXPECT_NE(problem.detail().find(problem.headers().at(0).value), std::string::npos);
      text += " " + problem.headers().at(0).value;
    }
  }
  for (const std::string& capture : match.captures) text += "|" + capture;
  return text;
}

TEST(Router, FindsTheRouteAndWhatStandsForItsNames) {
  EXPECT_EQ(find("GET", "/health"), "/health");
  EXPECT_EQ(find("HEAD", "/health"), "/health");
  EXPECT_EQ(find("GET", "/v2/models/pets"), "/v2/models/{model}|pets");
  EXPECT_EQ(find("GET", "/v2/models/pets/ready"), "/v2/models/{model}/ready|pets");
  EXPECT_EQ(find("GET", "/v2/models/pets/versions/1.2"), "/v2/models/{model}/versions/{version}|pets|1.2");
}

TEST(Router, KnowsNoOtherPaths) {
  for (const char* path :
       {"/", "", "/healthy", "/health/", "/v2/models/", "/v2/models", "/v2/models//ready", "/v2/models/a/stats",
        "/v2/models/a/versions", "/v2/models/a/versions/", "/v2/models/a/versions/1/", "/static/a/b"}) {
    EXPECT_EQ(find("GET", path), "other 404") << path;
  }
}

TEST(Router, TellsTheRightMethods) {
  EXPECT_EQ(find("PUT", "/predict"), "/predict 405 POST, OPTIONS");
  EXPECT_EQ(find("DELETE", "/health"), "/health 405 GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(find("OPTIONS", "/predict"), "/predict|POST, OPTIONS");
  EXPECT_EQ(find("OPTIONS", "*"), "other|GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(find("OPTIONS", "/nothing"), "other 404");
}

}  // namespace
}  // namespace catdog::service
