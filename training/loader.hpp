// SPDX-License-Identifier: Apache-2.0
// Augmented batches, made ahead of time by a few threads, delivered in order.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "dataset.hpp"
#include "image/preprocess.hpp"

namespace catdog::training {

struct Batch {
  at::Tensor images;   // N×3×H×W float32, channels-last.
  at::Tensor targets;  // N×classes: smoothed one-hot labels, mixed when mixup is on.
  at::Tensor teacher;  // N×classes: the teacher's probabilities; undefined without a teacher.
};

// Input memory for N pictures of a model.
at::Tensor make_image_batch(std::size_t count, int image_size);
// Normalises one picture into row `index` of such a batch.
void put_image(at::Tensor& images, std::size_t index, const cv::Mat& rgb, const core::InputSpec& spec);

// The batches of one epoch: order and augmentation depend on (seed, epoch, position) alone, so that a resumed run sees
// the same ones.
class EpochLoader {
 public:
  EpochLoader(const Dataset& data, const std::vector<std::size_t>& train, const TrainOptions& options,
              const core::InputSpec& spec, int epoch, std::size_t first_batch);
  ~EpochLoader();
  EpochLoader(const EpochLoader&) = delete;
  EpochLoader& operator=(const EpochLoader&) = delete;

  std::size_t batches() const { return batches_; }
  Batch next();  // The batch after the last one delivered. Not beyond batches().

 private:
  void work();
  Batch make(std::size_t batch) const;

  const Dataset& data_;
  const TrainOptions& options_;
  core::InputSpec spec_;
  int epoch_;
  std::vector<std::size_t> order_;
  std::size_t batches_ = 0;
  std::size_t next_to_make_;
  std::size_t next_to_deliver_;
  bool stop_ = false;
  std::map<std::size_t, Batch> ready_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace catdog::training
