// SPDX-License-Identifier: Apache-2.0
// GET /metrics, and the gauges that are read off the service at each scrape.
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "handlers/handlers.hpp"

namespace catdog::service {

namespace {

void add_server_state(Service& service) {
  Metrics& metrics = service.metrics;
  const char* revision = std::getenv("CATDOG_REVISION");  // The image sets it, so that a commit recompiles nothing.
  metrics
      .gauge("build_info", "What this program was built from; always 1.",
             {{"version", CATDOG_VERSION},
              {"revision", revision != nullptr ? revision : "unknown"},
              {"compiler", CATDOG_COMPILER}})
      .Set(1);
  using State = WorkerQueue::State;
  const auto queue = [&](const char* name, const char* help, double (*read)(const State&)) {
    metrics.read_gauge(name, help, [&service, read] { return read(service.queue.state()); });
  };
  queue("queue_depth", "Requests that wait for a worker.",
        [](const State& state) { return static_cast<double>(state.waiting); });
  queue("queue_predicted_wait_seconds", "Wait that is predicted for a request arriving now.",
        [](const State& state) { return state.predicted_wait; });
  queue("worker_service_seconds", "Time of a request in a worker, exponentially weighted.",
        [](const State& state) { return state.service_seconds; });
  queue("throughput_requests_per_second", "Requests that the workers finished a second, lately.",
        [](const State& state) { return state.drain_rate; });
  queue("workers", "Threads that classify.", [](const State& state) { return static_cast<double>(state.workers); });
  queue("workers_busy", "Threads that are classifying.",
        [](const State& state) { return static_cast<double>(state.working); });
  metrics.read_gauge("queue_bytes", "Bytes that clients make the process hold: the account of --max-queue-bytes.",
                     [&service] { return static_cast<double>(service.bodies.used()); });
  metrics.read_gauge("model_loaded", "1 when a model is loaded and passed its self-test.",
                     [&service] { return service.ready ? 1.0 : 0.0; });
  metrics.read_gauge("server_draining", "1 after SIGTERM.", [&service] { return service.draining ? 1.0 : 0.0; });
  metrics.read_gauge("model_load_duration_seconds", "Time that loading the model in use took.", [&service] {
    const ModelPtr model = service.models.current();
    return model ? model->load_seconds : 0.0;
  });
  metrics.read_counter("log_lines_lost_total", "Log lines lost because their reader was too slow.",
                       [&service] { return static_cast<double>(service.log.lost()); });
}

// A score that nothing supports yet has no series rather than an invented value, and another model begins anew.
void add_scores(Service& service) {
  using Family = prometheus::Family<prometheus::Gauge>;
  Metrics& metrics = service.metrics;
  auto& window = metrics.gauge("feedback_window_answers", "Answers with a true label that the scores are over.");
  Family& accuracy = metrics.gauges("model_accuracy", "Share of right answers, by feedback.");
  Family& precision = metrics.gauges("model_precision", "Precision by feedback.");
  Family& recall = metrics.gauges("model_recall", "Recall by feedback.");
  Family& f1 = metrics.gauges("model_f1_score", "F1 score by feedback.");
  const auto shown = std::make_shared<std::vector<std::pair<Family*, prometheus::Gauge*>>>();
  metrics.on_scrape([&, shown] {
    for (const auto& [family, gauge] : *shown) family->Remove(gauge);
    shown->clear();
    const auto show = [&](Family& family, const std::optional<double>& score, const prometheus::Labels& labels) {
      if (score) shown->emplace_back(&family, &family.Add(labels, *score));
    };
    const ModelPtr model = service.models.current();
    if (!model) return;
    const FeedbackScores scores = model->feedback->scores();
    const std::vector<std::string> labels = model->classifier.labels();
    window.Set(static_cast<double>(scores.window));
    show(accuracy, scores.accuracy, {});
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const LabelScore& score = scores.labels[i];
      show(precision, score.precision, {{"label", labels[i]}});
      show(recall, score.recall, {{"label", labels[i]}});
      show(f1, score.f1, {{"label", labels[i]}});
    }
  });
}

}  // namespace

void add_state_metrics(Service& service) {
  add_server_state(service);
  add_scores(service);
}

void add_metrics(Router& router, Service& service) {
  Route route{"GET", "/metrics", [&service](const Request&) {
                Response response;
                response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                response.body = service.metrics.scrape();
                return response;
              }};
  route.probe = true;
  router.add(std::move(route));
}

}  // namespace catdog::service
