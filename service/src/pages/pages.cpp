// SPDX-License-Identifier: Apache-2.0
#include "pages/pages.hpp"

#include "pages/data.hpp"

namespace catdog::service::pages {

std::string_view index_html() noexcept { return data::index_html; }
std::string_view docs_html() noexcept { return data::docs_html; }
std::string_view openapi_json() noexcept { return data::openapi_json; }

StaticFile static_file(std::string_view name) noexcept {
  if (name == "app.js") return {data::app_js, "text/javascript; charset=utf-8"};
  if (name == "docs.js") return {data::docs_js, "text/javascript; charset=utf-8"};
  if (name == "app.css") return {data::app_css, "text/css; charset=utf-8"};
  return {};
}

}  // namespace catdog::service::pages
