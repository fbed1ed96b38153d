// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include <catdog/catdog.h>

#include <boost/beast/core/string.hpp>
#include <ctime>

#include "http/trace.hpp"

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

}  // namespace

void read_head(const HttpRequest& message, Request& request) {
  for (const auto& field : message)
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  const std::string_view id = request.header("X-Request-Id");
  request.request_id = is_sound_request_id(id) ? std::string(id) : make_request_id();
  request.method = std::string(message.method_string());
  const std::string_view target = without_authority({message.target().data(), message.target().size()});
  const std::size_t question = target.find('?');
  if (question != std::string_view::npos) request.query = std::string(target.substr(question + 1));
  request.path = percent_decode(target.substr(0, question));
  if (request.path != "*" && (request.path.empty() || request.path.front() != '/')) {
    throw Problem(400, "malformed", "The request's target must begin with '/'.");
  }
}

void check_head(const HttpRequest& message, bool needs_body) {
  if (message.version() >= 11 && message.count(http::field::host) != 1) {
    throw Problem(400, "malformed", "A request needs exactly one Host header.");
  }
  const auto encoding = message.find(http::field::transfer_encoding);
  if (encoding != message.end() && !boost::beast::iequals(encoding->value(), "chunked")) {
    throw Problem(501, "not-implemented", "Of transfer encodings only 'chunked' is taken.");
  }
  const auto expect = message.find(http::field::expect);
  if (expect != message.end() && !boost::beast::iequals(expect->value(), "100-continue")) {
    throw Problem(417, "expectation-failed", "Of expectations only '100-continue' is met.");
  }
  if (!needs_body) return;
  if (encoding == message.end() && message.count(http::field::content_length) == 0) {
    throw Problem(411, "length-required", "Send Content-Length or 'Transfer-Encoding: chunked' with the body.");
  }
  const auto coding = message.find(http::field::content_encoding);
  if (coding != message.end() && !boost::beast::iequals(coding->value(), "identity")) {
    throw Problem(415, "unsupported-encoding",
                  "Send the body without Content-Encoding; pictures are compressed already.");
  }
}

std::string render_reply(const Response& response, const Request& request, const std::string& traceparent,
                         bool keep_alive) {
  std::string text;
  text.reserve(1024 + response.body.size());
  text += "HTTP/1.1 " + std::to_string(response.status) + ' ';
  text += http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
  text += "\r\nServer: catdog-server/" CATDOG_VERSION "\r\nDate: " + http_date();
  if (!response.content_type.empty()) text += "\r\nContent-Type: " + response.content_type;
  text += "\r\nX-Request-Id: " + request.request_id + "\r\ntraceparent: " + traceparent;
  text += "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store";
  for (const Header& header : response.headers) text += "\r\n" + header.name + ": " + header.value;
  if (!keep_alive) text += "\r\nConnection: close";
  if (response.status != 204) text += "\r\nContent-Length: " + std::to_string(response.body.size());
  text += "\r\n\r\n";
  if (response.status != 204 && request.method != "HEAD") text += response.body;
  return text;
}

}  // namespace catdog::service
