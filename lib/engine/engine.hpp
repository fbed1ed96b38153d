// SPDX-License-Identifier: Apache-2.0
// An engine runs one model: model input → logits. Immutable after creation; what changes per call lives in a Context.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "image/preprocess.hpp"
#include "model/model_file.hpp"
#include "runtime/deadline.hpp"
#include "runtime/log.hpp"

namespace catdog::core {

enum class Precision : std::uint8_t { automatic, fp32, bf16, int8 };
enum class EngineKind : std::uint8_t { automatic, native, torch };

const char* precision_name(Precision precision) noexcept;  // "auto", "fp32", "bf16", "int8".

// The places over which a network's global average pooling goes. Evenly spread over its input.
struct Grid {
  int rows = 0;
  int columns = 0;
  std::size_t size() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }
};

// Scratch memory of one caller: planned at creation, no allocation in run() with the native engine. Used by one thread
// at a time.
class EngineContext {
 public:
  EngineContext() = default;
  EngineContext(const EngineContext&) = delete;
  EngineContext& operator=(const EngineContext&) = delete;
  virtual ~EngineContext() = default;

  // Where normalise() writes the next input. Stable for the context's life.
  virtual InputTensor input() = 0;
  // Runs on the calling thread only. `logits` has ModelConfig::outputs() values. Throws Failure: engine_failed; limit
  // when the deadline passes, which the native engine checks before each layer.
  virtual void run(std::span<float> logits, const Deadline& deadline) = 0;
  void run(std::span<float> logits) { run(logits, Deadline()); }
  // For each place of Engine::grid(), row after row: the logits that the network would give if all of its input looked
  // as that place does. All but what follows the global pooling runs once. Throws as run() does.
  virtual void run_places(std::span<float> logits, const Deadline& deadline);
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual const char* name() const noexcept = 0;  // "native" or "torch".
  virtual Precision precision() const noexcept = 0;
  // Why it is that one, in words. create_engine() says it.
  const std::string& precision_reason() const noexcept { return precision_reason_; }
  void set_precision_reason(std::string reason) { precision_reason_ = std::move(reason); }
  // Empty where the network doesn't end with one global average pooling and layers on its result, or where the engine
  // can't look inside.
  virtual Grid grid() const noexcept { return {}; }
  virtual std::unique_ptr<EngineContext> create_context() const = 0;  // Thread-safe.

 private:
  std::string precision_reason_;
};

struct EngineOptions {
  EngineKind kind = EngineKind::automatic;
  Precision precision = Precision::automatic;
  bool self_test = true;  // Check against the golden cases of the model file.
  std::string
      torch_plugin;  // Path of libcatdog-torch.so; "" = beside this library, in catdog/ there, then the loader's path.
};

// Chooses the precision and runs the golden self-test. "auto" is int8 where the CPU multiplies it in hardware and the
// file has its ranges, else bf16 where the CPU has that, else fp32. It passes over a precision that changes a golden
// case's label or probability too much (bf16: 0.02, int8: 0.1). A failing fp32 self-test (probability off by
// more than 1e-3) is Failure(model_format). `automatic` is the native engine: libtorch executes the program in a model
// file, so it runs only when it is asked for.
std::unique_ptr<Engine> create_engine(const ModelFile& model, const EngineOptions& options, const Logger& log);

// Throws Failure(engine_failed) when an output is NaN or infinite.
void require_finite(std::span<const float> outputs);

// Calibrated probabilities: softmax(logits / temperature), in place.
void softmax_in_place(std::span<float> logits, double temperature);

// All outputs of the network to probabilities, in place: softmax over the labels, sigmoid for the score for neither.
void calibrate_in_place(std::span<float> outputs, const ModelConfig& config);

}  // namespace catdog::core
