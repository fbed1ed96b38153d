// SPDX-License-Identifier: Apache-2.0
// POST /explain: where in one image the network sees its label.
#include "formats/json_body.hpp"
#include "handlers/classify.hpp"
#include "handlers/handlers.hpp"

namespace catdog::service {

namespace {

Response explain(Service& service, Request& request, const Turn& turn) {
  const ModelPtr model = service.models.current();
  const Classifier& classifier = model->classifier;
  charge_json(request);
  const std::vector<Upload> uploads = read_uploads(request, 1);
  const Bytes bytes(uploads.front().bytes);
  const MemoryBudget::Share memory = charge_decoding(service, classifier, bytes, turn);
  const Explanation explanation = classifier.explain(Image::encoded(bytes).timeout_ms(turn.remaining_ms()));
  nlohmann::ordered_json map = nlohmann::ordered_json::array();
  for (int y = 0; y < explanation.rows(); ++y) {
    nlohmann::ordered_json row = nlohmann::ordered_json::array();
    for (int x = 0; x < explanation.columns(); ++x) row.push_back(explanation.at(y, x));
    map.push_back(std::move(row));
  }
  return json_response(dump_json({{"answer", explanation.result().answer()},
                                  {"predicted_label", explanation.result().label()},
                                  {"map", std::move(map)},
                                  {"request_id", request.request_id}}));
}

}  // namespace

void add_explain(Router& router, Service& service) {
  router.add(working_route(
      service, "/explain", [&service](const Request&) { require_model(service); },
      [&service](Request& request, const Turn& turn) { return explain(service, request, turn); }));
}

}  // namespace catdog::service
