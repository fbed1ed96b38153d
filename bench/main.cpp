// SPDX-License-Identifier: Apache-2.0
// Runs the benchmarks and ends with each stage's median over its floor's.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "runtime/threads.hpp"

namespace {

class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      // CPU time: one thread does all the work, and a busy machine doesn't count.
      const bool counts = run.run_type == Run::RT_Iteration || run.aggregate_name == "median";
      if (counts && !run.error_occurred) times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
    }
  }

  void Finalize() override {
    ConsoleReporter::Finalize();
    std::printf("\n%-24s %12s %12s %8s   (median CPU time)\n", "stage", "microseconds", "floor", "ratio");
    for (const auto& [name, times] : times_) {
      const auto floor = times_.find(name + "/floor");
      if (floor == times_.end()) continue;
      const double ours = median(times);
      const double least = median(floor->second);
      std::printf("%-24s %12.1f %12.1f %8.2f\n", name.c_str(), ours, least, ours / least);
    }
  }

 private:
  static double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle / 1000.0;  // Reported in nanoseconds.
  }

  std::map<std::string, std::vector<double>> times_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const catdog::core::SerialOpenMpScope one_thread;  // The floors as well.
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}
