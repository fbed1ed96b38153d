// SPDX-License-Identifier: Apache-2.0
#include "codec/documents.hpp"

#include "codec/json_body.hpp"

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

std::string render_model(const ModelInfo& model) {
  return dump_json({{"name", model.name},
                    {"version", model.version},
                    {"sha256", model.sha256},
                    {"engine", model.engine},
                    {"precision", model.precision},
                    {"labels", model.labels},
                    {"input", {{"width", model.input_width}, {"height", model.input_height}}}});
}

std::string item_request_id(const std::string& request_id, std::size_t index, std::size_t count) {
  return count == 1 ? request_id : request_id + '.' + std::to_string(index);
}

}  // namespace catdog::service
