// SPDX-License-Identifier: Apache-2.0
// POST /feedback: the true label of an earlier answer.
#include "formats/feedback.hpp"

#include "formats/bearer.hpp"
#include "handlers/classify.hpp"
#include "handlers/handlers.hpp"

namespace catdog::service {

namespace {

constexpr std::uint64_t most_bytes = 16384;

Response feedback(Service& service, const Request& request) {
  const ModelPtr model = require_model(service);
  const Feedback given = parse_feedback(request, model->classifier.labels());
  const FeedbackClaim claim = service.feedback_tokens.check(given.token);
  if (!service.used_tokens.use(claim.id)) {
    throw Problem(409, "already-given", "The true label of this answer was given already.");
  }
  service.metrics.feedback_given.Increment();
  const bool of_this_model = claim.model_sha256 == model->classifier.info(CATDOG_INFO_MODEL_SHA256);
  if (of_this_model) model->feedback->record(claim.predicted, given.label);
  return empty_response();
}

}  // namespace

void add_feedback(Router& router, Service& service) {
  Route route{"POST", "/feedback", [&service](const Request& request) { return feedback(service, request); }};
  route.max_body = most_bytes;
  route.admission = [&service](const Request& request) -> std::optional<Problem> {
    if (!service.config.feedback_needs_token) return std::nullopt;
    return missing_bearer(request, service.config.admin_token);
  };
  router.add(std::move(route));
}

}  // namespace catdog::service
