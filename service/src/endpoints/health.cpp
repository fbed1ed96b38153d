// SPDX-License-Identifier: Apache-2.0
// GET /health and the three probes of Kubernetes. Answered on the I/O thread: they never wait behind pictures.
#include <ctime>

#include "codec/documents.hpp"
#include "endpoints/endpoints.hpp"

namespace catdog::service {

namespace {

std::string now_in_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

Response json(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response health(const Service& service) {
  Health state;
  state.draining = service.draining;
  state.model_loaded = service.ready;
  state.healthy = state.model_loaded;
  state.timestamp = now_in_utc();
  return json(state.healthy && !state.draining ? 200 : 503, render_health(state));
}

Response probe(bool good, std::string_view reason) {
  return json(good ? 200 : 503, good ? render_probe("ok") : render_probe("unavailable", reason));
}

}  // namespace

void add_health(Router& router, Service& service) {
  router.add("GET", "/health", [&service](const Request&) { return health(service); });
  router.add("GET", "/health/live", [](const Request&) { return probe(true, {}); });
  router.add("GET", "/health/ready", [&service](const Request&) {
    if (service.draining) return probe(false, "draining");
    return probe(service.ready, "the model is being loaded");
  });
  router.add("GET", "/health/startup",
             [&service](const Request&) { return probe(service.ready, "the model is being loaded"); });
}

}  // namespace catdog::service
