// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <catdog/catdog.hpp>

#include "material.hpp"

namespace catdog::bench {
namespace {

// Through the public C++ interface, as a user calls it.
void end_to_end(benchmark::State& state) {
  try {
    const Classifier classifier = Classifier::open_memory(model_bytes());
    std::size_t i = 0;
    while (state.KeepRunning()) {
      benchmark::DoNotOptimize(classifier.classify(Bytes(images()[i++ % images().size()])).confidence());
    }
  } catch (const Error& error) {
    state.SkipWithError(error.what());
  }
}
BENCHMARK(end_to_end)->Name("end_to_end");

}  // namespace
}  // namespace catdog::bench
