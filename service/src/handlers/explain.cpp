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
  return json_response(dump_json({{"answer", explanation.result().answer()},
                                  {"predicted_label", explanation.result().label()},
                                  {"map", explanation.map()},
                                  {"request_id", request.request_id}}));
}

}  // namespace

void add_explain(Router& router, Service& service) { router.add(working_route(service, "/explain", &explain)); }

}  // namespace catdog::service
