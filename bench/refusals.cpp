// SPDX-License-Identifier: Apache-2.0
// How long an image that is larger than the limits takes to be refused: it has no floor, but shall be far below 5 ms.
#include <benchmark/benchmark.h>

#include <string>

#include "image/decode.hpp"
#include "status.hpp"
#include "support/images.hpp"

namespace catdog::bench {
namespace {

void refuse(benchmark::State& state, const test_support::ByteString& bytes) {
  while (state.KeepRunning()) {
    try {
      core::decode_image(bytes, {128, 128}, {});
      state.SkipWithError("the image was not refused");
      return;
    } catch (const core::Failure& failure) {
      if (failure.status() == core::Status::limit) continue;
      state.SkipWithError(failure.what());
      return;
    }
  }
  state.SetLabel(std::to_string(bytes.size()) + " bytes");
}

void refuse_jpeg(benchmark::State& state) { refuse(state, test_support::make_jpeg_header(20'000, 14'000)); }
BENCHMARK(refuse_jpeg)->Name("refuse/jpeg_20000x14000")->Unit(benchmark::kMicrosecond);

void refuse_png(benchmark::State& state) { refuse(state, test_support::make_black_png(10'000, 10'000)); }
BENCHMARK(refuse_png)->Name("refuse/png_10000x10000")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace catdog::bench
