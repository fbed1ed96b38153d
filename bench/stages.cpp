// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <opencv2/imgproc.hpp>
#include <vector>

#include "engine/cpu_features.hpp"
#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "engine/torch_loader.hpp"
#include "floors.hpp"
#include "image/decode.hpp"
#include "image/opencv.hpp"
#include "image/preprocess.hpp"
#include "material.hpp"
#include "model/golden.hpp"
#include "status.hpp"

namespace catdog::bench {
namespace {

core::Size input_size() { return {model().config().input.width, model().config().input.height}; }

core::DecodedImage decoded(std::size_t index) {
  return core::decode_image(images()[index % images().size()], input_size(), {});
}

// The scale that the library chose for each image: the floor decodes at the same.
std::vector<int> scales() {
  std::vector<int> result;
  for (std::size_t i = 0; i < images().size(); ++i) {
    const auto image = decoded(i);
    const int shrink = (image.stored_size.width + image.pixels.size().width - 1) / image.pixels.size().width;
    result.push_back(shrink >= 8 ? 1 : shrink >= 4 ? 2 : shrink >= 2 ? 4 : 8);
  }
  return result;
}

void decode(benchmark::State& state) {
  std::size_t i = 0;
  while (state.KeepRunning()) benchmark::DoNotOptimize(decoded(i++).pixels.row(0));
}
BENCHMARK(decode)->Name("decode");

void decode_floor(benchmark::State& state) {
  const auto eighths = scales();
  cv::Mat image;
  std::size_t i = 0;
  while (state.KeepRunning()) {
    const std::size_t at = i++ % images().size();
    bare_jpeg(images()[at], eighths[at], image);
    benchmark::DoNotOptimize(image.data);
  }
}
BENCHMARK(decode_floor)->Name("decode/floor");

std::vector<core::DecodedImage> all_decoded() {
  std::vector<core::DecodedImage> result;
  for (std::size_t i = 0; i < images().size(); ++i) result.push_back(decoded(i));
  return result;
}

// From decoded pixels to the model's input, in memory of its own.
class Preprocessing {
 public:
  void run(const core::DecodedImage& image) {
    core::normalise(core::resize_and_orient(image, size_), model().config().input, tensor_);
    benchmark::ClobberMemory();
  }

 private:
  core::Size size_ = input_size();
  std::vector<float> memory_ = std::vector<float>(3 * core::pixels_of(size_));
  core::InputTensor tensor_{memory_.data(), core::ElementType::float32, core::Layout::nhwc, size_.height, size_.width};
};

void preprocess(benchmark::State& state) {
  const auto images = all_decoded();
  Preprocessing preprocessing;
  std::size_t i = 0;
  while (state.KeepRunning()) preprocessing.run(images[i++ % images.size()]);
}
BENCHMARK(preprocess)->Name("preprocess");

// A frame of a camera: from the caller's memory to the model's input.
void frame(benchmark::State& state, core::PixelFormat format) {
  const core::Size size{1920, 1080};
  std::vector<std::uint8_t> bytes(4 * core::pixels_of(size), 255);
  const core::RawPixels pixels{format, bytes, size.width, size.height};
  Preprocessing preprocessing;
  while (state.KeepRunning()) preprocessing.run(core::import_pixels(pixels, {}));
}
BENCHMARK_CAPTURE(frame, rgb8, core::PixelFormat::rgb8)->Name("frame/1080p/rgb8");
BENCHMARK_CAPTURE(frame, bgrx8, core::PixelFormat::bgrx8)->Name("frame/1080p/bgrx8");
BENCHMARK_CAPTURE(frame, rgba8, core::PixelFormat::rgba8)->Name("frame/1080p/rgba8");
BENCHMARK_CAPTURE(frame, nv12, core::PixelFormat::nv12)->Name("frame/1080p/nv12");

void preprocess_floor(benchmark::State& state) {  // OpenCV's resize alone.
  const auto images = all_decoded();
  cv::setNumThreads(1);
  cv::Mat small;
  std::size_t i = 0;
  while (state.KeepRunning()) {
    const cv::Mat image = core::mat_of(images[i++ % images.size()].pixels);
    cv::resize(image, small, {input_size().width, input_size().height}, 0, 0, cv::INTER_AREA);
    benchmark::DoNotOptimize(small.data);
  }
}
BENCHMARK(preprocess_floor)->Name("preprocess/floor");

void run(benchmark::State& state, const core::Engine& engine) {
  const auto context = engine.create_context();
  const auto input = context->input();
  core::normalise(core::golden_image(1, {input.width, input.height}, 2), model().config().input, input);
  std::vector<float> logits(model().config().outputs());
  while (state.KeepRunning()) {
    context->run(logits);
    benchmark::DoNotOptimize(logits.data());
  }
}

void forward_native(benchmark::State& state, core::Precision precision) {
  try {
    run(state, *core::create_native_engine(model(), precision));
  } catch (const core::Failure& failure) {
    state.SkipWithError(failure.what());
  }
}
BENCHMARK_CAPTURE(forward_native, fp32, core::Precision::fp32)->Name("forward/native/fp32");
BENCHMARK_CAPTURE(forward_native, bf16, core::Precision::bf16)->Name("forward/native/bf16");
BENCHMARK_CAPTURE(forward_native, int8, core::Precision::int8)->Name("forward/native/int8");

void forward_floor(benchmark::State& state, bool bf16) {
  if (model().config().network.name != "simplecnn") {
    state.SkipWithError("the floor is built for SimpleCNN only");
    return;
  }
  BareNetwork network(input_size().height, input_size().width, static_cast<int>(model().config().outputs()), bf16);
  while (state.KeepRunning()) network.run();
}
BENCHMARK_CAPTURE(forward_floor, fp32, false)->Name("forward/native/fp32/floor");
BENCHMARK_CAPTURE(forward_floor, bf16, true)->Name("forward/native/bf16/floor");

#ifdef CATDOG_TORCH_PLUGIN
void forward_torch(benchmark::State& state) {
  core::EngineOptions options;
  options.kind = core::EngineKind::torch;
  options.torch_plugin = CATDOG_TORCH_PLUGIN;
  try {
    run(state, *core::create_torch_engine(model(), options));
  } catch (const core::Failure& failure) {
    state.SkipWithError(failure.what());
  }
}
BENCHMARK(forward_torch)->Name("forward/torch/fp32");
BENCHMARK_CAPTURE(forward_floor, torch_fp32, false)->Name("forward/torch/fp32/floor");
#endif

void all_stages(benchmark::State& state) {
  const auto engine = core::create_engine(model(), {}, {});
  const auto context = engine->create_context();
  const auto input = context->input();
  std::vector<float> logits(model().config().outputs());
  std::size_t i = 0;
  while (state.KeepRunning()) {
    core::normalise(core::resize_and_orient(decoded(i++), input_size()), model().config().input, input);
    context->run(logits);
    core::softmax_in_place(logits, model().config().calibration.temperature);
    benchmark::DoNotOptimize(logits.data());
  }
}
BENCHMARK(all_stages)->Name("all_stages");

void all_floors(benchmark::State& state) {
  const auto eighths = scales();
  BareNetwork network(input_size().height, input_size().width, 2, core::cpu_has_fast_bf16());
  cv::Mat image;
  cv::Mat small;
  std::size_t i = 0;
  while (state.KeepRunning()) {
    const std::size_t at = i++ % images().size();
    bare_jpeg(images()[at], eighths[at], image);
    cv::resize(image, small, {input_size().width, input_size().height}, 0, 0, cv::INTER_AREA);
    benchmark::DoNotOptimize(small.data);
    network.run();
  }
}
BENCHMARK(all_floors)->Name("all_stages/floor");
BENCHMARK(all_floors)->Name("end_to_end/floor");

}  // namespace
}  // namespace catdog::bench
