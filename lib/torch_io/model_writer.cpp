// SPDX-License-Identifier: Apache-2.0
#include "torch_io/model_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "image/preprocess.hpp"
#include "model/archive.hpp"
#include "model/golden.hpp"
#include "model/model_config.hpp"
#include "model/model_file.hpp"
#include "model/network_shapes.hpp"
#include "model/sha256.hpp"
#include "status.hpp"
#include "torch_io/checkpoint.hpp"

namespace catdog::torch_io {
namespace {

using core::Failure;
using core::Status;

constexpr std::uint32_t golden_cases = 4;
constexpr int golden_version = 2;

std::vector<std::string> split(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream stream(name);
  for (std::string part; std::getline(stream, part, '.');) parts.push_back(part);
  return parts;
}

// The tree of submodules that dotted names stand for. A child is complete before its parent registers it.
struct ModuleTree {
  std::map<std::string, ModuleTree> children;
  std::map<std::string, std::pair<at::Tensor, bool>> tensors;  // Second: is a buffer.
};

bool is_buffer(const std::string& leaf) { return leaf == "running_mean" || leaf == "running_var"; }

torch::jit::Module build_module(const ModuleTree& tree, const std::shared_ptr<torch::jit::CompilationUnit>& unit,
                                int& count) {
  // Numbered class names: unique, and the same for the same network.
  const std::string class_name = "__torch__.catdog.Part" + std::to_string(count++);
  torch::jit::Module module(c10::QualifiedName(class_name), unit);
  module.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& [name, tensor] : tree.tensors) module.register_parameter(name, tensor.first, tensor.second);
  for (const auto& [name, child] : tree.children) {
    if (tree.tensors.contains(name) || module.hasattr(name) || name == "forward") {
      throw Failure(Status::model_format, "architecture: the layer name \"" + name + "\" collides with another name");
    }
    module.register_module(name, build_module(child, unit, count));
  }
  return module;
}

std::string attribute(const std::string& dotted) {
  std::string expression = "self";
  for (const std::string& part : split(dotted)) expression = "getattr(" + expression + ", \"" + part + "\")";
  return expression;
}

std::string list(core::Pair pair) { return "[" + std::to_string(pair.h) + ", " + std::to_string(pair.w) + "]"; }

// torch pads both ends of a side alike: other padding becomes a step of its own.
std::string padded(const std::string& x, const core::Padding& padding, const char* value) {
  if (padding.symmetric()) return x;
  return "torch.constant_pad_nd(" + x + ", [" + std::to_string(padding.left) + ", " + std::to_string(padding.right) +
         ", " + std::to_string(padding.top) + ", " + std::to_string(padding.bottom) + "], " + value + ")";
}

std::string rest(const core::Padding& padding) {
  return list(padding.symmetric() ? core::Pair{padding.top, padding.left} : core::Pair{0, 0});
}

std::string real(double value) {
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return {text.data(), result.ptr};
}

// One TorchScript expression for each kind of layer, of the activations `x`.
struct Expression {
  const std::string& x;
  const std::map<std::string, std::string>& labelled;

  std::string operator()(const core::ConvLayer& conv) const {
    return "torch.conv2d(" + padded(x, conv.padding, "0.0") + ", " + attribute(conv.name + ".weight") + ", " +
           (conv.bias ? attribute(conv.name + ".bias") : "None") + ", " + list(conv.stride) + ", " +
           rest(conv.padding) + ", [1, 1], " + std::to_string(conv.groups) + ")";
  }
  std::string operator()(const core::BatchNormLayer& norm) const {
    return "torch.batch_norm(" + x + ", " + attribute(norm.name + ".weight") + ", " + attribute(norm.name + ".bias") +
           ", " + attribute(norm.name + ".running_mean") + ", " + attribute(norm.name + ".running_var") +
           ", False, 0.1, " + real(norm.eps) + ", False)";
  }
  std::string operator()(const core::ReluLayer& relu) const {
    return relu.six ? "torch.clamp(" + x + ", 0.0, 6.0)" : "torch.relu(" + x + ")";
  }
  std::string operator()(const core::AddLayer& add) const {
    const auto from = labelled.find(add.from);
    if (from == labelled.end()) {
      throw Failure(Status::model_format, "architecture: no earlier layer has the id \"" + add.from + "\"");
    }
    return "torch.add(" + x + ", " + from->second + ")";
  }
  std::string operator()(const core::PoolLayer& pool) const {
    const std::string window = list(pool.kernel) + ", " + list(pool.stride) + ", " + rest(pool.padding);
    if (pool.max) return "torch.max_pool2d(" + padded(x, pool.padding, "float('-inf')") + ", " + window + ")";
    const auto average = [&](const std::string& of) {
      return "torch.avg_pool2d(" + padded(of, pool.padding, "0.0") + ", " + window + ", False, False)";
    };
    // Padding doesn't count: divided by the share of each window that is image.
    return pool.padding.symmetric() ? average(x)
                                    : "torch.div(" + average(x) + ", " + average("torch.ones_like(" + x + ")") + ")";
  }
  std::string operator()(const core::GlobalAvgPoolLayer& /*pool*/) const { return "torch.mean(" + x + ", [2, 3])"; }
  std::string operator()(const core::LinearLayer& linear) const {
    return "torch.linear(torch.flatten(" + x + ", 1), " + attribute(linear.name + ".weight") + ", " +
           (linear.bias ? attribute(linear.name + ".bias") : "None") + ")";
  }
  std::string operator()(const core::LogSumExpLayer& sum) const {
    const std::string factor = real(sum.sharpness);
    std::string parts;
    int first = 0;
    for (const int size : sum.groups) {
      parts += std::string(parts.empty() ? "" : ", ") + "torch.logsumexp(torch.mul(torch.slice(" + x + ", 1, " +
               std::to_string(first) + ", " + std::to_string(first + size) + "), " + factor + "), [1], True)";
      first += size;
    }
    return "torch.div(torch.cat([" + parts + "], 1), " + factor + ")";
  }
  std::string operator()(const core::ConcatLayer& concat) const {
    std::string parts = x;
    for (const std::string& id : concat.from) parts += ", " + labelled.at(id);
    return "torch.cat([" + parts + "], 1)";
  }
  std::string operator()(const core::DropoutLayer& /*dropout*/) const { return x; }
};

std::string forward_source(const core::Network& network) {
  std::string source = "def forward(self, x: Tensor) -> Tensor:\n";
  std::string x = "x";
  std::map<std::string, std::string> labelled;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const core::Layer& layer = network.layers[i];
    if (!layer.input.empty()) x = labelled.at(layer.input);
    const std::string expression = std::visit(Expression{x, labelled}, layer.op);
    if (expression != x) {
      x = "x" + std::to_string(i);
      source += "  " + x;
      source += " = " + expression + "\n";
    }
    if (!layer.id.empty()) labelled[layer.id] = x;
  }
  return source + "  return " + x + "\n";
}

at::Tensor plain(const at::Tensor& tensor) { return tensor.detach().to(at::kCPU, at::kFloat).contiguous().clone(); }

nlohmann::json golden_logits(torch::jit::Module& module, const core::InputSpec& input) {
  const c10::InferenceMode guard;
  nlohmann::json golden = nlohmann::json::array();
  for (std::uint32_t seed = 1; seed <= golden_cases; ++seed) {
    at::Tensor tensor = at::empty({1, 3, input.height, input.width}, at::kFloat);
    core::normalise(core::golden_image(seed, core::Size{input.width, input.height}, golden_version), input,
                    core::InputTensor{tensor.data_ptr<float>(), core::ElementType::float32, core::Layout::nchw,
                                      input.height, input.width});
    const at::Tensor logits = module.forward({tensor}).toTensor().contiguous();
    const float* values = logits.data_ptr<float>();
    golden.push_back({{"seed", seed}, {"logits", std::vector<float>(values, values + logits.numel())}});
  }
  return golden;
}

std::span<const std::uint8_t> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::uint8_t*>(tensor.data_ptr()), tensor.nbytes()};
}

// The entries under which torch stores tensors, by the SHA-256 of their content. Equal tensors share the first entry.
std::map<std::string, std::string> stored_entries(const torch::jit::Module& module) {
  std::ostringstream stream;
  module.save(stream);
  const std::string text = stream.str();
  const core::Archive archive({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  std::map<std::string, std::string> entries;
  for (const std::string& name : archive.names()) {
    if (!name.starts_with("data/")) continue;
    const auto bytes = archive.read(name, text.size());
    entries.emplace(core::sha256_hex(*bytes), name);
  }
  return entries;
}

nlohmann::json stored_weights(const std::vector<core::TensorSpec>& specs, const StateDict& state,
                              const torch::jit::Module& module) {
  const auto entries = stored_entries(module);
  nlohmann::json weights = nlohmann::json::object();
  for (const core::TensorSpec& spec : specs) {
    const std::string sha256 = core::sha256_hex(bytes_of(plain(state.at(spec.name))));
    const auto entry = entries.find(sha256);
    if (entry == entries.end()) {
      throw Failure(Status::internal, "libtorch stores " + spec.name + " in a way that isn't known here");
    }
    weights[spec.name] = {{"entry", entry->second}, {"type", "f32"}, {"shape", spec.shape}, {"sha256", sha256}};
  }
  return weights;
}

void check_written(const std::filesystem::path& path, const StateDict& state) {
  const core::ModelFile written = core::ModelFile::from_file(path);
  written.verify_weights();
  for (const auto& [name, view] : written.weights()) {
    const at::Tensor tensor = plain(state.at(name));
    if (!std::equal(view.values.begin(), view.values.end(), tensor.data_ptr<float>())) {
      throw Failure(Status::internal, path.string() + ": " + name + " reads back as other values");
    }
  }
}

}  // namespace

torch::jit::Module build_script_module(const core::Network& network, const std::vector<core::TensorSpec>& specs,
                                       const StateDict& state) {
  ModuleTree root;
  for (const core::TensorSpec& spec : specs) {
    const auto found = state.find(spec.name);
    if (found == state.end()) throw Failure(Status::model_format, "missing: " + spec.name);
    ModuleTree* node = &root;
    std::vector<std::string> parts = split(spec.name);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) node = &node->children[parts[i]];
    node->tensors[parts.back()] = {plain(found->second), is_buffer(parts.back())};
  }
  int count = 0;
  torch::jit::Module module = build_module(root, std::make_shared<torch::jit::CompilationUnit>(), count);
  module.define(forward_source(network));
  return module;
}

void write_model_file(const std::filesystem::path& path, const std::string& catdog_json, const StateDict& state) {
  nlohmann::json json = nlohmann::json::parse(catdog_json, nullptr, false);
  if (!json.is_object()) throw Failure(Status::model_format, "catdog.json: not a JSON object");
  json["format"] = "catdog-model";
  json["format_version"] = core::model_format_version;
  json.erase("golden");
  json.erase("weights");
  const core::ModelConfig config = core::parse_model_config(json.dump());
  if (config.network.layers.empty()) throw Failure(Status::model_format, "catdog.json: architecture has no layers");
  check_state_dict(config.network, config.input.height, config.input.width, state);

  const auto specs = core::state_dict_specs(config.network, config.input.height, config.input.width);
  torch::jit::Module module = build_script_module(config.network, specs, state);
  json["golden_version"] = golden_version;
  json["golden"] = golden_logits(module, config.input);
  json["weights"] = stored_weights(specs, state, module);
  const torch::jit::ExtraFilesMap extra{{"catdog.json", json.dump(2)}};

  // Beside the target, so that the rename stays within one file system; a random name, since other threads and other
  // containers may write there too. A stream, since a file's own name would become that of the archive's top folder.
  std::random_device random;
  const std::filesystem::path temporary =
      path.string() + ".tmp" + std::to_string(std::uint64_t{random()} << 32U | random());
  try {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    if (!stream) throw Failure(Status::io, temporary.string() + ": cannot be written");
    module.save(stream, extra);
    stream.close();
    if (!stream) throw Failure(Status::io, temporary.string() + ": writing failed; is the disk full?");
    check_written(temporary, state);
    std::error_code error;
    std::filesystem::rename(temporary, path, error);
    if (error) throw Failure(Status::io, path.string() + ": " + error.message());
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace catdog::torch_io
