// SPDX-License-Identifier: Apache-2.0
#include "handlers/classify.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "formats/problem.hpp"
#include "formats/text.hpp"

namespace catdog::service {

namespace {

// Milliseconds until nobody waits for the answer any more, and one more: the queue is the one to say so.
std::uint32_t time_left(const Request& request) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(request.deadline - Clock::now()).count() + 1;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 1, std::numeric_limits<std::uint32_t>::max()));
}

std::variant<Result, Problem> classify(Service& service, const LoadedModel& model, const Request& request,
                                       const Upload& upload) {
  service.metrics.image_bytes.Observe(static_cast<double>(upload.bytes.size()));
  if (upload.bytes.empty()) {
    service.metrics.refused_image();
    return Problem(415, "not-a-picture", "The image is empty; send the bytes of a JPEG, PNG, WebP or GIF file.");
  }
  Result result = model.classifier.try_classify(Image::encoded(upload.bytes).timeout_ms(time_left(request)));
  if (result.status() == CATDOG_OK) {
    service.metrics.classified(result);
    return result;
  }
  Problem problem = problem_of_library(result.status(), result.message());
  service.metrics.refused_image();
  service.log.event(problem.status() >= 500 ? Level::error : Level::info, "prediction_failed",
                    {{"request_id", request.request_id},
                     {"status", problem.status()},
                     {"problem", problem.type()},
                     {"reason", result.message()}});
  return problem;
}

}  // namespace

ModelPtr require_model(const Service& service) {
  ModelPtr model = service.ready ? service.models.current() : nullptr;
  if (model) return model;
  throw Problem(503, "not-ready", "The model is still being loaded; try again soon.", {{"Retry-After", "1"}});
}

void charge_json(Request& request) {
  if (media_essence(request.header("Content-Type")) != "application/json") return;
  if (request.memory.grow(2 * request.body.size())) return;
  throw out_of_budget();
}

Predictions classify_all(Service& service, const LoadedModel& model, const Request& request, const Turn& turn,
                         const std::vector<Upload>& uploads) {
  service.metrics.queue_wait.Observe(turn.queue_seconds());
  service.metrics.batch_size.Observe(static_cast<double>(uploads.size()));
  Predictions predictions{1e3 * turn.queue_seconds(), {}};
  for (const Upload& upload : uploads) {
    if (turn.given_up()) throw GivenUp();
    std::variant<Result, Problem> outcome = classify(service, model, request, upload);
    const std::chrono::duration<double, std::milli> total = Clock::now() - request.received;
    predictions.items.push_back({upload.name, std::move(outcome), total.count()});
  }
  if (turn.given_up()) throw GivenUp();  // Perhaps the library did, for the last image.
  // The only problem of a request becomes its response, and is counted with that.
  if (uploads.size() > 1) {
    for (const Prediction& item : predictions.items) {
      if (item.problem() != nullptr) service.metrics.problem(item.problem()->type());
    }
  }
  return predictions;
}

}  // namespace catdog::service
