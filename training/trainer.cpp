// SPDX-License-Identifier: Apache-2.0
#include "trainer.hpp"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "augment.hpp"
#include "engine/cpu_features.hpp"
#include "engine/engine.hpp"
#include "loader.hpp"
#include "model/network_shapes.hpp"
#include "parameter_groups.hpp"
#include "progress_bar.hpp"
#include "start_weights.hpp"
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

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const std::vector<ParameterGroup>& parameters,
                                                        const TrainOptions& options) {
  const auto make = [&]<typename Optimizer>(std::type_identity<Optimizer>, const auto& base) {
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const ParameterGroup& group : parameters) {
      auto own = std::make_unique<std::decay_t<decltype(base)>>(base);
      own->weight_decay(group.decayed ? options.weight_decay : 0);
      groups.emplace_back(group.parameters, std::move(own));
    }
    return std::unique_ptr<torch::optim::Optimizer>(std::make_unique<Optimizer>(groups, base));
  };
  if (options.optimizer == "sgd") {
    return make(
        std::type_identity<torch::optim::SGD>{},
        torch::optim::SGDOptions(options.learning_rate).momentum(options.momentum).nesterov(options.momentum > 0));
  }
  return make(std::type_identity<torch::optim::AdamW>{}, torch::optim::AdamWOptions(options.learning_rate));
}

void set_learning_rate(torch::optim::Optimizer& optimizer, double rate, const std::vector<double>& shares) {
  auto& groups = optimizer.param_groups();
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].options().set_lr(rate * shares[i]);
}

// Dropout draws from torch's generator: seeded per epoch, so that an epoch doesn't depend on how the one before it was
// run.
void seed_epoch(const TrainOptions& options, int epoch) {
  torch::manual_seed(Random(options.seed, (1ULL << 62) + static_cast<std::uint64_t>(epoch)).bits());
}

}  // namespace

core::InputSpec input_spec(const TrainOptions& options) {
  core::InputSpec spec;
  spec.width = spec.height = options.image_size;
  std::copy(options.mean.begin(), options.mean.end(), spec.mean.begin());
  std::copy(options.std_dev.begin(), options.std_dev.end(), spec.std_dev.begin());
  return spec;
}

Trainer::Trainer(const Dataset& data, core::Network network, const TrainOptions& options, const StateDict& start)
    : data_(data),
      options_(options),
      spec_(input_spec(options)),
      network_((torch::manual_seed(options.seed), std::move(network)), options.image_size) {
  options_.bf16 = options.bf16 && core::cpu_has_fast_bf16();
  const auto outputs =
      static_cast<std::size_t>(core::infer_shapes(network_.network(), options.image_size, options.image_size).back().c);
  const std::size_t classes = data.labels.size();
  if (outputs != classes && outputs != classes + 1) {
    throw core::Failure(core::Status::invalid_argument,
                        "the network has " + std::to_string(outputs) + " outputs, the data " + std::to_string(classes) +
                            " classes: a network has one output for each class, or one more for neither");
  }
  options_.neither = outputs > classes;
  if (options_.neither != !options.negatives.empty()) {
    throw core::Failure(core::Status::invalid_argument,
                        options_.neither ? "the network has an output for neither: --negatives must name images for it"
                                         : "--negatives needs a network with one more output than there are classes");
  }
  if (!start.empty()) {
    StateDict begin = start;
    copy_rows(options.init_rows, network_, begin);
    random_start_ = network_.load(begin);
  }
  network_.freeze(options.freeze);
  if (options.freeze_batch_norm) network_.freeze_batch_norm();
  for (const std::string& name : random_start_) {
    if (!start.empty() && network_.is_frozen(name)) {
      throw core::Failure(core::Status::invalid_argument,
                          "--freeze: the start weights have no tensor \"" + name + "\" of the network's shape");
    }
  }

  const std::vector<ParameterGroup> groups = group_parameters(network_, options_);
  for (const ParameterGroup& group : groups) rates_.push_back(group.rate);
  optimizer_ = make_optimizer(groups, options_);
  ema_ = detached_copy(network_.state());
  if (options.average_with_start > 0) start_ = detached_copy(network_.state());

  const auto views = static_cast<std::size_t>(options.views);
  first_ = frozen_layers(network_);
  if (first_ > 0) {
    models_.frozen = frozen_part(network_, first_, spec_);
    const auto shape = core::infer_shapes(network_.network(), options.image_size, options.image_size).at(first_ - 1);
    models_.frozen_shape =
        shape.flat ? std::vector<std::int64_t>{shape.c} : std::vector<std::int64_t>{shape.c, shape.h, shape.w};
    models_.features = std::make_unique<RowCache>(views + 1, data.samples.size(), models_.frozen->outputs());
  }
  if (!options.teacher_models.empty()) {
    models_.teachers = std::make_unique<Teachers>(options.teacher_models, data.labels, options.distill_temperature);
    models_.lessons = std::make_unique<RowCache>(views, data.samples.size(), models_.teachers->outputs());
  }
  seed_epoch(options_, 0);
}

StateDict Trainer::result() const {
  StateDict state = detached_copy(options_.ema > 0 ? ema_ : network_.state());
  for (const auto& [name, tensor] : start_) state.at(name).lerp_(tensor, options_.average_with_start);
  return state;
}

Outcome Trainer::run(const std::atomic<bool>& stop) {
  const std::string path = options_.output + "/checkpoint.pt";
  if (options_.resume) progress_ = load_checkpoint(path, network_, ema_, *optimizer_, describe(options_));
  if (options_.resume && models_.lessons) models_.lessons->load(lessons_path());
  const std::vector<std::size_t> train = data_.indices(Split::train, true);
  while (progress_.epoch < options_.epochs) {
    run_epoch(train, stop);
    if (models_.lessons && progress_.epoch <= options_.views) models_.lessons->save(lessons_path());
    save_checkpoint(path, network_, ema_, *optimizer_, progress_, describe(options_));
    if (stop && progress_.epoch < options_.epochs) return Outcome::interrupted;
  }
  return Outcome::finished;
}

void Trainer::run_epoch(const std::vector<std::size_t>& train, const std::atomic<bool>& stop) {
  if (progress_.step == 0) seed_epoch(options_, progress_.epoch);
  EpochLoader loader(data_, train, options_, spec_, models_, progress_.epoch, progress_.step);
  const auto steps = static_cast<double>(loader.batches()) * options_.epochs;
  ProgressBar bar("epoch " + std::to_string(progress_.epoch + 1) + "/" + std::to_string(options_.epochs),
                  loader.batches(), progress_.step, options_.progress);
  const double seconds_before = progress_.seconds;
  const auto start = std::chrono::steady_clock::now();
  while (progress_.step < loader.batches() && !stop) {
    const Batch batch = loader.next();
    set_learning_rate(*optimizer_, learning_rate(options_, static_cast<double>(progress_.total) / steps), rates_);
    at::Tensor outputs;
    {
      const AutocastScope autocast(options_.bf16);
      outputs = network_.forward(batch.inputs, true, first_);
    }
    const at::Tensor loss = batch_loss(outputs.to(torch::kFloat32), batch.targets, options_);
    optimizer_->zero_grad();
    loss.backward();
    if (options_.clip_norm > 0) {
      std::vector<at::Tensor> all;
      for (const auto& group : optimizer_->param_groups()) {
        all.insert(all.end(), group.params().begin(), group.params().end());
      }
      torch::nn::utils::clip_grad_norm_(all, options_.clip_norm);
    }
    optimizer_->step();
    ++progress_.step;
    ++progress_.total;
    update_average();
    progress_.loss_sum += loss.item<double>();
    progress_.seconds =
        seconds_before + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto images = static_cast<double>(progress_.step) * options_.batch_size;
    bar.update(progress_.step, images / progress_.seconds, progress_.loss_sum / static_cast<double>(progress_.step));
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
  if (options_.progress) {
    const auto left = static_cast<int>(progress_.seconds * (options_.epochs - progress_.epoch));
    std::fprintf(
        stderr, "epoch %d/%d  loss %.4f  validation accuracy %.2f %%, log loss %.4f  %.1f images/s  ETA %d:%02d:%02d\n",
        progress_.epoch, options_.epochs, loss, 100 * validation.accuracy, validation.log_loss,
        line.at("pictures_per_second").get<double>(), left / 3600, left / 60 % 60, left % 60);
  }
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

at::Tensor Trainer::make_inputs(std::size_t count) const {
  if (!models_.frozen) return make_image_batch(count, options_.image_size);
  std::vector<std::int64_t> shape{static_cast<std::int64_t>(count)};
  shape.insert(shape.end(), models_.frozen_shape.begin(), models_.frozen_shape.end());
  return torch::empty(shape);
}

void Trainer::put_input(at::Tensor& inputs, std::size_t row, std::size_t sample) const {
  const core::Image& rgb = data_.samples[sample].rgb;
  if (!models_.frozen) return put_image(inputs, row, resize_for_evaluation(rgb, {spec_.width, spec_.height}), spec_);
  const auto last_view = static_cast<std::size_t>(options_.views);
  const std::span<const float> features =
      models_.features->get(last_view, sample, [&](std::span<float> out) { models_.frozen->run(rgb, out); });
  std::copy(features.begin(), features.end(), inputs.data_ptr<float>() + row * features.size());
}

Predictions Trainer::predict(Split split) const {
  const c10::InferenceMode inference;
  const StateDict state = result();
  const auto classes = static_cast<std::int64_t>(data_.labels.size());
  std::vector<std::size_t> indices = data_.indices(split, true);
  const auto first_negative =
      std::stable_partition(indices.begin(), indices.end(), [&](std::size_t i) { return data_.samples[i].label >= 0; });
  const auto positives = first_negative - indices.begin();
  std::vector<at::Tensor> logits;
  std::vector<std::int64_t> labels;
  constexpr std::size_t batch_size = 64;
  for (std::size_t first = 0; first < indices.size(); first += batch_size) {
    const std::size_t count = std::min(batch_size, indices.size() - first);
    at::Tensor inputs = make_inputs(count);
    for (std::size_t i = 0; i < count; ++i) {
      put_input(inputs, i, indices[first + i]);
      if (data_.samples[indices[first + i]].label >= 0) labels.push_back(data_.samples[indices[first + i]].label);
    }
    logits.push_back(network_.forward_with(state, inputs, false, first_));
  }
  const at::Tensor all = torch::cat(logits);
  Predictions predictions{
      all.slice(0, 0, positives).slice(1, 0, classes), torch::tensor(labels, torch::kInt64), {}, {}, {}};
  if (options_.neither) {
    predictions.neither = all.slice(0, 0, positives).select(1, classes);
    predictions.negatives = all.slice(0, positives).slice(1, 0, classes);
    predictions.negative_neither = all.slice(0, positives).select(1, classes);
  }
  return predictions;
}

}  // namespace catdog::training
