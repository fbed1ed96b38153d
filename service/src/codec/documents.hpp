// SPDX-License-Identifier: Apache-2.0
// The small JSON documents of the service, as openapi.json describes them.
#pragma once

#include <string>
#include <string_view>

#include "exchange.hpp"

namespace catdog::service {

struct Health {
  bool healthy = false;  // Can predict.
  bool draining = false;
  bool model_loaded = false;
  std::string device = "cpu";
  std::string timestamp;  // RFC 3339 in UTC.
};

// Body of GET /health: `status` is "healthy", "draining" or "unhealthy".
std::string render_health(const Health& health);

// Body of /health/live, /health/ready and /health/startup: {"status": …}, and `reason` unless that is "".
std::string render_probe(std::string_view status, std::string_view reason = {});

// Body of GET /model.
std::string render_model(const ModelInfo& model);

// The id under which item `index` of an answer with `count` pictures takes feedback: the request's own when there is
// one picture, else "<request id>.<index from 0>". render_prediction writes the same one.
std::string item_request_id(const std::string& request_id, std::size_t index, std::size_t count);

}  // namespace catdog::service
