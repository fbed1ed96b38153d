// SPDX-License-Identifier: Apache-2.0
#include "handlers/classify.hpp"

#include <chrono>
#include <thread>

#include "formats/problem.hpp"
#include "formats/text.hpp"

namespace catdog::service {

namespace {

constexpr auto memory_poll = std::chrono::milliseconds(1);

std::variant<Result, Problem> classify(Service& service, const LoadedModel& model, const Request& request,
                                       const Turn& turn, const Upload& upload) {
  service.metrics.image_bytes.Observe(static_cast<double>(upload.bytes.size()));
  if (upload.bytes.empty()) {
    service.metrics.refused_image();
    return Problem(415, "not-a-picture", "The image is empty; send the bytes of a JPEG, PNG, WebP or GIF file.");
  }
  const Bytes bytes(upload.bytes);
  const MemoryBudget::Share memory = charge_decoding(service, model.classifier, bytes, turn);
  Result result = model.classifier.try_classify(Image::encoded(bytes).timeout_ms(turn.remaining_ms()));
  if (result.ok()) {
    service.metrics.classified(result);
    return result;
  }
  if (turn.given_up()) throw GivenUp();  // The library ran out of the time that was left.
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

// A worker that waits holds no share, and no image costs more than the account has: nobody waits for ever.
MemoryBudget::Share charge_decoding(Service& service, const Classifier& classifier, Bytes bytes, const Turn& turn) {
  MemoryBudget::Share share(service.decoding);
  std::uint64_t cost = 0;
  try {
    cost = classifier.probe(bytes).decode_bytes;
  } catch (const Error&) {
    return share;  // It won't be decoded; classifying says why.
  }
  while (!share.grow(cost)) {
    if (turn.given_up()) throw GivenUp();
    std::this_thread::sleep_for(memory_poll);
  }
  return share;
}

Route working_route(Service& service, std::string path, Work work, Check check) {
  Route route{"POST", std::move(path)};
  route.max_body = service.config.max_body_bytes;
  route.admission = [&service, check](const Request& request) {
    check(service, request);
    return service.queue.refusal(request.deadline);
  };
  route.waiting = [&service, work](const RequestPtr& request) {
    return service.queue.run(request->deadline,
                             [&service, work, request](const Turn& turn) { return work(service, *request, turn); });
  };
  return route;
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
    std::variant<Result, Problem> outcome = classify(service, model, request, turn, upload);
    const std::chrono::duration<double, std::milli> total = Clock::now() - request.received;
    predictions.items.push_back({upload.name, std::move(outcome), total.count()});
  }
  // The only problem of a request becomes its response, and is counted with that.
  if (uploads.size() > 1) {
    for (const Prediction& item : predictions.items) {
      if (item.problem() != nullptr) service.metrics.problem(item.problem()->type());
    }
  }
  return predictions;
}

}  // namespace catdog::service
