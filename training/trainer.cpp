// SPDX-License-Identifier: Apache-2.0
#include "trainer.hpp"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "augment.hpp"
#include "engine/engine.hpp"
#include "loader.hpp"
#include "progress_bar.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

// bf16 autocast while it lives, where it is wanted and the CPU has it.
class AutocastScope {
 public:
  explicit AutocastScope(bool enabled) : enabled_(enabled) { set(enabled); }
  ~AutocastScope() {
    set(false);
    if (enabled_) at::autocast::clear_cache();
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  static void set(bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCPU, on);
#else
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(on);
#endif
  }
  bool enabled_;
};

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const TrainableNetwork& network, const TrainOptions& options) {
  if (options.optimizer == "sgd") {
    const auto base = [&](double decay) {
      return std::make_unique<torch::optim::SGDOptions>(torch::optim::SGDOptions(options.learning_rate)
                                                            .momentum(options.momentum)
                                                            .nesterov(options.momentum > 0)
                                                            .weight_decay(decay));
    };
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(network.parameters(true), base(options.weight_decay));
    groups.emplace_back(network.parameters(false), base(0));
    return std::make_unique<torch::optim::SGD>(groups, *base(0));
  }
  const auto base = [&](double decay) {
    return std::make_unique<torch::optim::AdamWOptions>(
        torch::optim::AdamWOptions(options.learning_rate).weight_decay(decay));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(network.parameters(true), base(options.weight_decay));
  groups.emplace_back(network.parameters(false), base(0));
  return std::make_unique<torch::optim::AdamW>(groups, *base(0));
}

void set_learning_rate(torch::optim::Optimizer& optimizer, double rate) {
  for (auto& group : optimizer.param_groups()) group.options().set_lr(rate);
}

// Dropout draws from torch's generator: seeded per epoch, so that an epoch doesn't depend on how the one before it was
// run.
void seed_epoch(const TrainOptions& options, int epoch) {
  torch::manual_seed(Random(options.seed, (1ULL << 62) + static_cast<std::uint64_t>(epoch)).bits());
}

}  // namespace

Trainer::Trainer(const Dataset& data, core::Network network, const TrainOptions& options)
    : data_(data),
      options_(options),
      network_((torch::manual_seed(options.seed), std::move(network)), options.image_size),
      ema_(detached_copy(network_.state())),
      optimizer_(make_optimizer(network_, options)) {
  spec_.width = spec_.height = options.image_size;
  options_.bf16 = options.bf16 && core::cpu_has_fast_bf16();
  seed_epoch(options_, 0);
}

void Trainer::reset_average() { ema_ = detached_copy(network_.state()); }

Outcome Trainer::run(const std::atomic<bool>& stop) {
  const std::string path = options_.output + "/checkpoint.pt";
  if (options_.resume) progress_ = load_checkpoint(path, network_, ema_, *optimizer_, describe(options_));
  const std::vector<std::size_t> train = data_.indices(Split::train);
  while (progress_.epoch < options_.epochs) {
    run_epoch(train, stop);
    save_checkpoint(path, network_, ema_, *optimizer_, progress_, describe(options_));
    if (stop && progress_.epoch < options_.epochs) return Outcome::interrupted;
  }
  return Outcome::finished;
}

void Trainer::run_epoch(const std::vector<std::size_t>& train, const std::atomic<bool>& stop) {
  if (progress_.step == 0) seed_epoch(options_, progress_.epoch);
  EpochLoader loader(data_, train, options_, spec_, progress_.epoch, progress_.step);
  const auto steps = static_cast<double>(loader.batches()) * options_.epochs;
  ProgressBar bar("epoch " + std::to_string(progress_.epoch + 1) + "/" + std::to_string(options_.epochs),
                  loader.batches(), progress_.step, options_.progress);
  const double seconds_before = progress_.seconds;
  const auto start = std::chrono::steady_clock::now();
  while (progress_.step < loader.batches() && !stop) {
    const Batch batch = loader.next();
    set_learning_rate(*optimizer_, learning_rate(options_, static_cast<double>(progress_.total) / steps));
    at::Tensor logits;
    {
      const AutocastScope autocast(options_.bf16);
      logits = network_.forward(batch.images, true);
    }
    const at::Tensor loss = batch_loss(logits.to(torch::kFloat32), batch.targets, batch.teacher, options_);
    optimizer_->zero_grad();
    loss.backward();
    optimizer_->step();
    ++progress_.step;
    ++progress_.total;
    update_average();
    progress_.loss_sum += loss.item<double>();
    progress_.seconds =
        seconds_before + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto pictures = static_cast<double>(progress_.step) * options_.batch_size;
    bar.update(progress_.step, pictures / progress_.seconds, progress_.loss_sum / static_cast<double>(progress_.step));
  }
  bar.finish();
  if (progress_.step == loader.batches()) finish_epoch(loader.batches());
}

void Trainer::finish_epoch(std::size_t batches) {
  const Metrics validation = measure(predict(Split::validation), 1.0);
  const double loss = progress_.loss_sum / static_cast<double>(batches);
  const nlohmann::ordered_json line{
      {"epoch", progress_.epoch + 1},
      {"train_loss", loss},
      {"validation_accuracy", validation.accuracy},
      {"validation_log_loss", validation.log_loss},
      {"learning_rate", learning_rate(options_, static_cast<double>(progress_.total) /
                                                    (static_cast<double>(batches) * options_.epochs))},
      {"seconds", progress_.seconds},
      {"pictures_per_second", static_cast<double>(batches) * options_.batch_size / progress_.seconds}};
  std::ofstream out(options_.output + "/metrics.jsonl", std::ios::app);
  out << line.dump() << '\n';
  if (!out.flush()) throw core::Failure(core::Status::io, "can't write " + options_.output + "/metrics.jsonl");
  ++progress_.epoch;
  progress_.step = 0;
  progress_.loss_sum = 0;
  progress_.seconds = 0;
}

void Trainer::update_average() {
  if (options_.ema <= 0) return;
  const torch::NoGradGuard no_grad;
  // A short memory at first, so that the random start is forgotten.
  const auto steps = static_cast<double>(progress_.total);
  const double decay = std::min(options_.ema, (1 + steps) / (10 + steps));
  for (auto& [name, average] : ema_) average.lerp_(network_.state().at(name), 1 - decay);
}

Predictions Trainer::predict(Split split) const {
  const c10::InferenceMode inference;
  const std::vector<std::size_t> indices = data_.indices(split);
  std::vector<at::Tensor> logits;
  std::vector<std::int64_t> labels;
  constexpr std::size_t batch_size = 64;
  for (std::size_t first = 0; first < indices.size(); first += batch_size) {
    const std::size_t count = std::min(batch_size, indices.size() - first);
    at::Tensor images = make_image_batch(count, options_.image_size);
    for (std::size_t i = 0; i < count; ++i) {
      const Sample& sample = data_.samples[indices[first + i]];
      put_image(images, i, resize_for_evaluation(sample.rgb, options_.image_size), spec_);
      labels.push_back(sample.label);
    }
    logits.push_back(network_.forward_with(result(), images, false));
  }
  return {torch::cat(logits), torch::tensor(labels, torch::kInt64)};
}

}  // namespace catdog::training
