// SPDX-License-Identifier: Apache-2.0
#include "loader.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "augment.hpp"

namespace catdog::training {
namespace {

constexpr std::size_t batches_ahead = 8;
constexpr std::uint64_t order_stream = 1ULL << 60;
constexpr std::uint64_t mixup_stream = 1ULL << 61;

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

void put_image(at::Tensor& images, std::size_t index, const cv::Mat& rgb, const core::InputSpec& spec) {
  const auto elements = static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height) * 3;
  core::normalise(rgb, spec,
                  {images.data_ptr<float>() + index * elements, core::ElementType::float32, core::Layout::nhwc,
                   spec.height, spec.width});
}

EpochLoader::EpochLoader(const Dataset& data, const std::vector<std::size_t>& train, const TrainOptions& options,
                         const core::InputSpec& spec, int epoch, std::size_t first_batch)
    : data_(data),
      options_(options),
      spec_(spec),
      epoch_(epoch),
      order_(train),
      next_to_make_(first_batch),
      next_to_deliver_(first_batch) {
  Random random(options.seed, order_stream + static_cast<std::uint64_t>(epoch));
  for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
  // Batch-norm needs full batches; a set smaller than one batch is one batch.
  batches_ = std::max<std::size_t>(1, order_.size() / static_cast<std::size_t>(options.batch_size));
  for (int i = 0; i < std::max(1, options.loader_threads); ++i) threads_.emplace_back([this] { work(); });
}

EpochLoader::~EpochLoader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Batch EpochLoader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_.contains(next_to_deliver_); });
  Batch batch = std::move(ready_.extract(next_to_deliver_).mapped());
  ++next_to_deliver_;
  changed_.notify_all();
  return batch;
}

void EpochLoader::work() {
  at::set_num_threads(1);  // Binds this thread's OpenMP regions; the trainer's own thread keeps its setting.
  while (true) {
    std::size_t mine = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || next_to_make_ < next_to_deliver_ + batches_ahead; });
      if (stop_ || next_to_make_ >= batches_) return;
      mine = next_to_make_++;
    }
    Batch batch = make(mine);
    {
      const std::lock_guard lock(mutex_);
      ready_.emplace(mine, std::move(batch));
    }
    changed_.notify_all();
  }
}

Batch EpochLoader::make(std::size_t batch) const {
  const auto size = std::min(static_cast<std::size_t>(options_.batch_size), order_.size());
  const auto classes = static_cast<std::int64_t>(data_.labels.size());
  const auto off = static_cast<float>(options_.label_smoothing / static_cast<double>(classes));
  const auto on = off + static_cast<float>(1 - options_.label_smoothing);
  const auto rows = static_cast<std::int64_t>(size);
  Batch out{make_image_batch(size, options_.image_size), torch::full({rows, classes}, off), {}};
  const bool taught = !options_.teacher.empty();
  if (taught) out.teacher = torch::empty({rows, classes});
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t position = batch * size + i;
    const Sample& sample = data_.samples[order_[position]];
    Random random(options_.seed, stream_of(epoch_, position));
    put_image(out.images, i, augment(sample.rgb, options_, random), spec_);
    const auto row = static_cast<std::int64_t>(i) * classes;
    out.targets.data_ptr<float>()[row + sample.label] = on;
    if (taught)
      std::copy(sample.teacher_logits.begin(), sample.teacher_logits.end(), out.teacher.data_ptr<float>() + row);
  }
  if (taught) out.teacher = torch::softmax(out.teacher / options_.distill_temperature, 1);
  if (options_.mixup > 0) {
    const double lambda =
        beta_sample(options_.mixup, Random(options_.seed, mixup_stream + stream_of(epoch_, batch)).bits());
    const auto mix = [lambda](const at::Tensor& t) { return t * lambda + t.flip(0) * (1 - lambda); };
    out.images = mix(out.images).contiguous(at::MemoryFormat::ChannelsLast);
    out.targets = mix(out.targets);
    if (taught) out.teacher = mix(out.teacher);
  }
  return out;
}

}  // namespace catdog::training
