// SPDX-License-Identifier: Apache-2.0
#include "network_module.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "model/network_shapes.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

bool ends_with(const std::string& name, const char* suffix) { return name.ends_with(suffix); }
bool is_statistic(const std::string& name) {
  return ends_with(name, ".running_mean") || ends_with(name, ".running_var");
}

at::IntArrayRef dims(const std::vector<std::int64_t>& shape) { return {shape.data(), shape.size()}; }
std::vector<std::int64_t> pair(core::Pair p) { return {p.h, p.w}; }

// torch pads both ends of a side alike: other padding becomes a step of its own.
at::Tensor pad(const at::Tensor& x, const core::Padding& p, double value) {
  return p.symmetric() ? x : at::constant_pad_nd(x, {p.left, p.right, p.top, p.bottom}, value);
}
std::vector<std::int64_t> rest(const core::Padding& p) {
  if (!p.symmetric()) return {0, 0};
  return {p.top, p.left};
}
at::Tensor average_pool(const at::Tensor& x, const core::PoolLayer& op) {
  const auto pool = [&](const at::Tensor& t) {
    return at::avg_pool2d(pad(t, op.padding, 0), pair(op.kernel), pair(op.stride), rest(op.padding), false, false);
  };
  return op.padding.symmetric() ? pool(x) : pool(x) / pool(at::ones({1, 1, x.size(2), x.size(3)}, x.options()));
}

at::Tensor log_sum_exp(const at::Tensor& x, const core::LogSumExpLayer& op) {
  std::vector<at::Tensor> groups;
  std::int64_t first = 0;
  for (const int size : op.groups) {
    groups.push_back(at::logsumexp(x.slice(1, first, first + size) * op.sharpness, 1, true) / op.sharpness);
    first += size;
  }
  return at::cat(groups, 1);
}

// Looks up a layer's tensor; undefined for a bias that the layer doesn't have.
at::Tensor find(const StateDict& state, const std::string& name) {
  const auto found = state.find(name);
  return found == state.end() ? at::Tensor() : found->second;
}

}  // namespace

TrainableNetwork::TrainableNetwork(core::Network network, int image_size) : network_(std::move(network)) {
  double bound = 0;  // 1/√fan_in of the layer at hand; its bias follows its weight.
  std::string batch_norm;
  std::vector<std::string> normalised;
  for (const core::Layer& layer : network_.layers) {
    if (const auto* bn = std::get_if<core::BatchNormLayer>(&layer.op)) normalised.push_back(bn->name);
  }
  for (const core::TensorSpec& spec : core::state_dict_specs(network_, image_size, image_size)) {
    const std::string prefix = spec.name.substr(0, spec.name.rfind('.'));
    const bool is_batch_norm = std::find(normalised.begin(), normalised.end(), prefix) != normalised.end();
    at::Tensor tensor;
    if (is_batch_norm) {
      const bool one = ends_with(spec.name, ".weight") || ends_with(spec.name, ".running_var");
      tensor = torch::full(dims(spec.shape), one ? 1.0 : 0.0);
    } else {
      if (ends_with(spec.name, ".weight")) {
        std::int64_t fan_in = 1;
        for (std::size_t i = 1; i < spec.shape.size(); ++i) fan_in *= spec.shape[i];
        bound = 1 / std::sqrt(static_cast<double>(fan_in));
      }
      tensor = torch::empty(dims(spec.shape)).uniform_(-bound, bound);
    }
    if (tensor.dim() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
    tensor.set_requires_grad(!is_statistic(spec.name));
    names_.push_back(spec.name);
    state_[spec.name] = tensor;
  }
}

at::Tensor TrainableNetwork::forward_with(const StateDict& state, at::Tensor x, bool training, std::size_t first,
                                          const Observer& observe) const {
  std::map<std::string, at::Tensor> labelled;
  if (first > 0) labelled[network_.layers[first - 1].id] = x;
  for (std::size_t i = first; i < network_.layers.size(); ++i) {
    const core::Layer& layer = network_.layers[i];
    if (!layer.input.empty()) x = labelled.at(layer.input);
    std::visit(
        [&](const auto& op) {
          using Op = std::decay_t<decltype(op)>;
          if constexpr (std::is_same_v<Op, core::ConvLayer>) {
            x = torch::conv2d(pad(x, op.padding, 0), state.at(op.name + ".weight"), find(state, op.name + ".bias"),
                              pair(op.stride), rest(op.padding), {1, 1}, op.groups);
          } else if constexpr (std::is_same_v<Op, core::BatchNormLayer>) {
            x = torch::batch_norm(x, state.at(op.name + ".weight"), state.at(op.name + ".bias"),
                                  state.at(op.name + ".running_mean"), state.at(op.name + ".running_var"),
                                  training && !frozen_batch_norm_ && !is_frozen(op.name), 0.1, op.eps, false);
          } else if constexpr (std::is_same_v<Op, core::ReluLayer>) {
            x = op.six ? torch::clamp(x, 0, 6) : torch::relu(x);
          } else if constexpr (std::is_same_v<Op, core::AddLayer>) {
            x = x + labelled.at(op.from);
          } else if constexpr (std::is_same_v<Op, core::PoolLayer>) {
            x = op.max ? torch::max_pool2d(pad(x, op.padding, -INFINITY), pair(op.kernel), pair(op.stride),
                                           rest(op.padding))
                       : average_pool(x, op);
          } else if constexpr (std::is_same_v<Op, core::GlobalAvgPoolLayer>) {
            x = x.mean({2, 3});
          } else if constexpr (std::is_same_v<Op, core::LinearLayer>) {
            x = torch::linear(torch::flatten(x, 1), state.at(op.name + ".weight"), find(state, op.name + ".bias"));
          } else if constexpr (std::is_same_v<Op, core::LogSumExpLayer>) {
            x = log_sum_exp(x.to(torch::kFloat32), op);
          } else if constexpr (std::is_same_v<Op, core::ConcatLayer>) {
            std::vector<at::Tensor> parts{x};
            for (const std::string& id : op.from) parts.push_back(labelled.at(id));
            x = at::cat(parts, 1);
          } else if constexpr (std::is_same_v<Op, core::DropoutLayer>) {
            x = torch::dropout(x, op.p, training);
          }
        },
        layer.op);
    if (!layer.id.empty()) labelled[layer.id] = x;
    if (observe) observe(i, x);
  }
  return x;
}

bool lies_in(const std::string& name, const std::string& layer) {
  return name.starts_with(layer) && (name.size() == layer.size() || name[layer.size()] == '.');
}

void TrainableNetwork::freeze(const std::vector<std::string>& layers) {
  frozen_.insert(frozen_.end(), layers.begin(), layers.end());
  for (const std::string& layer : layers) {
    bool found = false;
    for (const std::string& name : names_) {
      if (!lies_in(name, layer)) continue;
      found = true;
      state_.at(name).set_requires_grad(false);
    }
    if (!found) {
      throw core::Failure(core::Status::invalid_argument, "--freeze: the network has no layer \"" + layer + "\"");
    }
  }
}

bool TrainableNetwork::is_frozen(const std::string& layer) const {
  return std::any_of(frozen_.begin(), frozen_.end(), [&](const std::string& frozen) { return lies_in(layer, frozen); });
}

std::vector<std::string> TrainableNetwork::load(const StateDict& state) {
  const torch::NoGradGuard no_grad;
  std::vector<std::string> missing;
  for (const std::string& name : names_) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != state_.at(name).sizes()) {
      missing.push_back(name);
    } else {
      state_.at(name).copy_(found->second);
    }
  }
  if (missing.size() == names_.size()) {
    throw core::Failure(
        core::Status::invalid_argument,
        "the start weights have no tensor with a name and shape of the network's, such as \"" + names_.front() + "\"");
  }
  return missing;
}

StateDict detached_copy(const StateDict& state) {
  StateDict copy;
  for (const auto& [name, tensor] : state) copy[name] = tensor.detach().clone();
  return copy;
}

}  // namespace catdog::training
