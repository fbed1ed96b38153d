// SPDX-License-Identifier: Apache-2.0
#include "pages/pages.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "service/formats/support.hpp"

namespace catdog::service::pages {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string read(const std::string& path) {
  std::ifstream file(CATDOG_SOURCE_DIR + path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string source(const std::string& name) { return read("/service/src/pages/" + name); }

TEST(Pages, AreTheFilesByteForByte) {
  for (const char* name : {"app.js", "app.css", "docs.js", "docs.css"})
    EXPECT_EQ(static_file(name).content, source(name)) << name;
  EXPECT_NE(source("app.js"), "");
  EXPECT_EQ(static_file("app.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(static_file("app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(static_file("docs.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(static_file("chelsea.png").content, read("/examples/images/cat/chelsea.png"));
  EXPECT_EQ(static_file("chelsea.png").content_type, "image/png");
  EXPECT_EQ(static_file("dog.jpg").content, read("/examples/images/dog/dog.jpg"));
  for (const char* name : {"", "index.html", "../app.js", "app.j"}) EXPECT_EQ(static_file(name).content, "") << name;
}

TEST(Pages, HaveTheVersionFilledIn) {
  for (const std::string_view page : {index_html(), docs_html(), openapi_json()}) {
    EXPECT_THAT(std::string(page), Not(HasSubstr("@CATDOG_VERSION@")));
    EXPECT_THAT(std::string(page), HasSubstr(CATDOG_TEST_VERSION));
  }
  EXPECT_EQ(json::parse(openapi_json())["info"]["version"], CATDOG_TEST_VERSION);
}

// A proxy may put the service below a path of its own.
TEST(Pages, HaveNoAbsolutePaths) {
  for (const std::string_view page : {index_html(), docs_html(), static_file("app.js").content}) {
    for (const char* absolute : {"href=\"/", "src=\"/", "fetch(\"/"}) {
      EXPECT_THAT(std::string(page), Not(HasSubstr(absolute)));
    }
  }
}

TEST(Pages, DocsHaveSwaggerUiOrOnlyTheLink) {
  const bool has_ui = !static_file("swagger-ui-bundle.js").content.empty();
  EXPECT_EQ(has_ui, !static_file("swagger-ui.css").content.empty());
  EXPECT_EQ(docs_html().find("swagger-ui") != std::string_view::npos, has_ui);
  EXPECT_THAT(std::string(docs_html()), HasSubstr("href=\"openapi.json\""));
}

// What the policy forbids, a browser would drop without a word.
TEST(Pages, HoldNothingThatTheirPolicyForbids) {
  for (const std::string_view view : {index_html(), docs_html()}) {
    const std::string page(view);
    for (const char* forbidden :
         {"<style", " style=", " onclick=", " onload=", "javascript:", "src=\"http", "href=\"http"}) {
      EXPECT_THAT(page, Not(HasSubstr(forbidden)));
    }
    for (std::size_t at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1)) {
      EXPECT_THAT(page.substr(at, 30), HasSubstr("<script src=\"static/"));
    }
  }
  for (const char* name : {"app.js", "docs.js", "app.css", "docs.css"}) {
    const std::string text(static_file(name).content);
    for (const char* forbidden : {"innerHTML", "eval(", ".style.", "http://", "https://", "@import", "url("}) {
      EXPECT_THAT(text, Not(HasSubstr(forbidden))) << name;
    }
  }
}

void check_references(const json& node, const json& root) {
  if (node.is_object() && node.contains("$ref")) {
    const std::string reference = node["$ref"];
    ASSERT_TRUE(reference.starts_with("#/")) << reference;
    EXPECT_TRUE(root.contains(json::json_pointer(reference.substr(1)))) << reference;
  }
  for (const json& child : node) {
    if (child.is_structured()) check_references(child, root);
  }
}

TEST(OpenApi, DescribesEachEndpointAndItsErrors) {
  const json api = json::parse(openapi_json());
  EXPECT_EQ(api["openapi"], "3.1.0");
  check_references(api, api);
  const json& paths = api["paths"];
  for (const char* path : {"/", "/docs", "/openapi.json", "/static/{file}", "/metrics", "/model", "/health",
                           "/health/live", "/health/ready", "/health/startup", "/v2", "/v2/health/live",
                           "/v2/health/ready", "/v2/models/{model}", "/v2/models/{model}/ready",
                           "/v2/models/{model}/versions/{version}", "/v2/models/{model}/versions/{version}/ready"}) {
    EXPECT_TRUE(paths.contains(path) && paths[path].contains("get")) << path;
  }
  for (const char* path : {"/predict", "/explain", "/feedback", "/admin/reload", "/v2/models/{model}/infer",
                           "/v2/models/{model}/versions/{version}/infer"}) {
    EXPECT_TRUE(paths.contains(path) && paths[path].contains("post")) << path;
  }
  const json& predict = paths["/predict"]["post"];
  for (const char* status : {"200", "400", "405", "408", "411", "413", "415", "422", "503"}) {
    EXPECT_TRUE(predict["responses"].contains(status)) << status;
  }
  for (const char* type : {"multipart/form-data", "application/json", "application/octet-stream", "image/*"}) {
    EXPECT_TRUE(predict["requestBody"]["content"].contains(type)) << type;
  }
}

TEST(OpenApi, NamesWhatAPredictionHolds) {
  const json api = json::parse(openapi_json());
  const json prediction =
      json::parse(render_prediction({0, {test::success(true)}}, test::classifier(), "id", FeedbackTokens("key")));
  json required = api["components"]["schemas"]["Prediction"]["required"];
  std::vector<std::string> names;
  for (const auto& item : prediction.items()) names.push_back(item.key());
  EXPECT_THAT(required.get<std::vector<std::string>>(), testing::UnorderedElementsAreArray(names));
}

}  // namespace
}  // namespace catdog::service::pages
