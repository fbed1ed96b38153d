// SPDX-License-Identifier: Apache-2.0
// The small JSON documents of the service, as openapi.json describes them.
#pragma once

#include <catdog/catdog.hpp>
#include <string>
#include <string_view>

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
std::string render_model(const Classifier& classifier);

}  // namespace catdog::service
