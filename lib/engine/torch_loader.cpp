// SPDX-License-Identifier: Apache-2.0
// Opens libcatdog-torch.so on demand and runs models through it.
#include "engine/torch_loader.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/torch/plugin_abi.h"
#include "runtime/own_folder.hpp"
#include "runtime/threads.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

constexpr const char* plugin_file = "libcatdog-torch.so";

std::vector<std::string> candidates(const std::string& asked_for) {
  if (!asked_for.empty()) return {asked_for};
  static const char anchor = 0;
  return companion_libraries(&anchor, plugin_file);
}

// The plug-in stays loaded: libtorch can't be unloaded.
const catdog_torch_plugin& open_plugin(const std::string& asked_for) {
  std::string tried;
  for (const std::string& path : candidates(asked_for)) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* reason = dlerror();
      tried += (tried.empty() ? "" : "; ") + path + " (" + (reason != nullptr ? reason : "no reason given") + ")";
      continue;
    }
    const auto function = reinterpret_cast<catdog_torch_plugin_function>(dlsym(library, CATDOG_TORCH_PLUGIN_SYMBOL));
    const catdog_torch_plugin* plugin = function != nullptr ? function() : nullptr;
    if (plugin == nullptr || plugin->version != CATDOG_TORCH_PLUGIN_VERSION ||
        plugin->struct_size < sizeof(catdog_torch_plugin)) {
      throw Failure(Status::engine_unavailable,
                    path + " isn't a torch plug-in of this version of libcatdog; install the two together");
    }
    return *plugin;
  }
  throw Failure(Status::engine_unavailable, std::string("the torch engine needs ") + plugin_file +
                                                ", which couldn't be loaded; looked for " + tried +
                                                "; install it or set its path in the options (torch_plugin)");
}

using Message = std::array<char, 1024>;

void check(std::int32_t status, const Message& message) {
  if (status != 0) throw Failure(static_cast<Status>(status), message.data());
}

struct Module {
  Module(const catdog_torch_plugin& opened, const ModelFile& model) : plugin(opened), spec(model.config().input) {
    Message message{};
    const auto archive = model.archive();
    check(plugin.create(&handle, archive.data(), archive.size(), spec.height, spec.width,
                        static_cast<std::int32_t>(model.config().outputs()), message.data(), message.size()),
          message);
    classes = model.config().outputs();
  }
  ~Module() { plugin.destroy(handle); }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const catdog_torch_plugin& plugin;
  InputSpec spec;
  std::size_t classes = 0;
  catdog_torch_module* handle = nullptr;
};

class TorchContext final : public EngineContext {
 public:
  explicit TorchContext(std::shared_ptr<const Module> module)
      : module_(std::move(module)),
        pixels_(std::size_t{3} * static_cast<std::size_t>(module_->spec.height) *
                static_cast<std::size_t>(module_->spec.width)) {}

  InputTensor input() override {
    return {pixels_.data(), ElementType::float32, Layout::nchw, module_->spec.height, module_->spec.width};
  }

  void run(std::span<float> logits, const Deadline& /*deadline*/) override {
    if (logits.size() != module_->classes) {
      throw Failure(Status::engine_failed, "the engine was given room for another number of logits than it has");
    }
    const SerialOpenMpScope serial;
    Message message{};
    check(module_->plugin.run(module_->handle, pixels_.data(), logits.data(), message.data(), message.size()), message);
  }

 private:
  std::shared_ptr<const Module> module_;
  std::vector<float> pixels_;
};

class TorchEngine final : public Engine {
 public:
  explicit TorchEngine(std::shared_ptr<const Module> module) : module_(std::move(module)) {}
  const char* name() const noexcept override { return "torch"; }
  Precision precision() const noexcept override { return Precision::fp32; }
  std::unique_ptr<EngineContext> create_context() const override { return std::make_unique<TorchContext>(module_); }

 private:
  std::shared_ptr<const Module> module_;  // Shared, so that a context may outlive its engine.
};

}  // namespace

std::unique_ptr<Engine> create_torch_engine(const ModelFile& model, const EngineOptions& options) {
  if (options.precision == Precision::bf16 || options.precision == Precision::int8) {
    throw Failure(Status::model_unsupported,
                  "the torch engine runs in fp32 only; use precision \"auto\" or \"fp32\", or the native engine");
  }
  const SerialOpenMpScope serial;
  const catdog_torch_plugin& plugin = open_plugin(options.torch_plugin);
  if (model.archive().empty()) {
    throw Failure(Status::model_unsupported, "the TorchScript archive of this model is no longer in memory");
  }
  return std::make_unique<TorchEngine>(std::make_shared<const Module>(plugin, model));
}

}  // namespace catdog::core
