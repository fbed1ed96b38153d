// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <catdog/catdog.h>

#include "material.hpp"

namespace catdog::bench {
namespace {

void end_to_end(benchmark::State& state) {
  catdog_classifier* classifier = nullptr;
  if (catdog_classifier_open_memory(&classifier, model_bytes().data(), model_bytes().size(), nullptr) != CATDOG_OK) {
    state.SkipWithError(catdog_last_error());
    return;
  }
  std::size_t i = 0;
  while (state.KeepRunning()) {
    const auto& picture = pictures()[i++ % pictures().size()];
    catdog_result* result = nullptr;
    if (catdog_classifier_classify_encoded(&result, classifier, picture.data(), picture.size()) != CATDOG_OK) {
      state.SkipWithError(catdog_last_error());
    }
    benchmark::DoNotOptimize(catdog_result_confidence(result, 0));
    catdog_result_destroy(result);
  }
  catdog_classifier_destroy(classifier);
}
BENCHMARK(end_to_end)->Name("end_to_end");

}  // namespace
}  // namespace catdog::bench
