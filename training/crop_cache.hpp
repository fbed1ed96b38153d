// SPDX-License-Identifier: Apache-2.0
// What models that don't change make of each crop: outputs of teachers, and of the network's own frozen part. Each is
// computed once for a crop, by the native engine, and kept.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "model/model_file.hpp"
#include "network_module.hpp"
#include "options.hpp"

namespace catdog::training {

// Runs a network on images of any size. Thread-safe.
class ImageModel {
 public:
  ImageModel(std::unique_ptr<core::Engine> engine, core::InputSpec input, std::size_t outputs)
      : engine_(std::move(engine)), input_(input), outputs_(outputs) {}

  std::size_t outputs() const { return outputs_; }
  // `rgb` is resized to the network's input. `out` has outputs() values.
  void run(const core::Image& rgb, std::span<float> out);

 private:
  std::unique_ptr<core::EngineContext> lease();

  std::unique_ptr<core::Engine> engine_;
  core::InputSpec input_;
  std::size_t outputs_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<core::EngineContext>> idle_;
};

// The layers before the first one that trains: how many, 0 when the network trains from its start. No later layer reads
// into them.
std::size_t frozen_layers(const TrainableNetwork& network);

// The first `layers` layers with their present weights.
std::unique_ptr<ImageModel> frozen_part(const TrainableNetwork& network, std::size_t layers,
                                        const core::InputSpec& input);

// Model files averaged: probability of each label, and with an output for neither its probability last.
class Teachers {
 public:
  // Throws core::Failure: what ModelFile throws, invalid_argument for other labels than the data's, or for models of
  // which only some have an output for neither.
  Teachers(const std::vector<std::string>& paths, const std::vector<std::string>& labels, double temperature);

  std::size_t outputs() const { return labels_ + (neither_ ? 1 : 0); }
  void run(const core::Image& rgb, std::span<float> out);

 private:
  std::size_t labels_;
  bool neither_ = false;
  double temperature_;
  std::vector<std::unique_ptr<ImageModel>> models_;
  std::vector<double> scales_;  // 1 / (the model's own temperature · temperature_).
};

// Rows of one width for (view, sample). Different rows may be filled on different threads.
class RowCache {
 public:
  RowCache(std::size_t views, std::size_t samples, std::size_t width)
      : samples_(samples), width_(width), rows_(views * samples) {}

  std::size_t width() const { return width_; }
  // The row, made by `fill` when it isn't there yet.
  std::span<const float> get(std::size_t view, std::size_t sample, const std::function<void(std::span<float>)>& fill);
  // Rows made so far, to a file and back. load() takes a missing file, and one of another shape, as an empty one.
  void save(const std::string& path) const;
  void load(const std::string& path);

 private:
  std::size_t samples_;
  std::size_t width_;
  std::vector<std::unique_ptr<float[]>> rows_;
};

}  // namespace catdog::training
