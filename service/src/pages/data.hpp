// SPDX-License-Identifier: Apache-2.0
// The pages as embed.cmake wrote them.
#pragma once

#include <string_view>

namespace catdog::service::pages::data {

extern const std::string_view index_html;
extern const std::string_view docs_html;
extern const std::string_view openapi_json;
extern const std::string_view app_js;
extern const std::string_view app_css;
extern const std::string_view docs_js;
extern const std::string_view docs_css;
// Empty in a build without it.
extern const std::string_view swagger_ui_bundle_js;
extern const std::string_view swagger_ui_css;
extern const std::string_view chelsea_png;
extern const std::string_view dog_jpg;

}  // namespace catdog::service::pages::data
