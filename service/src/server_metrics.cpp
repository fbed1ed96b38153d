// SPDX-License-Identifier: Apache-2.0
// Gauges that show the server's state as it is when they are read.
#include "server.hpp"

namespace catdog::service {

void Server::add_state_metrics() {
  Metrics& metrics = service_.metrics;
  metrics
      .gauge("build_info", "What this program was built from; always 1.",
             {{"version", CATDOG_VERSION}, {"compiler", CATDOG_COMPILER}})
      .Set(1);
  auto& waiting = metrics.gauge("queue_depth", "Requests that wait for a worker.");
  auto& bytes = metrics.gauge("queue_bytes", "Bytes of bodies that wait for a worker or are worked on.");
  auto& wait = metrics.gauge("queue_predicted_wait_seconds", "Wait that is predicted for a request arriving now.");
  auto& service = metrics.gauge("worker_service_seconds", "Time of a request in a worker, exponentially weighted.");
  auto& rate = metrics.gauge("throughput_requests_per_second", "Requests that the workers finished a second, lately.");
  auto& workers = metrics.gauge("workers", "Threads that classify.");
  auto& working = metrics.gauge("workers_busy", "Threads that are classifying.");
  auto& ready = metrics.gauge("model_loaded", "1 when a model is loaded and passed its self-test.");
  auto& draining = metrics.gauge("server_draining", "1 after SIGTERM.");
  auto& load = metrics.gauge("model_load_duration_seconds", "Time that loading the model in use took.");
  auto& lost = metrics.counter("log_lines_lost_total", "Log lines lost because their reader was too slow.");
  metrics.on_scrape([&, this] {
    const WorkQueue::State state = service_.queue.state();
    waiting.Set(static_cast<double>(state.waiting));
    bytes.Set(static_cast<double>(state.bytes));
    wait.Set(state.predicted_wait);
    service.Set(state.service_seconds);
    rate.Set(state.drain_rate);
    workers.Set(static_cast<double>(state.workers));
    working.Set(static_cast<double>(state.working));
    ready.Set(service_.ready ? 1 : 0);
    draining.Set(service_.draining ? 1 : 0);
    if (const ModelPtr model = service_.model.get()) load.Set(model->load_seconds);
    lost.Increment(static_cast<double>(service_.log.lost()) - lost.Value());
  });
}

void Server::add_feedback_metrics() {
  Metrics& metrics = service_.metrics;
  auto& window = metrics.gauge("feedback_window_answers", "Answers with a true label that the scores are over.");
  metrics.on_scrape([&, this] {
    if (!service_.ready) return;
    const FeedbackScores scores = service_.feedback->scores();
    const std::vector<std::string> labels = service_.model.get()->info.labels;
    window.Set(static_cast<double>(scores.window));
    // A score that nothing supports yet has no series rather than an invented value.
    if (scores.accuracy) metrics.gauge("model_accuracy", "Share of right answers, by feedback.").Set(*scores.accuracy);
    for (std::size_t i = 0; i < scores.labels.size() && i < labels.size(); ++i) {
      const prometheus::Labels label{{"label", labels[i]}};
      const LabelScore& score = scores.labels[i];
      if (score.precision) metrics.gauge("model_precision", "Precision by feedback.", label).Set(*score.precision);
      if (score.recall) metrics.gauge("model_recall", "Recall by feedback.", label).Set(*score.recall);
      if (score.f1) metrics.gauge("model_f1_score", "F1 score by feedback.", label).Set(*score.f1);
    }
  });
}

}  // namespace catdog::service
