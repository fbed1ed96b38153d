// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "codec/documents.hpp"
#include "codec/json_body.hpp"
#include "codec/problem.hpp"

namespace catdog::service {
namespace {

using nlohmann::ordered_json;

double microseconds(double ms) { return std::round(ms * 1000) / 1000; }

ordered_json prediction(const Verdict& verdict, const ModelInfo& model, const std::string& request_id) {
  if (verdict.status != 200) {
    return problem_members(verdict.status, verdict.problem_type, verdict.problem_detail, request_id);
  }
  ordered_json probabilities = ordered_json::object();
  for (const auto& [label, probability] : verdict.probabilities) probabilities[label] = probability;
  return {{"predicted_class", verdict.predicted_class},
          {"predicted_label", verdict.label},
          {"confidence", verdict.confidence},
          {"abstained", verdict.abstained},
          {"probabilities", std::move(probabilities)},
          {"processing_time_ms", microseconds(verdict.timings.total_ms)},
          {"request_id", request_id},
          {"model", {{"name", model.name}, {"version", model.version}}},
          {"timings_ms",
           {{"queue", microseconds(verdict.timings.queue_ms)},
            {"decode", microseconds(verdict.timings.decode_ms)},
            {"preprocess", microseconds(verdict.timings.preprocess_ms)},
            {"infer", microseconds(verdict.timings.infer_ms)}}},
          {"image", {{"width", verdict.width}, {"height", verdict.height}, {"format", verdict.format}}}};
}

}  // namespace

std::string render_prediction(const std::vector<Verdict>& verdicts, const ModelInfo& model,
                              const std::string& request_id) {
  if (verdicts.size() == 1) return dump_json(prediction(verdicts.front(), model, request_id));
  ordered_json results = ordered_json::array();
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    ordered_json item = ordered_json::object();
    item["status"] = verdicts[i].status;
    if (!verdicts[i].name.empty()) item["name"] = verdicts[i].name;
    item.update(prediction(verdicts[i], model, item_request_id(request_id, i, verdicts.size())));
    results.push_back(std::move(item));
  }
  return dump_json({{"request_id", request_id}, {"results", std::move(results)}});
}

}  // namespace catdog::service
