// SPDX-License-Identifier: Apache-2.0
// The metrics of one family. prometheus-cpp 1.0 makes a new metric, buckets and all, each time it is asked for one that
// is there already; this remembers them.
#pragma once

#include <prometheus/family.h>

#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace catdog::service {

template <typename Metric>
class MetricSeries {
 public:
  // `arguments` are those of each Metric, such as a histogram's buckets.
  template <typename... Arguments>
  MetricSeries(prometheus::Family<Metric>& family, std::vector<std::string> labels, const Arguments&... arguments)
      : labels_(std::move(labels)),
        add_([&family, arguments...](const prometheus::Labels& with) { return &family.Add(with, arguments...); }) {}

  // The metric with these values of the labels, in order. From any thread; it lives as long as the family.
  Metric& at(std::initializer_list<std::string_view> values) {
    std::string key;
    for (const std::string_view value : values) key.append(value).push_back('\n');
    const std::lock_guard lock(mutex_);
    Metric*& metric = known_[std::move(key)];
    if (metric == nullptr) {
      prometheus::Labels with;
      std::size_t i = 0;
      for (const std::string_view value : values) with.emplace(labels_.at(i++), value);
      metric = add_(with);
    }
    return *metric;
  }

 private:
  const std::vector<std::string> labels_;
  const std::function<Metric*(const prometheus::Labels&)> add_;
  std::mutex mutex_;
  std::unordered_map<std::string, Metric*> known_;
};

}  // namespace catdog::service
