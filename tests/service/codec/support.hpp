// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "exchange.hpp"

namespace catdog::service::test {

// "status type: detail" of the Problem that `call` throws; "" when it throws none.
inline std::string problem_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Problem& problem) {
    return std::to_string(problem.status()) + " " + problem.type() + ": " + problem.detail();
  }
  return "";
}

inline Request make_request(const std::string& content_type, std::string body) {
  Request request;
  request.method = "POST";
  if (!content_type.empty()) request.headers.push_back({"Content-Type", content_type});
  request.body = std::move(body);
  return request;
}

inline Verdict make_failure() {
  Verdict verdict;
  verdict.status = 422;
  verdict.problem_type = "corrupt";
  verdict.problem_detail = "cut off";
  return verdict;
}

inline bool points_into(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> before;
  return before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size());
}

}  // namespace catdog::service::test
