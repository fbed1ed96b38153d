// SPDX-License-Identifier: Apache-2.0
// GET /, /docs, /openapi.json and what they load: all of it is in the program.
#include "pages/pages.hpp"

#include "handlers/handlers.hpp"

namespace catdog::service {

namespace {

Response page(std::string_view content, std::string_view type) {
  Response response;
  response.content_type = std::string(type);
  response.page = content;
  return response;
}

Response html(std::string_view content) {
  Response response = page(content, "text/html; charset=utf-8");
  response.headers.push_back({"Content-Security-Policy", std::string(pages::content_security_policy)});
  response.headers.push_back({"Referrer-Policy", "no-referrer"});
  return response;
}

}  // namespace

void add_pages(Router& router) {
  router.add({"GET", "/", [](const Request&) { return html(pages::index_html()); }});
  router.add({"GET", "/docs", [](const Request&) { return html(pages::docs_html()); }});
  router.add({"GET", "/openapi.json", [](const Request&) { return page(pages::openapi_json(), "application/json"); }});
  router.add({"GET", "/static/{name}", [](const Request& request) {
                const pages::StaticFile file = pages::static_file(request.captures[0]);
                if (file.content.empty()) throw Problem(404, "not-found", "There is no such file.");
                return page(file.content, file.content_type);
              }});
}

}  // namespace catdog::service
