// SPDX-License-Identifier: Apache-2.0
#include "engine/native/native_engine.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "engine/native/plan.hpp"
#include "runtime/threads.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

struct AlignedDelete {
  void operator()(std::byte* memory) const noexcept {
    ::operator delete (memory, std::align_val_t{native::arena_alignment});
  }
};

class NativeContext final : public EngineContext {
 public:
  explicit NativeContext(std::shared_ptr<const native::Plan> plan) : plan_(std::move(plan)) {
    const SerialOpenMpScope serial;
    const std::size_t bytes = std::max<std::size_t>(plan_->arena_bytes, native::arena_alignment);
    arena_.reset(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{native::arena_alignment})));
    std::memset(arena_.get(), 0, bytes);  // Also brings the pages in, so that run() doesn't fault.
    try {
      stream_ = dnnl::stream(plan_->engine);
      for (const native::Step& step : plan_->steps) {
        std::vector<dnnl_exec_arg_t>& args = args_.emplace_back();
        for (const native::StepArg& arg : step.args) {
          memories_.push_back(arg.buffer < 0 ? arg.constant
                                             : dnnl::memory(arg.desc, plan_->engine, address(arg.buffer)));
          args.push_back({arg.index, memories_.back().get()});
        }
      }
    } catch (const dnnl::error& error) {
      throw Failure(Status::engine_failed, std::string("oneDNN failed while memory was prepared: ") + error.what());
    }
  }

  InputTensor input() override {
    InputTensor tensor = plan_->input;
    tensor.data = address(plan_->input_buffer);
    return tensor;
  }

  // oneDNN's C calls: its C++ ones build a vector of arguments each time.
  void run(std::span<float> logits, const Deadline& deadline) override {
    if (logits.size() != plan_->outputs) {
      throw Failure(Status::engine_failed, "the engine was given room for another number of logits than it has");
    }
    const SerialOpenMpScope serial;
    run_steps(0, args_.size(), deadline);
    std::memcpy(logits.data(), address(plan_->output_buffer), logits.size_bytes());
  }

  void run_places(std::span<float> logits, const Deadline& deadline) override {
    const native::Pooling& pooling = plan_->pooling.value();
    if (logits.size() != pooling.grid.size() * plan_->outputs) {
      throw Failure(Status::engine_failed, "the engine was given room for another number of logits than it has");
    }
    const SerialOpenMpScope serial;
    run_steps(0, pooling.begin, deadline);
    const dnnl::memory places = channels_last(pooling);  // A copy: what follows may overwrite the features.
    const std::size_t place_bytes = places.get_desc().get_size() / pooling.grid.size();
    const auto* place = static_cast<const std::byte*>(places.get_data_handle());
    for (std::size_t i = 0; i < pooling.grid.size(); ++i, place += place_bytes) {
      std::memcpy(address(pooling.result), place, place_bytes);
      run_steps(pooling.end, args_.size(), deadline);
      std::memcpy(&logits[i * plan_->outputs], address(plan_->output_buffer), plan_->outputs * sizeof(float));
    }
  }

 private:
  void run_steps(std::size_t begin, std::size_t end, const Deadline& deadline) {
    dnnl_stream_t stream = stream_.get();
    for (std::size_t i = begin; i < end; ++i) {
      deadline.check();
      if (!plan_->steps[i].log_sum_exp.empty()) {
        log_sum_exp(plan_->steps[i]);
        continue;
      }
      const dnnl_status_t status = dnnl_primitive_execute(plan_->steps[i].primitive.get(), stream,
                                                          static_cast<int>(args_[i].size()), args_[i].data());
      if (status != dnnl_success) {
        throw Failure(Status::engine_failed, "oneDNN failed in step " + std::to_string(i) + " of the network (status " +
                                                 std::to_string(static_cast<int>(status)) + ")");
      }
    }
    if (dnnl_stream_wait(stream) != dnnl_success) throw Failure(Status::engine_failed, "oneDNN failed to finish");
  }

  dnnl::memory channels_last(const native::Pooling& pooling) {
    try {
      dnnl::memory source(pooling.source_desc, plan_->engine, address(pooling.source));
      const dnnl::memory::desc plain(pooling.source_desc.dims(), pooling.source_desc.data_type(),
                                     dnnl::memory::format_tag::nhwc);
      dnnl::memory result(plain, plan_->engine);
      dnnl::reorder(source, result).execute(stream_, source, result);
      stream_.wait();
      return result;
    } catch (const dnnl::error& error) {
      throw Failure(Status::engine_failed, std::string("oneDNN failed to copy the features: ") + error.what());
    }
  }

  // The primitives before it have finished: on a CPU oneDNN's stream runs each within its call.
  void log_sum_exp(const native::Step& step) const {
    const auto* source = reinterpret_cast<const float*>(address(step.args[0].buffer));
    auto* result = reinterpret_cast<float*>(address(step.args[1].buffer));
    for (const int size : step.log_sum_exp) {
      const float largest = *std::max_element(source, source + size);
      float sum = 0;
      for (int i = 0; i < size; ++i) sum += std::exp(step.sharpness * (source[i] - largest));
      *result++ = largest + std::log(sum) / step.sharpness;
      source += size;
    }
  }

  std::byte* address(int buffer) const {
    return arena_.get() + plan_->buffers[static_cast<std::size_t>(buffer)].offset;
  }

  std::shared_ptr<const native::Plan> plan_;
  std::unique_ptr<std::byte, AlignedDelete> arena_;
  dnnl::stream stream_;
  std::vector<dnnl::memory> memories_;  // Own what args_ points to.
  std::vector<std::vector<dnnl_exec_arg_t>> args_;
};

class NativeEngine final : public Engine {
 public:
  NativeEngine(native::Plan plan, Precision precision)
      : plan_(std::make_shared<const native::Plan>(std::move(plan))), precision_(precision) {}

  const char* name() const noexcept override { return "native"; }
  Precision precision() const noexcept override { return precision_; }
  Grid grid() const noexcept override { return plan_->pooling ? plan_->pooling->grid : Grid(); }
  std::unique_ptr<EngineContext> create_context() const override { return std::make_unique<NativeContext>(plan_); }

 private:
  std::shared_ptr<const native::Plan> plan_;  // Shared, so that a context may outlive its engine.
  Precision precision_;
};

}  // namespace

std::unique_ptr<Engine> create_native_engine(const ModelFile& model, Precision precision) {
  if (precision == Precision::automatic)
    throw Failure(Status::internal, "the native engine needs a definite precision");
  if (!model.has_native_part()) {
    throw Failure(Status::model_unsupported,
                  "the model file has no layer list for the native engine: it is a plain TorchScript archive");
  }
  const SerialOpenMpScope serial;
  native::Plan plan = native::compile(model, precision);
  if (plan.outputs != model.config().outputs()) {
    throw Failure(Status::model_format, "the network has " + std::to_string(plan.outputs) + " outputs instead of " +
                                            std::to_string(model.config().outputs()));
  }
  return std::make_unique<NativeEngine>(std::move(plan), precision);
}

std::unique_ptr<Engine> create_native_engine(const Network& network, const InputSpec& input, const WeightMap& weights,
                                             Precision precision) {
  const SerialOpenMpScope serial;
  return std::make_unique<NativeEngine>(native::compile({network, input, weights}, precision), precision);
}

}  // namespace catdog::core
