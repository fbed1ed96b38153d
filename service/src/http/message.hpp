// SPDX-License-Identifier: Apache-2.0
// Between Beast's messages and the service's own.
#pragma once

#include <boost/beast/http.hpp>
#include <string>
#include <string_view>

#include "exchange.hpp"

namespace catdog::service {

namespace http = boost::beast::http;
using HttpRequest = http::request<http::string_body>;

// Everything but the body, which is still being read. Throws Problem 400 for a target that isn't sound; `request` then
// has its id all the same.
void read_head(const HttpRequest& message, Request& request);

// Refuses what the service doesn't do before a body is read: 400, 411, 415, 417, 501.
void check_head(const HttpRequest& message, bool needs_body);

// The reply as it is sent. To a HEAD and with 204 it has no body.
std::string render_reply(const Response& response, const Request& request, const std::string& traceparent,
                         bool keep_alive);

}  // namespace catdog::service
