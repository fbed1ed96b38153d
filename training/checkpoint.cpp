// SPDX-License-Identifier: Apache-2.0
#include "checkpoint.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <filesystem>

#include "options.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

using core::Failure;
using core::Status;

// The archive takes no dots in keys.
std::string key(const char* prefix, std::string name) {
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return prefix + name;
}

void write_state(torch::serialize::OutputArchive& archive, const char* prefix, const StateDict& state) {
  for (const auto& [name, tensor] : state) archive.write(key(prefix, name), tensor.detach(), true);
}

void read_state(torch::serialize::InputArchive& archive, const char* prefix, const StateDict& state) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state) {
    at::Tensor stored;
    archive.read(key(prefix, name), stored, true);
    at::Tensor target = tensor;
    target.copy_(stored);
  }
}

}  // namespace

void save_checkpoint(const std::string& path, const TrainableNetwork& network, const StateDict& ema,
                     const torch::optim::Optimizer& optimizer, const Progress& progress, const std::string& options) {
  torch::serialize::OutputArchive archive;
  write_state(archive, "model_", network.state());
  write_state(archive, "ema_", ema);
  torch::serialize::OutputArchive optimizer_archive;
  optimizer.save(optimizer_archive);
  archive.write("optimizer", optimizer_archive);
  archive.write("generator", at::detail::getDefaultCPUGenerator().get_state(), true);
  archive.write("counts",
                torch::tensor({static_cast<std::int64_t>(progress.epoch), static_cast<std::int64_t>(progress.step),
                               progress.total},
                              torch::kInt64),
                true);
  archive.write("sums", torch::tensor({progress.loss_sum, progress.seconds}, torch::kFloat64), true);
  archive.write("options", c10::IValue(options));
  const std::string temporary = path + ".tmp";
  archive.save_to(temporary);
  std::filesystem::rename(temporary, path);
}

Progress load_checkpoint(const std::string& path, TrainableNetwork& network, StateDict& ema,
                         torch::optim::Optimizer& optimizer, const std::string& options) {
  if (!std::filesystem::exists(path)) {
    throw Failure(Status::not_found, "nothing to resume: no checkpoint at " + path + "; leave --resume out to start");
  }
  torch::serialize::InputArchive archive;
  try {
    archive.load_from(path);
  } catch (const c10::Error&) {
    throw Failure(Status::model_format, "the checkpoint can't be read: " + path + "; delete it and start again");
  }
  c10::IValue stored_options;
  archive.read("options", stored_options);
  if (const std::string differing = differences(stored_options.toStringRef(), options); !differing.empty()) {
    throw Failure(Status::invalid_argument,
                  "the checkpoint was made with other options (then → now): " + differing + "; resume with the same");
  }
  read_state(archive, "model_", network.state());
  read_state(archive, "ema_", ema);
  torch::serialize::InputArchive optimizer_archive;
  archive.read("optimizer", optimizer_archive);
  optimizer.load(optimizer_archive);
  at::Tensor generator;
  at::Tensor counts;
  at::Tensor sums;
  archive.read("generator", generator, true);
  archive.read("counts", counts, true);
  archive.read("sums", sums, true);
  at::Generator default_generator = at::detail::getDefaultCPUGenerator();
  default_generator.set_state(generator);
  Progress progress;
  progress.epoch = static_cast<int>(counts[0].item<std::int64_t>());
  progress.step = static_cast<std::size_t>(counts[1].item<std::int64_t>());
  progress.total = counts[2].item<std::int64_t>();
  progress.loss_sum = sums[0].item<double>();
  progress.seconds = sums[1].item<double>();
  return progress;
}

}  // namespace catdog::training
