// SPDX-License-Identifier: Apache-2.0
// Between Beast's messages and the service's own.
#pragma once

#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "body.hpp"
#include "message.hpp"

namespace catdog::service {

namespace http = boost::beast::http;
using RequestHead = http::request<ChargedBody>;
using ResponseMessage = http::response<http::span_body<const char>>;

// Fills in everything but body, captures and deadline. Throws Problem 400 for a target that isn't sound; `request` has
// its id and trace all the same.
void read_head(const RequestHead& head, Request& request);

// Refuses before the body is read: 400, 411, 415, 417, 501.
void check_head(const RequestHead& head, bool takes_body);

bool expects_continue(const RequestHead& head);

// X-Request-Timeout-Ms, or `otherwise`. Throws Problem 400.
std::chrono::milliseconds wanted_timeout(const Request& request, std::chrono::milliseconds otherwise);

// The message to send. Its body is `response`'s, which must outlive it. To a HEAD and with 204 it has none.
ResponseMessage make_message(const Response& response, const Request& request, unsigned version, bool keep_alive);

}  // namespace catdog::service
