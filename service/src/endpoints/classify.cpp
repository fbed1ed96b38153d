// SPDX-License-Identifier: Apache-2.0
#include "endpoints/classify.hpp"

#include <cstdio>

namespace catdog::service {

namespace {

void set_problem(Verdict& verdict, const Error& error, Service& service, const Call& call) {
  verdict.problem_detail = error.what();
  switch (error.status()) {
    case CATDOG_ERROR_UNSUPPORTED:
      verdict.status = 415;
      verdict.problem_type = "not-a-picture";
      break;
    case CATDOG_ERROR_CORRUPT:
      verdict.status = 422;
      verdict.problem_type = "corrupt-picture";
      break;
    case CATDOG_ERROR_LIMIT:
      verdict.status = 422;
      verdict.problem_type = "picture-over-limit";
      break;
    case CATDOG_ERROR_OUT_OF_MEMORY:
      verdict.status = 503;
      verdict.problem_type = "out-of-memory";
      break;
    default:
      verdict.status = 500;
      verdict.problem_type = "internal";
      verdict.problem_detail = "The service failed; the log has more under this request_id.";
  }
  service.log.event(verdict.status >= 500 ? Level::error : Level::info, "prediction_failed",
                    {{"request_id", call.request().request_id},
                     {"status", verdict.status},
                     {"problem", verdict.problem_type},
                     {"reason", error.what()}});
}

Verdict classify(Service& service, const LoadedModel& model, const Call& call, const Upload& upload) {
  Verdict verdict;
  verdict.name = upload.name;
  if (upload.bytes.empty()) {
    verdict.status = 415;
    verdict.problem_type = "not-a-picture";
    verdict.problem_detail = "The picture is empty: send the bytes of a JPEG, PNG, WebP or GIF file.";
  } else {
    try {
      const Result result = model.classifier.classify(Bytes(upload.bytes));
      verdict.predicted_class = result.label_index();
      verdict.label = result.label();
      verdict.confidence = result.confidence();
      verdict.abstained = result.abstained();
      for (std::size_t i = 0; i < model.info.labels.size(); ++i) {
        verdict.probabilities.emplace_back(model.info.labels[i], result.probabilities()[i]);
      }
      verdict.format = result.format();
      verdict.width = result.width();
      verdict.height = result.height();
      const catdog::Timings& timings = result.timings();
      verdict.timings.decode_ms = timings.decode_ms;
      verdict.timings.preprocess_ms = timings.preprocess_ms;
      verdict.timings.infer_ms = timings.infer_ms;
    } catch (const Error& error) {
      set_problem(verdict, error, service, call);
    }
  }
  service.metrics.picture(verdict, upload.bytes.size());
  return verdict;
}

}  // namespace

ModelPtr require_model(const Service& service) {
  ModelPtr model = service.ready ? service.model.get() : nullptr;
  if (!model)
    throw Problem(503, "not-ready", "The model is still being loaded; try again soon.", {{"Retry-After", "1"}});
  return model;
}

Admission admission(Service& service) {
  return [&service](std::uint64_t body_bytes, Clock::time_point deadline) {
    require_model(service);
    return service.queue.refusal(body_bytes, deadline);
  };
}

std::vector<Verdict> classify_all(Service& service, const LoadedModel& model, const Call& call,
                                  const std::vector<Upload>& uploads, double queue_ms) {
  const Request& request = call.request();
  service.metrics.queue_wait.Observe(queue_ms / 1e3);
  service.metrics.batch_size.Observe(static_cast<double>(uploads.size()));
  std::vector<Verdict> verdicts;
  for (const Upload& upload : uploads) {
    if (call.abandoned() || Clock::now() > request.deadline) {
      throw Expired("The deadline passed between the pictures; send fewer at once.");
    }
    Verdict& verdict = verdicts.emplace_back(classify(service, model, call, upload));
    verdict.timings.queue_ms = queue_ms;
    verdict.timings.total_ms = std::chrono::duration<double, std::milli>(Clock::now() - request.received).count();
  }
  return verdicts;
}

std::string server_timing(const std::vector<Verdict>& verdicts) {
  Timings sum;
  for (const Verdict& verdict : verdicts) {
    sum.decode_ms += verdict.timings.decode_ms;
    sum.preprocess_ms += verdict.timings.preprocess_ms;
    sum.infer_ms += verdict.timings.infer_ms;
  }
  char text[160];
  const int length = std::snprintf(
      text, sizeof text, "queue;dur=%.3f, decode;dur=%.3f, preprocess;dur=%.3f, infer;dur=%.3f, total;dur=%.3f",
      verdicts.front().timings.queue_ms, sum.decode_ms, sum.preprocess_ms, sum.infer_ms,
      verdicts.back().timings.total_ms);
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace catdog::service
