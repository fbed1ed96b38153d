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

void add_predict(Router& router, Service& service) { router.add(working_route(service, "/predict", &predict)); }

}  // namespace catdog::service
