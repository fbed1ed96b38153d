// SPDX-License-Identifier: Apache-2.0
#include "pages/pages.hpp"

#include "pages/data.hpp"

namespace catdog::service::pages {

std::string_view index_html() noexcept { return data::index_html; }
std::string_view docs_html() noexcept { return data::docs_html; }
std::string_view openapi_json() noexcept { return data::openapi_json; }

StaticFile static_file(std::string_view name) noexcept {
  constexpr std::string_view script = "text/javascript; charset=utf-8";
  constexpr std::string_view style = "text/css; charset=utf-8";
  if (name == "app.js") return {data::app_js, script};
  if (name == "app.css") return {data::app_css, style};
  if (name == "docs.js") return {data::docs_js, script};
  if (name == "docs.css") return {data::docs_css, style};
  if (name == "swagger-ui-bundle.js") return {data::swagger_ui_bundle_js, script};
  if (name == "swagger-ui.css") return {data::swagger_ui_css, style};
  if (name == "chelsea.png") return {data::chelsea_png, "image/png"};
  if (name == "dog.jpg") return {data::dog_jpg, "image/jpeg"};
  return {};
}

}  // namespace catdog::service::pages
