// SPDX-License-Identifier: Apache-2.0
#include "formats/problem.hpp"

#include <algorithm>
#include <catdog/catdog.hpp>
#include <new>

#include "formats/json_body.hpp"
#include "formats/text.hpp"

namespace catdog::service {
namespace {

// "queue-full" reads "Queue full": a title never differs between two problems of one type.
std::string title_of(std::string_view type) {
  std::string title(type);
  std::replace(title.begin(), title.end(), '-', ' ');
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z') title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return title;
}

auto find_header(const std::vector<Header>& headers, std::string_view name) noexcept {
  return std::find_if(headers.begin(), headers.end(),
                      [&](const Header& header) { return equal_ignoring_case(header.name, name); });
}

}  // namespace

Problem problem_of_library(catdog_status status, std::string message) {
  switch (status) {
    case CATDOG_ERROR_UNSUPPORTED: return {415, "not-a-picture", std::move(message)};
    case CATDOG_ERROR_CORRUPT: return {422, "corrupt-picture", std::move(message)};
    case CATDOG_ERROR_LIMIT: return {422, "picture-over-limit", std::move(message)};
    case CATDOG_ERROR_MODEL_UNSUPPORTED: return {501, "not-implemented", std::move(message)};
    case CATDOG_ERROR_OUT_OF_MEMORY: return {503, "out-of-memory", std::move(message), {{"Retry-After", "1"}}};
    default: return {500, "internal", "The service failed; the log has more under this request_id."};
  }
}

std::string_view Request::header(std::string_view name) const noexcept {
  const auto found = find_header(headers, name);
  return found == headers.end() ? std::string_view() : found->value;
}

bool Request::has_header(std::string_view name) const noexcept { return find_header(headers, name) != headers.end(); }

nlohmann::ordered_json problem_members(const Problem& problem, std::string_view request_id) {
  return {{"type", "/problems/" + problem.type()},
          {"title", title_of(problem.type())},
          {"status", problem.status()},
          {"detail", problem.detail()},
          {"request_id", request_id}};
}

Problem problem_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Problem& problem) {
    return problem;
  } catch (const Error& error) {
    return problem_of_library(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return problem_of_library(CATDOG_ERROR_OUT_OF_MEMORY, "Memory ran out; try again later.");
  } catch (...) {
    return problem_of_library(CATDOG_ERROR_INTERNAL, "");
  }
}

std::string reason_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown";
  }
}

Problem out_of_budget() {
  return {503,
          "overloaded",
          "The memory for requests is used up; try again after the time in Retry-After.",
          {{"Retry-After", "1"}}};
}

Response render_problem(const Problem& problem, const Request& request) {
  Response response;
  response.status = problem.status();
  response.headers = problem.headers();
  response.problem = problem.type();
  if (request.path == "/v2" || request.path.starts_with("/v2/")) {
    nlohmann::ordered_json document = nlohmann::ordered_json::object();
    document["error"] = problem.detail();
    response.body = dump_json(document);
  } else {
    response.content_type = "application/problem+json";
    response.body = dump_json(problem_members(problem, request.request_id));
  }
  return response;
}

}  // namespace catdog::service
