// SPDX-License-Identifier: Apache-2.0
// POST /predict: one image or several, cat or dog.
#include "handlers/classify.hpp"
#include "handlers/handlers.hpp"

namespace catdog::service {

namespace {

Response predict(Service& service, Request& request, const Turn& turn) {
  const ModelPtr model = service.models.current();
  charge_json(request);
  const std::vector<Upload> uploads = read_uploads(request, service.config.max_images);
  const Predictions predictions = classify_all(service, *model, request, turn, uploads);
  const std::vector<Prediction>& items = predictions.items;
  if (items.size() == 1 && items.front().problem() != nullptr) throw Problem(*items.front().problem());
  Response response;
  response.headers.push_back({"Server-Timing", server_timing(predictions)});
  response.body = render_prediction(predictions, model->classifier, request.request_id, service.feedback_tokens);
  return response;
}

}  // namespace

void add_predict(Router& router, Service& service) {
  Route route;
  route.method = "POST";
  route.path = "/predict";
  route.max_body = service.config.max_body_bytes;
  route.admission = [&service](const Request& request) {
    require_model(service);
    return service.queue.refusal(request.deadline);
  };
  route.waiting = [&service](const RequestPtr& request) {
    return service.queue.run(request->deadline,
                             [&service, request](const Turn& turn) { return predict(service, *request, turn); });
  };
  router.add(std::move(route));
}

}  // namespace catdog::service
