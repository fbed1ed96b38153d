// SPDX-License-Identifier: Apache-2.0
// GET /metrics, with the gauges that are read off the service at each scrape.
#include "endpoints/endpoints.hpp"

namespace catdog::service {

void add_metrics(Router& router, Service& service) {
  router.add("GET", "/metrics", [&service](const Request&) {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = service.metrics.scrape();
    return response;
  });
}

}  // namespace catdog::service
