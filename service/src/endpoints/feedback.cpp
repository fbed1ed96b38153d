// SPDX-License-Identifier: Apache-2.0
// POST /feedback: the true label of an earlier answer.
#include "codec/feedback.hpp"

#include "endpoints/classify.hpp"
#include "endpoints/endpoints.hpp"

namespace catdog::service {

namespace {

Response feedback(Service& service, const Request& request) {
  const ModelPtr model = require_model(service);
  const Feedback given = parse_feedback(request, model->info.labels);
  switch (service.feedback->record(given.request_id, given.label)) {
    case FeedbackOutcome::unknown:
      throw Problem(404, "unknown-request", "No answer with this request_id is remembered: it is wrong or too old.");
    case FeedbackOutcome::already_given:
      throw Problem(409, "already-given", "The true label of this request_id was given already.");
    case FeedbackOutcome::recorded: break;
  }
  service.metrics.feedback_given.Increment();
  Response response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

}  // namespace

void add_feedback(Router& router, Service& service) {
  router.add(
      "POST", "/feedback", [&service](const Request& request) { return feedback(service, request); }, true);
}

}  // namespace catdog::service
