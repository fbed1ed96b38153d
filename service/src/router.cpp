// SPDX-License-Identifier: Apache-2.0
#include "router.hpp"

#include <algorithm>

#include "codec/oip.hpp"

namespace catdog::service {

namespace {

bool matches(const Route& route, std::string_view path) {
  std::string_view pattern = route.path;
  for (std::size_t open = pattern.find('{'); open != std::string_view::npos; open = pattern.find('{')) {
    const std::size_t segment = std::min(path.find('/', std::min(open, path.size())), path.size());
    if (segment <= open || path.substr(0, open) != pattern.substr(0, open)) return false;
    path.remove_prefix(segment);
    pattern.remove_prefix(pattern.find('}') + 1);
  }
  if (pattern.ends_with('*')) return path.starts_with(pattern.substr(0, pattern.size() - 1));
  return path == pattern;
}

}  // namespace

void Router::add_async(std::string method, std::string path, std::function<void(const CallPtr&)> handler,
                       bool needs_body, Admission admit) {
  routes_.push_back({std::move(method), std::move(path), std::move(handler), needs_body, std::move(admit)});
}

void Router::add(std::string method, std::string path, std::function<Response(const Request&)> handler,
                 bool needs_body) {
  add_async(
      std::move(method), std::move(path),
      [handler = std::move(handler)](const CallPtr& call) { call->reply(handler(call->request())); }, needs_body);
}

const Route& Router::find(std::string_view method, std::string_view path) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : routes_) {
    if (route.method == wanted && matches(route, path)) return route;
  }
  const std::string allow = allowed(path);
  if (allow.empty()) throw Problem(404, "not-found", "There is nothing at this path; GET /docs lists what there is.");
  throw Problem(405, "method-not-allowed", "This path takes " + allow + ".", {{"Allow", allow}});
}

std::string Router::allowed(std::string_view path) const {
  std::vector<std::string> methods;
  for (const Route& route : routes_) {
    if (!matches(route, path)) continue;
    if (std::find(methods.begin(), methods.end(), route.method) == methods.end()) methods.push_back(route.method);
    if (route.method == "GET") methods.emplace_back("HEAD");
  }
  std::string text;
  for (const std::string& method : methods) text += method + ", ";
  return text.empty() ? text : text + "OPTIONS";
}

std::string Router::label(std::string_view path) const {
  for (const Route& route : routes_) {
    if (matches(route, path)) return route.path;
  }
  return "other";
}

void Router::dispatch(const Route& route, const CallPtr& call) const {
  try {
    route.handler(call);
  } catch (...) {
    call->reply(refusal_of_current_exception(call->request()));
  }
}

Response Router::refusal(const Problem& problem, const Request& request) {
  const bool inference_protocol = request.path == "/v2" || request.path.starts_with("/v2/");
  Response response = inference_protocol ? oip_error(problem) : problem_response(problem, request.request_id);
  response.problem = problem.type();
  return response;
}

Response Router::refusal_of_current_exception(const Request& request) {
  try {
    throw;
  } catch (const Problem& problem) {
    return refusal(problem, request);
  } catch (const std::bad_alloc&) {
    return refusal(Problem(503, "out-of-memory", "Memory ran out; try again later.", {{"Retry-After", "1"}}), request);
  } catch (...) {
    return refusal(Problem(500, "internal", "The service failed; the log has more under this request_id."), request);
  }
}

}  // namespace catdog::service
