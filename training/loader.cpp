// SPDX-License-Identifier: Apache-2.0
#include "loader.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <system_error>

#include "augment.hpp"
#include "status.hpp"

namespace catdog::training {
namespace {

constexpr std::size_t batches_ahead = 8;
constexpr std::uint64_t order_stream = 1ULL << 60;
constexpr std::uint64_t mixup_stream = 1ULL << 61;

constexpr std::uint64_t view_stream = 1ULL << 59;

std::uint64_t stream_of(int epoch, std::size_t position) {
  return (static_cast<std::uint64_t>(epoch) << 32) + position;
}

double beta_sample(double alpha, std::uint64_t bits) {
  std::mt19937_64 engine(bits);
  std::gamma_distribution<double> gamma(alpha, 1.0);
  const double a = gamma(engine);
  const double b = gamma(engine);
  return a + b > 0 ? a / (a + b) : 0.5;
}

}  // namespace

at::Tensor make_image_batch(std::size_t count, int image_size) {
  return torch::empty({static_cast<std::int64_t>(count), image_size, image_size, 3}).permute({0, 3, 1, 2});
}

void put_image(at::Tensor& images, std::size_t index, const core::Image& rgb, const core::InputSpec& spec) {
  const auto elements = static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height) * 3;
  core::normalise(rgb, spec,
                  {images.data_ptr<float>() + index * elements, core::ElementType::float32, core::Layout::nhwc,
                   spec.height, spec.width});
}

EpochLoader::EpochLoader(const Dataset& data, const std::vector<std::size_t>& train, const TrainOptions& options,
                         const core::InputSpec& spec, const FixedModels& models, int epoch, std::size_t first_batch)
    : data_(data),
      options_(options),
      spec_(spec),
      models_(models),
      epoch_(epoch),
      order_(train),
      next_to_make_(first_batch),
      next_to_deliver_(first_batch) {
  Random random(options.seed, order_stream + static_cast<std::uint64_t>(epoch));
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
  // Batch-norm needs full batches; a set smaller than one batch is one batch.
  batches_ = std::max<std::size_t>(1, order_.size() / static_cast<std::size_t>(options.batch_size));
  try {
    for (int i = 0; i < std::max(1, options.loader_threads); ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {  // No more threads to be had: go on with those that started.
    if (threads_.empty())
      throw core::Failure(core::Status::out_of_memory, "no thread can be started for loading images");
  }
}

EpochLoader::~EpochLoader() { stop(); }

void EpochLoader::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Batch EpochLoader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return failure_ || ready_.contains(next_to_deliver_); });
  if (failure_) std::rethrow_exception(failure_);
  Batch batch = std::move(ready_.extract(next_to_deliver_).mapped());
  ++next_to_deliver_;
  changed_.notify_all();
  return batch;
}

void EpochLoader::work() {
  try {
    at::set_num_threads(1);  // Binds this thread's OpenMP regions; the trainer's own thread keeps its setting.
    while (true) {
      std::size_t mine = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stop_ || next_to_make_ < next_to_deliver_ + batches_ahead; });
        if (stop_ || failure_ || next_to_make_ >= batches_) return;
        mine = next_to_make_++;
      }
      Batch batch = make(mine);
      {
        const std::lock_guard lock(mutex_);
        ready_.emplace(mine, std::move(batch));
      }
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    changed_.notify_all();
  }
}

Batch EpochLoader::make(std::size_t batch) const {
  const auto size = std::min(static_cast<std::size_t>(options_.batch_size), order_.size());
  const std::size_t classes = data_.labels.size();
  const auto off = static_cast<float>(options_.label_smoothing / static_cast<double>(classes));
  const auto on = off + static_cast<float>(1 - options_.label_smoothing);
  const auto rows = static_cast<std::int64_t>(size);
  const auto columns = static_cast<std::int64_t>(classes);
  const bool taught = models_.teachers != nullptr || !options_.teacher.empty();
  const bool taught_neither = models_.teachers != nullptr && models_.teachers->outputs() > classes;

  Batch out;
  if (models_.frozen) {
    std::vector<std::int64_t> shape{rows};
    shape.insert(shape.end(), models_.frozen_shape.begin(), models_.frozen_shape.end());
    out.inputs = torch::empty(shape);
  } else {
    out.inputs = make_image_batch(size, options_.image_size);
  }
  out.targets.labels = torch::zeros({rows, columns});
  if (taught) out.targets.teacher = torch::zeros({rows, columns});
  if (options_.neither) out.targets.neither = torch::zeros({rows});

  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t position = batch * size + i;
    const std::size_t index = order_[position];
    const Sample& sample = data_.samples[index];
    const auto views = static_cast<std::size_t>(options_.views);
    const std::size_t view = views > 0 ? static_cast<std::size_t>(epoch_) % views : 0;
    Random random(options_.seed,
                  views > 0 ? view_stream + stream_of(static_cast<int>(view), index) : stream_of(epoch_, position));
    core::Image crop;  // Made when somebody asks for it.
    const auto image = [&]() -> const core::Image& {
      if (crop.empty()) crop = augment(sample.rgb, options_, random);
      return crop;
    };
    // Runs a fixed model, or finds what it said of this view before.
    const auto fixed = [&](RowCache& cache, auto& model, std::span<float> to) {
      const auto fill = [&](std::span<float> row) { model.run(image(), row); };
      if (views == 0) return fill(to);
      const std::span<const float> row = cache.get(view, index, fill);
      std::copy(row.begin(), row.end(), to.begin());
    };

    if (models_.frozen) {
      const std::size_t width = models_.frozen->outputs();
      fixed(*models_.features, *models_.frozen, {out.inputs.data_ptr<float>() + i * width, width});
    } else {
      put_image(out.inputs, i, resize_for_evaluation(image(), {spec_.width, spec_.height}), spec_);
    }

    const bool negative = sample.label < 0;
    if (!negative) {
      float* row = out.targets.labels.data_ptr<float>() + i * classes;
      std::fill_n(row, classes, off);
      row[sample.label] = on;
    }
    if (options_.neither) out.targets.neither.data_ptr<float>()[i] = negative ? 1.0F : 0.0F;
    if (models_.teachers) {
      std::vector<float> lesson(models_.teachers->outputs());
      fixed(*models_.lessons, *models_.teachers, lesson);
      if (!negative) std::copy_n(lesson.begin(), classes, out.targets.teacher.data_ptr<float>() + i * classes);
      if (options_.neither && taught_neither) {
        float& target = out.targets.neither.data_ptr<float>()[i];
        const auto weight = static_cast<float>(options_.distill_weight);
        target = (1 - weight) * target + weight * lesson[classes];
      }
    } else if (taught && !negative) {
      std::vector<float> lesson = sample.teacher_logits;
      core::softmax_in_place(lesson, options_.distill_temperature);
      std::copy(lesson.begin(), lesson.end(), out.targets.teacher.data_ptr<float>() + i * classes);
    }
  }
  if (options_.mixup > 0) {
    const double lambda =
        beta_sample(options_.mixup, Random(options_.seed, mixup_stream + stream_of(epoch_, batch)).bits());
    const auto mix = [lambda](at::Tensor& t) {
      if (t.defined()) t = t * lambda + t.flip(0) * (1 - lambda);
    };
    mix(out.inputs);
    if (!models_.frozen) out.inputs = out.inputs.contiguous(at::MemoryFormat::ChannelsLast);
    mix(out.targets.labels);
    mix(out.targets.teacher);
    mix(out.targets.neither);
  }
  return out;
}

}  // namespace catdog::training
