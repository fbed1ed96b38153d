// SPDX-License-Identifier: Apache-2.0
#include "head.hpp"

#include <catdog/catdog.h>

#include <boost/beast/core/string.hpp>
#include <charconv>
#include <ctime>

#include "trace.hpp"

namespace catdog::service {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) throw Problem(400, "malformed", "The path has a '%' that two hex digits don't follow.");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// The absolute form that proxies get: "http://host/path".
std::string_view without_authority(std::string_view target) {
  if (!target.starts_with("http://")) return target;
  const std::size_t slash = target.find('/', 7);
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

// "Mon, 23 Nov 2026 09:00:00 GMT", made anew each second.
const std::string& http_date() {
  thread_local std::time_t last = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != last) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    char buffer[40];
    text.assign(buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &utc));
    last = now;
  }
  return text;
}

Problem bad_timeout() { return {400, "malformed", "X-Request-Timeout-Ms must be a whole number from 1 to 3600000."}; }

}  // namespace

void read_head(const RequestHead& head, Request& request) {
  for (const auto& field : head)
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  const std::string_view id = request.header("X-Request-Id");
  request.request_id = is_sound_request_id(id) ? std::string(id) : make_request_id();
  request.traceparent = continue_trace(request.header("traceparent"));
  request.method = std::string(head.method_string());
  const std::string_view target = without_authority({head.target().data(), head.target().size()});
  request.path = percent_decode(target.substr(0, target.find('?')));
  if (request.path != "*" && (request.path.empty() || request.path.front() != '/')) {
    throw Problem(400, "malformed", "The request's target must begin with '/'.");
  }
}

void check_head(const RequestHead& head, bool takes_body) {
  if (head.version() >= 11 && head.count(http::field::host) != 1) {
    throw Problem(400, "malformed", "A request needs exactly one Host header.");
  }
  const auto encoding = head.find(http::field::transfer_encoding);
  if (encoding != head.end() && !boost::beast::iequals(encoding->value(), "chunked")) {
    throw Problem(501, "not-implemented", "Of transfer encodings only 'chunked' is taken.");
  }
  const auto expect = head.find(http::field::expect);
  if (expect != head.end() && !boost::beast::iequals(expect->value(), "100-continue")) {
    throw Problem(417, "expectation-failed", "Of expectations only '100-continue' is met.");
  }
  if (!takes_body) return;
  if (encoding == head.end() && head.count(http::field::content_length) == 0) {
    throw Problem(411, "length-required", "Send Content-Length or 'Transfer-Encoding: chunked' with the body.");
  }
  const auto coding = head.find(http::field::content_encoding);
  if (coding != head.end() && !boost::beast::iequals(coding->value(), "identity")) {
    throw Problem(415, "unsupported-encoding", "Send the body without Content-Encoding; images are compressed already.",
                  {{"Accept-Encoding", "identity"}});
  }
}

bool expects_continue(const RequestHead& head) {
  return head.version() >= 11 && boost::beast::iequals(head[http::field::expect], "100-continue");
}

std::chrono::milliseconds wanted_timeout(const Request& request, std::chrono::milliseconds otherwise) {
  if (!request.has_header("X-Request-Timeout-Ms")) return otherwise;
  const std::string_view text = request.header("X-Request-Timeout-Ms");
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < 1 || value > 3'600'000) throw bad_timeout();
  return std::chrono::milliseconds(value);
}

ResponseMessage make_message(const Response& response, const Request& request, unsigned version, bool keep_alive) {
  ResponseMessage message(http::int_to_status(static_cast<unsigned>(response.status)), version);
  message.set(http::field::server, "catdog-server/" CATDOG_VERSION);
  message.set(http::field::date, http_date());
  if (!response.content_type.empty()) message.set(http::field::content_type, response.content_type);
  message.set("X-Request-Id", request.request_id);
  message.set("traceparent", request.traceparent);
  message.set("X-Content-Type-Options", "nosniff");
  message.set(http::field::cache_control, "no-store");
  for (const Header& header : response.headers) message.set(header.name, header.value);
  message.keep_alive(keep_alive);  // "Connection: close" for HTTP/1.1, "Connection: keep-alive" for HTTP/1.0.
  if (response.status == 204) return message;
  const std::string_view content = response.content();
  message.content_length(content.size());
  if (request.method != "HEAD") message.body() = {content.data(), content.size()};
  return message;
}

}  // namespace catdog::service
