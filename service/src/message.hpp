// SPDX-License-Identifier: Apache-2.0
// A request and its response, as handlers see them. Nothing here knows of sockets.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memory_budget.hpp"

namespace catdog::service {

using Clock = std::chrono::steady_clock;

struct Header {
  std::string name;
  std::string value;
};

// A request that was read whole. Whoever works on it shares it: the session, and a worker that outlasts the session.
struct Request {
  std::string method;                 // In upper case.
  std::string path;                   // Percent-decoded, without the query.
  std::vector<std::string> captures;  // What the path has in place of the route's {names}, in order.
  std::vector<Header> headers;
  std::string body;
  MemoryBudget::Share memory;  // Charged with the body.
  std::string request_id;      // X-Request-Id when the client sent a sound one, else made here.
  std::string traceparent;     // The caller's trace with a span of our own, or a new trace.
  Clock::time_point received;  // First byte.
  Clock::time_point deadline;  // The answer is worthless after it.

  // The first header of that name, in any case; "" when there is none.
  std::string_view header(std::string_view name) const noexcept;
  bool has_header(std::string_view name) const noexcept;
};
using RequestPtr = std::shared_ptr<Request>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers;  // Besides those that every response has.
  std::string body;
  std::string_view page;  // Instead of `body`: text that lives as long as the program.
  std::string problem;    // The type of problem that this response reports; "" for none. For metrics and the log.

  std::string_view content() const noexcept { return page.empty() ? std::string_view(body) : page; }
};

inline Response json_response(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

// 204.
inline Response empty_response() {
  Response response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

// An error as RFC 9457 has it. Whatever refuses a request throws or returns one.
class Problem : public std::exception {
 public:
  // `type` is the stable last part of the problem's URI ("too-large"); `detail` says what is wrong and what to do.
  Problem(int status, std::string type, std::string detail, std::vector<Header> headers = {})
      : status_(status), type_(std::move(type)), detail_(std::move(detail)), headers_(std::move(headers)) {}

  int status() const noexcept { return status_; }
  const std::string& type() const noexcept { return type_; }
  const std::string& detail() const noexcept { return detail_; }
  const std::vector<Header>& headers() const noexcept { return headers_; }
  const char* what() const noexcept override { return detail_.c_str(); }

 private:
  int status_;
  std::string type_;
  std::string detail_;
  std::vector<Header> headers_;
};

}  // namespace catdog::service
