// SPDX-License-Identifier: Apache-2.0
// The torch engine: any TorchScript module that takes N×3×H×W and gives N×classes.
#include <ATen/Parallel.h>
#include <omp.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "engine/torch/plugin_abi.h"
#include "status.hpp"

using catdog::core::Failure;
using catdog::core::Status;

struct catdog_torch_module {
  torch::jit::Module module;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t classes = 0;
};

namespace {

// libtorch sets a thread's OpenMP count itself the first time it works there: let it, then bind the thread.
class OneThread {
 public:
  OneThread() : saved_(omp_get_max_threads()) {
    (void)at::get_num_threads();
    omp_set_num_threads(1);
    if (at::get_num_threads() != 1) at::set_num_threads(1);  // A libtorch that brings an OpenMP of its own.
  }
  ~OneThread() { omp_set_num_threads(saved_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int saved_;
};

std::string shape_in_words(const at::Tensor& tensor) {
  std::string text;
  for (const auto side : tensor.sizes()) text += (text.empty() ? "" : "×") + std::to_string(side);
  return text.empty() ? "a single number" : text;
}

// First line: libtorch appends stack traces.
std::string first_line(const char* message) {
  const std::string text(message);
  return text.substr(0, text.find('\n'));
}

at::Tensor forward(torch::jit::Module& module, const at::Tensor& input, std::int64_t classes) {
  const c10::IValue result = module.forward({input});
  if (!result.isTensor()) {
    throw Failure(Status::model_unsupported,
                  "the TorchScript module returns a " + result.tagKind() + " instead of one tensor of logits");
  }
  const at::Tensor logits = result.toTensor();
  if (logits.dim() != 2 || logits.size(0) != input.size(0) || logits.size(1) != classes) {
    throw Failure(Status::model_unsupported, "the TorchScript module gives " + shape_in_words(logits) + " for a " +
                                                 shape_in_words(input) + " input; " + std::to_string(input.size(0)) +
                                                 "×" + std::to_string(classes) + " was expected");
  }
  return logits.to(at::kFloat).contiguous();
}

// A ramp with no two equal pixels: enough to tell whether an optimised module still computes the same.
at::Tensor probe(std::int64_t height, std::int64_t width) {
  const auto count = 3 * height * width;
  return (at::arange(count, at::kFloat) * 0.618034F).fmod(1.0F).sub(0.5F).mul(4.0F).view({1, 3, height, width});
}

torch::jit::Module optimised(const torch::jit::Module& module, const at::Tensor& input, std::int64_t classes) {
  torch::jit::Module plain = module;
  const at::Tensor expected = forward(plain, input, classes);
  try {
    torch::jit::Module frozen = torch::jit::freeze(module);
    const at::Tensor actual = forward(frozen, input, classes);
    if (at::allclose(actual, expected, 1e-4, 1e-5)) return frozen;
  } catch (const std::exception&) {  // A module that can't be frozen runs as it is.
  }
  return plain;
}

std::unique_ptr<catdog_torch_module> load(const void* archive, std::size_t size, std::int64_t height,
                                          std::int64_t width, std::int64_t classes) {
  auto result = std::make_unique<catdog_torch_module>();
  result->height = height;
  result->width = width;
  result->classes = classes;
  torch::jit::Module module;
  try {
    std::istringstream stream(std::string(static_cast<const char*>(archive), size));
    module = torch::jit::load(stream, at::kCPU);
  } catch (const c10::Error& error) {
    throw Failure(Status::model_format,
                  "not a TorchScript archive that libtorch reads: " + first_line(error.what_without_backtrace()));
  }
  module.eval();
  const c10::InferenceMode guard;
  result->module = optimised(module, probe(height, width), classes);
  return result;
}

std::int32_t report(Status status, const std::string& message, char* error, std::size_t error_size) noexcept {
  if (error != nullptr && error_size > 0) std::snprintf(error, error_size, "%s", message.c_str());
  return static_cast<std::int32_t>(status);
}

// The one place where exceptions end. `status` is for what libtorch itself throws.
template <typename Work>
std::int32_t guarded(Status status, char* error, std::size_t error_size, const Work& work) noexcept {
  try {
    const OneThread bound;
    work();
    return 0;
  } catch (const Failure& failure) {
    return report(failure.status(), failure.what(), error, error_size);
  } catch (const c10::Error& failure) {
    return report(status, "libtorch: " + first_line(failure.what_without_backtrace()), error, error_size);
  } catch (const std::bad_alloc&) {
    return report(Status::out_of_memory, "out of memory in libtorch", error, error_size);
  } catch (const std::exception& failure) {
    return report(status, std::string("libtorch: ") + failure.what(), error, error_size);
  } catch (...) {
    return report(status, "libtorch failed for an unknown reason", error, error_size);
  }
}

std::int32_t create(catdog_torch_module** out, const void* archive, std::size_t size, std::int32_t height,
                    std::int32_t width, std::int32_t classes, char* error, std::size_t error_size) {
  *out = nullptr;
  return guarded(Status::model_unsupported, error, error_size,
                 [&] { *out = load(archive, size, height, width, classes).release(); });
}

std::int32_t run(const catdog_torch_module* module, const float* input, float* logits, char* error,
                 std::size_t error_size) {
  return guarded(Status::engine_failed, error, error_size, [&] {
    const c10::InferenceMode guard;
    // from_blob only reads, and so does the module: its input is const in all but type.
    const at::Tensor tensor =
        at::from_blob(const_cast<float*>(input), {1, 3, module->height, module->width}, at::kFloat);
    torch::jit::Module handle = module->module;  // forward() isn't const; a handle is cheap.
    const at::Tensor result = forward(handle, tensor, module->classes);
    std::memcpy(logits, result.data_ptr<float>(), static_cast<std::size_t>(module->classes) * sizeof(float));
  });
}

void destroy(catdog_torch_module* module) { delete module; }

}  // namespace

extern "C" __attribute__((visibility("default"))) const catdog_torch_plugin* catdog_torch_plugin_v1() {
  static const catdog_torch_plugin plugin = {CATDOG_TORCH_PLUGIN_VERSION, sizeof(catdog_torch_plugin), create, run,
                                             destroy};
  return &plugin;
}
