// SPDX-License-Identifier: Apache-2.0
#include "metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace catdog::service {

namespace {

const std::vector<double> seconds_buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
const std::vector<double> confidence_buckets{0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99, 1};
const std::vector<double> byte_buckets{1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6, 64e6};
const std::vector<double> pixel_buckets{1e3, 1e4, 5e4, 1e5, 5e5, 1e6, 4e6, 12e6, 24e6, 64e6};
const std::vector<double> batch_buckets{1, 2, 4, 8, 16, 32, 64};

const char* confidence_band(double confidence) {
  if (confidence < 0.6) return "0.5-0.6";
  if (confidence < 0.8) return "0.6-0.8";
  return confidence < 0.95 ? "0.8-0.95" : "0.95-1";
}

std::string_view known_method(std::string_view method) {
  static constexpr std::array<std::string_view, 7> known{"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"};
  return std::find(known.begin(), known.end(), method) != known.end() ? method : "other";
}

}  // namespace

prometheus::Family<prometheus::Counter>& Metrics::family(const std::string& name, const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
}

prometheus::Counter& Metrics::counter(const std::string& name, const std::string& help,
                                      const prometheus::Labels& labels) {
  return family(name, help).Add(labels);
}

prometheus::Family<prometheus::Gauge>& Metrics::gauges(const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
}

prometheus::Gauge& Metrics::gauge(const std::string& name, const std::string& help, const prometheus::Labels& labels) {
  return gauges(name, help).Add(labels);
}

void Metrics::read_gauge(const std::string& name, const std::string& help, Read read) {
  on_scrape([&metric = gauge(name, help), read = std::move(read)] { metric.Set(read()); });
}

void Metrics::read_counter(const std::string& name, const std::string& help, Read read,
                           const prometheus::Labels& labels) {
  on_scrape([&metric = counter(name, help, labels), read = std::move(read)] {
    metric.Increment(std::max(read() - metric.Value(), 0.0));
  });
}

prometheus::Histogram& Metrics::histogram(const std::string& name, const std::string& help,
                                          const std::vector<double>& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add({}, buckets);
}

Metrics::Metrics()
    : requests(family("api_requests_total", "Requests answered, by endpoint, method and status."),
               {"endpoint", "method", "status"}),
      request_duration(prometheus::BuildHistogram()
                           .Name("api_request_duration_seconds")
                           .Help("Time from a request's first byte to its reply.")
                           .Register(registry_),
                       {"endpoint"}, seconds_buckets),
      request_quantiles(
          prometheus::BuildSummary()
              .Name("prediction_latency_seconds")
              .Help("Quantiles over the last minute of the time from first byte to reply of POST /predict, of 200s.")
              .Register(registry_)
              .Add({}, prometheus::Summary::Quantiles{{0.5, 0.02}, {0.9, 0.01}, {0.95, 0.005}, {0.99, 0.001}})),
      errors(family("errors_total", "Replies and images that were a problem, by the problem's type."), {"type"}),
      rejected(family("rejected_total", "Requests and connections refused without a verdict, by reason."), {"reason"}),
      predictions(family("predictions_total", "Images classified, by answer, label and band of confidence."),
                  {"answer", "label", "confidence"}),
      confidence(prometheus::BuildHistogram()
                     .Name("prediction_confidence")
                     .Help("Confidence of the verdicts, by label.")
                     .Register(registry_),
                 {"label"}, confidence_buckets),
      formats(family("pictures_total", "Images that a verdict was asked for, by format."), {"format"}),
      queue_wait(histogram("queue_wait_seconds", "Time that requests waited for a worker.", seconds_buckets)),
      decode(histogram("decode_duration_seconds", "Time to decode an image.", seconds_buckets)),
      preprocess(histogram("preprocess_duration_seconds", "Time to resize and normalise an image.", seconds_buckets)),
      infer(histogram("inference_duration_seconds", "Time that the model took for an image.", seconds_buckets)),
      batch_size(histogram("request_pictures", "Images in a request.", batch_buckets)),
      image_bytes(histogram("picture_size_bytes", "Encoded size of the images.", byte_buckets)),
      image_pixels(histogram("picture_pixels", "Width times height of the images classified.", pixel_buckets)),
      received_bytes(counter("received_body_bytes_total", "Bytes of request bodies.")),
      sent_bytes(counter("sent_body_bytes_total", "Bytes of reply bodies.")),
      abstained(counter("predictions_abstained_total", "Answers that are no label: neither or uncertain.")),
      abandoned(counter("requests_abandoned_total", "Requests whose client went away before the answer.")),
      connections_accepted(counter("connections_accepted_total", "Connections accepted.")),
      feedback_given(counter("feedback_total", "True labels taken by POST /feedback.")),
      reloads(family("model_reloads_total", "Attempts to load another model, by result."), {"result"}),
      connections_open(gauge("connections_open", "Connections that are open.")),
      in_flight(gauge("requests_in_flight", "Requests read whole and not answered yet.")) {
  for (const char* reason : {"queue", "deadline", "expired", "connections", "body_memory"}) rejected.at({reason});
  for (const char* result : {"swapped", "refused"}) reloads.at({result});
}

void Metrics::request(const std::string& endpoint, const std::string& method, int status, double seconds,
                      std::size_t received, std::size_t sent) {
  requests.at({endpoint, known_method(method), std::to_string(status)}).Increment();
  request_duration.at({endpoint}).Observe(seconds);
  if (endpoint == "/predict" && status == 200) request_quantiles.Observe(seconds);
  received_bytes.Increment(static_cast<double>(received));
  sent_bytes.Increment(static_cast<double>(sent));
}

void Metrics::classified(const Result& result) {
  formats.at({result.format()}).Increment();
  predictions.at({result.answer(), result.label(), confidence_band(result.confidence())}).Increment();
  confidence.at({result.label()}).Observe(result.confidence());
  if (result.abstained()) abstained.Increment();
  decode.Observe(result.timings().decode_ms / 1e3);
  preprocess.Observe(result.timings().preprocess_ms / 1e3);
  infer.Observe(result.timings().infer_ms / 1e3);
  image_pixels.Observe(static_cast<double>(result.width()) * result.height());
}

std::string Metrics::scrape() {
  for (const auto& refresh : refreshers_) refresh();
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, registry_.Collect());
  return std::move(out).str();
}

}  // namespace catdog::service
