// SPDX-License-Identifier: Apache-2.0
#include "quantize.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "augment.hpp"
#include "loader.hpp"
#include "model/model_file.hpp"
#include "start_weights.hpp"
#include "status.hpp"
#include "torch_io/model_writer.hpp"

namespace catdog::training {
namespace {

constexpr std::size_t batch_size = 32;
constexpr double least_range = 1e-5;  // Of a layer that gives zeros.

// Three digits: the last bits depend on the CPU.
double rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return std::strtod(text, nullptr);
}

// Evenly spread, for the samples are sorted by class.
std::vector<std::size_t> some_of(const std::vector<std::size_t>& all, std::size_t count) {
  if (all.size() <= count) return all;
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(all[i * all.size() / count]);
  return some;
}

// The split that the model was trained with, as far as the file says: the images that measure it are no part of it.
void take_split(const nlohmann::ordered_json& config, TrainOptions& options) {
  const nlohmann::ordered_json given =
      config.value("/provenance/options"_json_pointer, nlohmann::ordered_json::object());
  options.val_fraction = given.value("val_fraction", options.val_fraction);
  options.test_fraction = given.value("test_fraction", options.test_fraction);
  options.split_seed = given.value("split_seed", options.split_seed);
}

}  // namespace

std::vector<double> measure_ranges(const TrainableNetwork& network, const Dataset& data,
                                   const std::vector<std::size_t>& images, const core::InputSpec& spec) {
  const c10::InferenceMode inference;
  std::vector<double> sums(network.network().layers.size());
  for (std::size_t first = 0; first < images.size(); first += batch_size) {
    const std::size_t count = std::min(batch_size, images.size() - first);
    at::Tensor inputs = make_image_batch(count, spec.width);
    for (std::size_t i = 0; i < count; ++i) {
      const core::Image& rgb = data.samples[images[first + i]].rgb;
      put_image(inputs, i, resize_for_evaluation(rgb, {spec.width, spec.height}), spec);
    }
    network.forward_with(network.state(), inputs, false, 0, [&](std::size_t layer, const at::Tensor& output) {
      sums[layer] += output.flatten(1).abs().amax(1).sum().item<double>();
    });
  }
  std::vector<double> ranges;
  for (const double sum : sums) {
    ranges.push_back(rounded(std::max(least_range, sum / static_cast<double>(images.size()))));
  }
  return ranges;
}

void quantize_model(const std::string& model, const std::string& output, TrainOptions options, std::size_t images) {
  const core::ModelFile file = core::ModelFile::from_file(model);
  if (!file.has_native_part()) {
    throw core::Failure(core::Status::model_unsupported, model + " has no layer list: it is a plain TorchScript file");
  }
  const core::InputSpec& spec = file.config().input;
  if (spec.width != spec.height) {
    throw core::Failure(core::Status::model_unsupported, model + " has no square input, which the trainer needs");
  }
  options.image_size = spec.width;
  nlohmann::ordered_json config = nlohmann::ordered_json::parse(file.config().json);
  take_split(config, options);
  const Dataset data = load_dataset(options);
  TrainableNetwork network(file.config().network, spec.width);
  const StateDict state = state_of(file);
  network.load(state);
  const std::vector<std::size_t> chosen = some_of(data.indices(Split::train), images);
  if (chosen.empty()) throw core::Failure(core::Status::invalid_argument, options.data + " has no training images");
  config["calibration"]["quantization"] = {{"ranges", measure_ranges(network, data, chosen, spec)},
                                           {"images", chosen.size()}};
  torch_io::write_model_file(output, config.dump(2), state);
}

}  // namespace catdog::training
