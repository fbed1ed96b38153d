// SPDX-License-Identifier: Apache-2.0
// The body of POST /predict's response.
#pragma once

#include <catdog/catdog.hpp>
#include <string>
#include <variant>
#include <vector>

#include "formats/feedback_token.hpp"
#include "message.hpp"

namespace catdog::service {

// What came of one image.
struct Prediction {
  std::string name;  // The upload's.
  std::variant<Result, Problem> outcome;
  double total_ms;  // From the request's first byte to the outcome.

  const Result* result() const noexcept { return std::get_if<Result>(&outcome); }
  const Problem* problem() const noexcept { return std::get_if<Problem>(&outcome); }
};

// What came of a request's images, in their order; never empty.
struct Predictions {
  double queue_ms = 0;
  std::vector<Prediction> items;
};

// One image: the object itself; several: {"results": […]} in order, with a status for each.
std::string render_prediction(const Predictions& predictions, const Classifier& classifier,
                              const std::string& request_id, const FeedbackTokens& tokens);

// "queue;dur=0.1, decode;dur=0.8, …" for the header Server-Timing, of all images together.
std::string server_timing(const Predictions& predictions);

// The id of image `index` of `count`: the request's own when it has one image, else "<request id>.<index from 0>".
std::string item_request_id(const std::string& request_id, std::size_t index, std::size_t count);

}  // namespace catdog::service
