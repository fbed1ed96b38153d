// SPDX-License-Identifier: Apache-2.0
#include "router.hpp"

#include <algorithm>
#include <optional>

namespace catdog::service {

namespace {

std::string_view take_segment(std::string_view& path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(std::min(slash + 1, path.size()));
  return segment;
}

// Segment by segment: "/models/{name}" matches "/models/pets", but neither "/models/" nor "/models/pets/".
std::optional<std::vector<std::string>> captures_of(std::string_view pattern, std::string_view path) {
  if (std::count(pattern.begin(), pattern.end(), '/') != std::count(path.begin(), path.end(), '/')) return std::nullopt;
  std::vector<std::string> captures;
  while (!pattern.empty() || !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view given = take_segment(path);
    if (wanted.starts_with('{') && !given.empty()) {
      captures.emplace_back(given);
    } else if (wanted != given) {
      return std::nullopt;
    }
  }
  return captures;
}

// Its capture is the value of Allow.
Response answer_options(const Request& request) {
  Response response = empty_response();
  response.headers.push_back({"Allow", request.captures.front()});
  return response;
}

const Route options_route{"OPTIONS", "*", &answer_options};

}  // namespace

void Router::find(std::string_view method, std::string_view path, Match& match) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string allow = path == "*" ? "GET, HEAD, POST, " : "";
  for (const Route& route : routes_) {
    auto captures = captures_of(route.path, path);
    if (!captures) continue;
    match.endpoint = route.path;
    if (route.method == wanted) {
      match.route = &route;
      match.captures = std::move(*captures);
      return;
    }
    allow += route.method + ", ";
    if (route.method == "GET") allow += "HEAD, ";
  }
  if (allow.empty()) {
    throw Problem(404, "not-found", "There is nothing at this path; GET /openapi.json lists the paths.");
  }
  allow += "OPTIONS";
  if (method == "OPTIONS") {
    match.route = &options_route;
    match.captures = {allow};
    return;
  }
  throw Problem(405, "method-not-allowed",
                "This path doesn't take " + std::string(method) + "; send one of: " + allow + ".", {{"Allow", allow}});
}

}  // namespace catdog::service
