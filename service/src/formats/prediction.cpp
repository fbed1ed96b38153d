// SPDX-License-Identifier: Apache-2.0
#include "formats/prediction.hpp"

#include <cmath>
#include <cstdio>

#include "formats/json_body.hpp"
#include "formats/problem.hpp"

namespace catdog::service {
namespace {

using nlohmann::ordered_json;

double microseconds(double ms) { return std::round(ms * 1000) / 1000; }

ordered_json render(const Prediction& item, double queue_ms, const Classifier& classifier,
                    const std::string& request_id, const FeedbackTokens& tokens) {
  if (const Problem* problem = item.problem()) return problem_members(*problem, request_id);
  const Result& result = *item.result();
  const std::string sha256 = classifier.info(CATDOG_INFO_MODEL_SHA256);
  const std::vector<std::string> labels = classifier.labels();
  ordered_json probabilities = ordered_json::object();
  for (std::size_t i = 0; i < labels.size(); ++i) probabilities[labels[i]] = result.probabilities()[i];
  const Timings& timings = result.timings();
  return {{"answer", result.answer()},
          {"reason", result.reason_name()},
          {"trust", result.trust()},
          {"neither", result.neither() ? ordered_json(*result.neither()) : ordered_json()},
          {"predicted_class", result.label_index()},
          {"predicted_label", result.label()},
          {"confidence", result.confidence()},
          {"abstained", result.abstained()},
          {"probabilities", std::move(probabilities)},
          {"processing_time_ms", microseconds(item.total_ms)},
          {"request_id", request_id},
          {"feedback_token", tokens.issue(result.label_index(), sha256)},
          {"model",
           {{"name", classifier.info(CATDOG_INFO_MODEL_NAME)},
            {"version", classifier.info(CATDOG_INFO_MODEL_VERSION)},
            {"sha256", sha256}}},
          {"timings_ms",
           {{"queue", microseconds(queue_ms)},
            {"decode", microseconds(timings.decode_ms)},
            {"preprocess", microseconds(timings.preprocess_ms)},
            {"infer", microseconds(timings.infer_ms)}}},
          {"image", {{"width", result.width()}, {"height", result.height()}, {"format", result.format()}}}};
}

}  // namespace

std::string render_prediction(const Predictions& predictions, const Classifier& classifier,
                              const std::string& request_id, const FeedbackTokens& tokens) {
  const std::vector<Prediction>& items = predictions.items;
  if (items.size() == 1) return dump_json(render(items.front(), predictions.queue_ms, classifier, request_id, tokens));
  ordered_json results = ordered_json::array();
  for (std::size_t i = 0; i < items.size(); ++i) {
    ordered_json item = ordered_json::object();
    item["status"] = items[i].result() != nullptr ? 200 : items[i].problem()->status();
    if (!items[i].name.empty()) item["name"] = items[i].name;
    item.update(
        render(items[i], predictions.queue_ms, classifier, item_request_id(request_id, i, items.size()), tokens));
    results.push_back(std::move(item));
  }
  return dump_json({{"request_id", request_id}, {"results", std::move(results)}});
}

std::string server_timing(const Predictions& predictions) {
  Timings sum;
  for (const Prediction& item : predictions.items) {
    if (item.result() == nullptr) continue;
    const Timings& timings = item.result()->timings();
    sum.decode_ms += timings.decode_ms;
    sum.preprocess_ms += timings.preprocess_ms;
    sum.infer_ms += timings.infer_ms;
  }
  char text[160];
  const int length = std::snprintf(
      text, sizeof text, "queue;dur=%.3f, decode;dur=%.3f, preprocess;dur=%.3f, infer;dur=%.3f, total;dur=%.3f",
      predictions.queue_ms, sum.decode_ms, sum.preprocess_ms, sum.infer_ms, predictions.items.back().total_ms);
  return {text, static_cast<std::size_t>(length)};
}

std::string item_request_id(const std::string& request_id, std::size_t index, std::size_t count) {
  return count == 1 ? request_id : request_id + '.' + std::to_string(index);
}

}  // namespace catdog::service
