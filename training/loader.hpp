// SPDX-License-Identifier: Apache-2.0
// Augmented batches, made ahead of time by a few threads, delivered in order.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "crop_cache.hpp"
#include "dataset.hpp"
#include "image/preprocess.hpp"

namespace catdog::training {

struct Targets {
  at::Tensor labels;   // N×classes: smoothed one-hot labels, mixed when mixup is on; zeros for negatives.
  at::Tensor teacher;  // N×classes: the teachers' probabilities, zeros for negatives; undefined without a teacher.
  at::Tensor neither;  // N: probability that the image shows no class; undefined without an output for it.
};

struct Batch {
  at::Tensor inputs;  // N×3×H×W float32, channels-last; or the frozen part's output.
  Targets targets;
};

// Models that don't change, and what they made of the crops so far. The view after the last one is the image as
// inference sees it.
struct FixedModels {
  std::unique_ptr<ImageModel> frozen;      // Null: the whole network trains.
  std::vector<std::int64_t> frozen_shape;  // Of one row.
  std::unique_ptr<RowCache> features;
  std::unique_ptr<Teachers> teachers;  // Null: no teacher that is a model.
  std::unique_ptr<RowCache> lessons;
};

// Input memory for N images of a model.
at::Tensor make_image_batch(std::size_t count, int image_size);
// Normalises one image into row `index` of such a batch.
void put_image(at::Tensor& images, std::size_t index, const core::Image& rgb, const core::InputSpec& spec);

// The batches of one epoch: order and augmentation depend on (seed, epoch, position) alone, so that a resumed run sees
// the same ones. With options.views they depend on (seed, view, sample).
class EpochLoader {
 public:
  EpochLoader(const Dataset& data, const std::vector<std::size_t>& train, const TrainOptions& options,
              const core::InputSpec& spec, const FixedModels& models, int epoch, std::size_t first_batch);
  ~EpochLoader();
  EpochLoader(const EpochLoader&) = delete;
  EpochLoader& operator=(const EpochLoader&) = delete;

  std::size_t batches() const { return batches_; }
  // The batch after the last one delivered. Not beyond batches(). Throws what making a batch threw.
  Batch next();

 private:
  void work();
  Batch make(std::size_t batch) const;
  void stop() noexcept;

  const Dataset& data_;
  const TrainOptions& options_;
  core::InputSpec spec_;
  const FixedModels& models_;
  int epoch_;
  std::vector<std::size_t> order_;
  std::size_t batches_ = 0;
  std::size_t next_to_make_;
  std::size_t next_to_deliver_;
  bool stop_ = false;
  std::exception_ptr failure_;
  std::map<std::size_t, Batch> ready_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace catdog::training
