// SPDX-License-Identifier: Apache-2.0
#include "formats/documents.hpp"

#include "formats/json_body.hpp"

namespace catdog::service {

using nlohmann::ordered_json;

std::string render_health(const Health& health) {
  const char* status = "unhealthy";
  if (health.healthy) status = health.draining ? "draining" : "healthy";
  return dump_json({{"status", status},
                    {"model_loaded", health.model_loaded},
                    {"device", health.device},
                    {"timestamp", health.timestamp}});
}

std::string render_probe(std::string_view status, std::string_view reason) {
  ordered_json document = ordered_json::object();
  document["status"] = status;
  if (!reason.empty()) document["reason"] = reason;
  return dump_json(document);
}

std::string render_model(const Classifier& classifier) {
  return dump_json({{"name", classifier.info(CATDOG_INFO_MODEL_NAME)},
                    {"version", classifier.info(CATDOG_INFO_MODEL_VERSION)},
                    {"sha256", classifier.info(CATDOG_INFO_MODEL_SHA256)},
                    {"engine", classifier.info(CATDOG_INFO_ENGINE)},
                    {"precision", classifier.info(CATDOG_INFO_PRECISION)},
                    {"labels", classifier.labels()},
                    {"input",
                     {{"width", classifier.integer(CATDOG_INFO_INPUT_WIDTH)},
                      {"height", classifier.integer(CATDOG_INFO_INPUT_HEIGHT)}}},
                    {"abstain_below", classifier.number(CATDOG_INFO_ABSTAIN_BELOW)},
                    {"neither_above", classifier.number(CATDOG_INFO_NEITHER_ABOVE)}});
}

}  // namespace catdog::service
