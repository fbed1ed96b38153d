// SPDX-License-Identifier: Apache-2.0
// The Open Inference Protocol v2, as KServe's and Triton's clients speak it.
#include "formats/oip_response.hpp"
#include "handlers/classify.hpp"
#include "handlers/handlers.hpp"

namespace catdog::service {

namespace {

// Both ready probes of the protocol say it by their status alone.
Response readiness(const Service& service) {
  if (!service.ready || service.draining) {
    throw Problem(503, "not-ready", service.draining ? "The server is draining." : "The model is still being loaded.");
  }
  return json_response(R"({"ready":true})");
}

// The model that the path names, with or without its version: the path's captures.
ModelPtr require_named_model(const Service& service, const Request& request) {
  ModelPtr model = require_model(service);
  const std::string name = model->classifier.info(CATDOG_INFO_MODEL_NAME);
  const std::string version = model->classifier.info(CATDOG_INFO_MODEL_VERSION);
  if (request.captures[0] != name) throw Problem(404, "not-found", "The model here is called '" + name + "'.");
  if (request.captures.size() > 1 && request.captures[1] != version) {
    throw Problem(404, "not-found", "The model here has version '" + version + "'.");
  }
  return model;
}

Response infer(Service& service, Request& request, const Turn& turn) {
  const ModelPtr model = service.models.current();
  charge_json(request);
  const InferRequest inference = parse_infer(request, service.config.max_images);
  const Predictions predictions = classify_all(service, *model, request, turn, inference.images);
  Response response = render_infer(inference, predictions, model->classifier);
  response.headers.push_back({"Server-Timing", server_timing(predictions)});
  return response;
}

}  // namespace

void add_oip(Router& router, Service& service) {
  router.add({"GET", "/v2", [](const Request&) { return json_response(oip_server_metadata(CATDOG_VERSION)); }});
  Route live{"GET", "/v2/health/live", [](const Request&) { return json_response(R"({"live":true})"); }};
  Route ready{"GET", "/v2/health/ready", [&service](const Request&) { return readiness(service); }};
  live.probe = ready.probe = true;
  router.add(std::move(live));
  router.add(std::move(ready));
  for (const std::string model : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    router.add({"GET", model, [&service](const Request& request) {
                  return json_response(oip_model_metadata(require_named_model(service, request)->classifier));
                }});
    Route model_ready{"GET", model + "/ready", [&service](const Request& request) {
                        require_named_model(service, request);
                        return readiness(service);
                      }};
    model_ready.probe = true;
    router.add(std::move(model_ready));
    router.add(working_route(service, model + "/infer", &infer, &require_named_model));
  }
}

}  // namespace catdog::service
