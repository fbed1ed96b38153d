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

ModelPath find_model(const Request& request, const ModelInfo& info) {
  ModelPath path = parse_model_path(request.path);
  if (path.name != info.name) throw Problem(404, "not-found", "The model here is called '" + info.name + "'.");
  if (!path.version.empty() && path.version != info.version) {
    throw Problem(404, "not-found", "The model here has version '" + info.version + "'.");
  }
  return path;
}

Response about_model(const Service& service, const Request& request) {
  const ModelPtr model = require_model(service);
  switch (find_model(request, model->info).action) {
    case ModelPath::Action::metadata: return json(oip_model_metadata(model->info));
    case ModelPath::Action::ready: return readiness(service);
    case ModelPath::Action::infer: break;
  }
  throw Problem(405, "method-not-allowed", "This path takes POST, OPTIONS.", {{"Allow", "POST, OPTIONS"}});
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
  router.add("GET", "/v2/models/*", [&service](const Request& request) { return about_model(service, request); });
  router.add_async(
      "POST", "/v2/models/*",
      [&service](const CallPtr& call) {
        const ModelPtr model = require_model(service);
        if (find_model(call->request(), model->info).action != ModelPath::Action::infer) {
          throw Problem(405, "method-not-allowed", "This path takes GET, HEAD, OPTIONS.",
                        {{"Allow", "GET, HEAD, OPTIONS"}});
        }
        service.queue.submit(call, [&service, call](double queue_ms) { infer(service, *call, queue_ms); });
      },
      true);
}

}  // namespace catdog::service
