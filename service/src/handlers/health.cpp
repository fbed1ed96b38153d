// SPDX-License-Identifier: Apache-2.0
// GET /health and the three probes of Kubernetes. Answered on the I/O thread: they never wait behind images.
#include <ctime>

#include "formats/json_body.hpp"
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

Response health(const Service& service) {
  const char* status = "unhealthy";
  if (service.ready) status = service.draining ? "draining" : "healthy";
  return json_response(
      dump_json(
          {{"status", status}, {"model_loaded", service.ready.load()}, {"device", "cpu"}, {"timestamp", now_in_utc()}}),
      service.ready && !service.draining ? 200 : 503);
}

Response probe(bool good, const char* reason) {
  if (good) return json_response(dump_json({{"status", "ok"}}));
  return json_response(dump_json({{"status", "unavailable"}, {"reason", reason}}), 503);
}

}  // namespace

void add_health(Router& router, Service& service) {
  const auto add = [&router](const char* path, Route::Handler handler) {
    Route route{"GET", path, std::move(handler)};
    route.probe = true;
    router.add(std::move(route));
  };
  add("/health", [&service](const Request&) { return health(service); });
  add("/health/live", [](const Request&) { return probe(true, ""); });
  add("/health/ready", [&service](const Request&) {
    if (service.draining) return probe(false, "draining");
    return probe(service.ready, "the model is being loaded");
  });
  add("/health/startup", [&service](const Request&) { return probe(service.ready, "the model is being loaded"); });
}

}  // namespace catdog::service
