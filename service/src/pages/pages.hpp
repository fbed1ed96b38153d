// SPDX-License-Identifier: Apache-2.0
// The pages of the service, put into the program when it is built, with the version filled in.
#pragma once

#include <string_view>

namespace catdog::service::pages {

std::string_view index_html() noexcept;    // GET /
std::string_view docs_html() noexcept;     // GET /docs
std::string_view openapi_json() noexcept;  // GET /openapi.json

struct StaticFile {
  std::string_view content;  // Empty when there is no such file.
  std::string_view content_type;
};

// What GET /static/NAME serves: scripts, styles and sample images.
StaticFile static_file(std::string_view name) noexcept;

// For the Content-Security-Policy of the HTML pages: nothing from elsewhere, nothing inline.
inline constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace catdog::service::pages
