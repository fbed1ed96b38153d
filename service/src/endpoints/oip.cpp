// SPDX-License-Identifier: Apache-2.0
// The Open Inference Protocol v2, as KServe's and Triton's clients speak it.
#include "codec/oip.hpp"

#include "endpoints/classify.hpp"
#include "endpoints/endpoints.hpp"

namespace catdog::service {

namespace {

Response json(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

// Both ready probes of the protocol say it by their status alone.
Response readiness(const Service& service) {
  if (!service.ready || service.draining) {
    throw Problem(503, "not-ready", service.draining ? "The server is draining." : "The model is still being loaded.");
  }
  return json(R"({"ready":true})");
}

void check_model(const Request& request, const ModelInfo& info) {
  const ModelPath path = parse_model_path(request.path);
  if (path.name != info.name) throw Problem(404, "not-found", "The model here is called '" + info.name + "'.");
  if (!path.version.empty() && path.version != info.version) {
    throw Problem(404, "not-found", "The model here has version '" + info.version + "'.");
  }
}

Response metadata(const Service& service, const Request& request) {
  const ModelPtr model = require_model(service);
  check_model(request, model->info);
  return json(oip_model_metadata(model->info));
}

Response model_readiness(const Service& service, const Request& request) {
  check_model(request, require_model(service)->info);
  return readiness(service);
}

void infer(Service& service, Call& call, double queue_ms) {
  const ModelPtr model = require_model(service);
  const InferRequest request = parse_infer(call.request(), service.config.max_pictures);
  const std::vector<Verdict> verdicts = classify_all(service, *model, call, request.pictures, queue_ms);
  Response response = render_infer(request, verdicts, model->info);
  response.headers.push_back({"Server-Timing", server_timing(verdicts)});
  call.reply(std::move(response));
}

}  // namespace

void add_oip(Router& router, Service& service) {
  router.add("GET", "/v2", [](const Request&) { return json(oip_server_metadata(CATDOG_VERSION)); });
  router.add("GET", "/v2/health/live", [](const Request&) { return json(R"({"live":true})"); });
  router.add("GET", "/v2/health/ready", [&service](const Request&) { return readiness(service); });
  for (const std::string model : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    router.add("GET", model, [&service](const Request& request) { return metadata(service, request); });
    router.add("GET", model + "/ready",
               [&service](const Request& request) { return model_readiness(service, request); });
    router.add_async(
        "POST", model + "/infer",
        [&service](const CallPtr& call) {
          check_model(call->request(), require_model(service)->info);
          service.queue.submit(call, [&service, call](double queue_ms) { infer(service, *call, queue_ms); });
        },
        true, admission(service));
  }
}

}  // namespace catdog::service
