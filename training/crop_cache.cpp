// SPDX-License-Identifier: Apache-2.0
#include "crop_cache.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>

#include "augment.hpp"
#include "engine/native/native_engine.hpp"
#include "model/network_shapes.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

using core::Failure;
using core::Status;

std::string name_of(const core::Layer& layer) {
  return std::visit(
      [](const auto& op) -> std::string {
        if constexpr (requires { op.name; }) return op.name;
        return "";
      },
      layer.op);
}

}  // namespace

void ImageModel::run(const core::Image& rgb, std::span<float> out) {
  std::unique_ptr<core::EngineContext> context = lease();
  core::normalise(resize_for_evaluation(rgb, {input_.width, input_.height}), input_, context->input());
  context->run(out);
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(context));
}

std::unique_ptr<core::EngineContext> ImageModel::lease() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return engine_->create_context();
  std::unique_ptr<core::EngineContext> context = std::move(idle_.back());
  idle_.pop_back();
  return context;
}

std::size_t frozen_layers(const TrainableNetwork& network) {
  const auto& layers = network.network().layers;
  std::size_t count = 0;
  for (; count < layers.size(); ++count) {
    const std::string name = name_of(layers[count]);
    if (std::holds_alternative<core::DropoutLayer>(layers[count].op)) break;
    if (!name.empty() && !network.is_frozen(name)) break;
  }
  // Back to where nothing behind reads what is before, but for the last frozen layer's output.
  const auto read_later = [&](std::size_t first) {
    std::set<std::string> before;
    for (std::size_t i = 0; i + 1 < first; ++i) {
      if (!layers[i].id.empty()) before.insert(layers[i].id);
    }
    return std::any_of(
        layers.begin() + static_cast<std::ptrdiff_t>(first), layers.end(), [&](const core::Layer& layer) {
          const std::vector<std::string> ids = core::ids_read_by(layer);
          return std::any_of(ids.begin(), ids.end(), [&](const auto& id) { return before.contains(id); });
        });
  };
  while (count > 0 && read_later(count)) --count;
  const bool computes = std::any_of(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(count),
                                    [](const core::Layer& layer) { return !name_of(layer).empty(); });
  return computes ? count : 0;
}

std::unique_ptr<ImageModel> frozen_part(const TrainableNetwork& network, std::size_t layers,
                                        const core::InputSpec& input) {
  core::Network part{network.network().name, {}};
  part.layers.assign(network.network().layers.begin(),
                     network.network().layers.begin() + static_cast<std::ptrdiff_t>(layers));
  core::WeightMap weights;
  std::vector<at::Tensor> alive;  // The views point into these.
  for (const core::TensorSpec& spec : core::state_dict_specs(part, input.height, input.width)) {
    const at::Tensor& tensor = alive.emplace_back(network.state().at(spec.name).detach().contiguous());
    weights[spec.name] = {spec.shape, {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())}};
  }
  const core::ActivationShape shape = core::infer_shapes(part, input.height, input.width).back();
  return std::make_unique<ImageModel>(
      core::create_native_engine(part, input, weights, core::Precision::fp32), input,
      static_cast<std::size_t>(shape.c) * static_cast<std::size_t>(shape.h) * static_cast<std::size_t>(shape.w));
}

Teachers::Teachers(const std::vector<std::string>& paths, const std::vector<std::string>& labels, double temperature)
    : labels_(labels.size()), temperature_(temperature) {
  for (const std::string& path : paths) {
    const core::ModelFile model = core::ModelFile::from_file(path);
    const core::ModelConfig& config = model.config();
    if (config.labels != labels) {
      throw Failure(Status::invalid_argument, "the teacher " + path + " has other labels than the data");
    }
    const bool neither = config.calibration.neither_above.has_value();
    if (!models_.empty() && neither != neither_) {
      throw Failure(Status::invalid_argument,
                    "the teacher " + path +
                        " differs from the others in its output for neither: use teachers that "
                        "all have one, or that all have none");
    }
    neither_ = neither;
    models_.push_back(std::make_unique<ImageModel>(core::create_native_engine(model, core::Precision::fp32),
                                                   config.input, labels_ + (neither ? 1 : 0)));
    scales_.push_back(1 / (config.calibration.temperature * temperature_));
  }
}

void Teachers::run(const core::Image& rgb, std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  const auto share = 1 / static_cast<double>(models_.size());
  std::vector<float> logits(outputs());
  for (std::size_t m = 0; m < models_.size(); ++m) {
    models_[m]->run(rgb, logits);
    const std::span label_logits = std::span(logits).first(labels_);
    if (neither_) out[labels_] += static_cast<float>(share / (1 + std::exp(-logits[labels_])));
    core::softmax_in_place(label_logits, 1 / scales_[m]);
    for (std::size_t i = 0; i < labels_; ++i) out[i] += static_cast<float>(share * label_logits[i]);
  }
}

std::span<const float> RowCache::get(std::size_t view, std::size_t sample,
                                     const std::function<void(std::span<float>)>& fill) {
  std::unique_ptr<float[]>& row = rows_[view * samples_ + sample];
  if (!row) {
    auto made = std::make_unique<float[]>(width_);
    fill({made.get(), width_});
    row = std::move(made);
  }
  return {row.get(), width_};
}

void RowCache::save(const std::string& path) const {
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary, std::ios::binary);
  const std::uint64_t header[2]{rows_.size(), width_};
  out.write(reinterpret_cast<const char*>(header), sizeof header);
  for (std::uint64_t i = 0; i < rows_.size(); ++i) {
    if (!rows_[i]) continue;
    out.write(reinterpret_cast<const char*>(&i), sizeof i);
    out.write(reinterpret_cast<const char*>(rows_[i].get()), static_cast<std::streamsize>(width_ * sizeof(float)));
  }
  if (!out.flush()) throw Failure(Status::io, "can't write " + temporary + "; is the disk full?");
  out.close();
  std::filesystem::rename(temporary, path);
}

void RowCache::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::uint64_t header[2]{};
  if (!in.read(reinterpret_cast<char*>(header), sizeof header) || header[0] != rows_.size() || header[1] != width_)
    return;
  std::uint64_t i = 0;
  while (in.read(reinterpret_cast<char*>(&i), sizeof i) && i < rows_.size()) {
    auto row = std::make_unique<float[]>(width_);
    if (!in.read(reinterpret_cast<char*>(row.get()), static_cast<std::streamsize>(width_ * sizeof(float)))) return;
    rows_[i] = std::move(row);
  }
}

}  // namespace catdog::training
