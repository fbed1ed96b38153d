// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <catdog/catdog.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "formats/prediction.hpp"
#include "formats/upload.hpp"
#include "service/server_process.hpp"

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

// The colour model: "colour" 1.2.3, cat and dog.
inline const Classifier& classifier() {
  static const Classifier opened =
      Classifier::open_memory(Bytes(test_support::make_model_archive(service_tests::colour_model())));
  return opened;
}

inline Prediction success(bool cat, const std::string& name = "") {
  return {name, classifier().classify(Bytes(service_tests::image(cat))), 4.25};
}

inline Prediction failure() { return {"", Problem(422, "corrupt", "cut off"), 1}; }

inline bool points_into(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> before;
  return before(whole.data(), part.data()) && before(part.data() + part.size(), whole.data() + whole.size());
}

}  // namespace catdog::service::test
