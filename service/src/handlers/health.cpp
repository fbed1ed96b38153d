// SPDX-License-Identifier: Apache-2.0
// GET /health and the three probes of Kubernetes. Answered on the I/O thread: they never wait behind images.
#include <ctime>

#include "formats/documents.hpp"
#include "handlers/handlers.hpp"

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
  const auto add = [&router](const char* path, Route::Handler handler) {
    Route route{"GET", path, std::move(handler)};
    route.probe = true;
    router.add(std::move(route));
  };
  add("/health", [&service](const Request&) { return health(service); });
  add("/health/live", [](const Request&) { return probe(true, {}); });
  add("/health/ready", [&service](const Request&) {
    if (service.draining) return probe(false, "draining");
    return probe(service.ready, "the model is being loaded");
  });
  add("/health/startup", [&service](const Request&) { return probe(service.ready, "the model is being loaded"); });
}

}  // namespace catdog::service
