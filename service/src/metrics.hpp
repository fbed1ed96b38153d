// SPDX-License-Identifier: Apache-2.0
// What Prometheus sees. Label values come from fixed sets: paths of routes, known methods, types of problems.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

#include <catdog/catdog.hpp>
#include <functional>
#include <string>

#include "metric_series.hpp"

namespace catdog::service {

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A request was answered. `endpoint` is a route's path; unknown methods count as "other".
  void request(const std::string& endpoint, const std::string& method, int status, double seconds, std::size_t received,
               std::size_t sent);
  void classified(const Result& result);
  void refused_image() { formats.at({"unknown"}).Increment(); }
  void problem(const std::string& type) { errors.at({type}).Increment(); }
  void reject(const std::string& reason) { rejected.at({reason}).Increment(); }

  // A metric whose value is asked for at each scrape. A counter's never falls.
  using Read = std::function<double()>;
  void read_gauge(const std::string& name, const std::string& help, Read read);
  void read_counter(const std::string& name, const std::string& help, Read read, const prometheus::Labels& labels = {});
  // Functions that bring other metrics up to date before they are read.
  void on_scrape(std::function<void()> refresh) { refreshers_.push_back(std::move(refresh)); }
  // The text exposition format.
  std::string scrape();

  prometheus::Family<prometheus::Gauge>& gauges(const std::string& name, const std::string& help);
  prometheus::Gauge& gauge(const std::string& name, const std::string& help, const prometheus::Labels& labels = {});
  prometheus::Counter& counter(const std::string& name, const std::string& help, const prometheus::Labels& labels = {});

 private:
  prometheus::Registry registry_;
  std::vector<std::function<void()>> refreshers_;
  prometheus::Family<prometheus::Counter>& family(const std::string& name, const std::string& help);
  prometheus::Histogram& histogram(const std::string& name, const std::string& help,
                                   const std::vector<double>& buckets);

 public:
  MetricSeries<prometheus::Counter> requests;
  MetricSeries<prometheus::Histogram> request_duration;
  prometheus::Summary& request_quantiles;
  MetricSeries<prometheus::Counter> errors;
  MetricSeries<prometheus::Counter> rejected;
  MetricSeries<prometheus::Counter> predictions;
  MetricSeries<prometheus::Histogram> confidence;
  MetricSeries<prometheus::Counter> formats;
  prometheus::Histogram& queue_wait;
  prometheus::Histogram& decode;
  prometheus::Histogram& preprocess;
  prometheus::Histogram& infer;
  prometheus::Histogram& batch_size;
  prometheus::Histogram& image_bytes;
  prometheus::Histogram& image_pixels;
  prometheus::Counter& received_bytes;
  prometheus::Counter& sent_bytes;
  prometheus::Counter& abstained;
  prometheus::Counter& abandoned;
  prometheus::Counter& connections_accepted;
  prometheus::Counter& feedback_given;
  MetricSeries<prometheus::Counter> reloads;
  prometheus::Gauge& connections_open;
  prometheus::Gauge& in_flight;
};

}  // namespace catdog::service
