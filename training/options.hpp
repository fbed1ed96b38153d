// SPDX-License-Identifier: Apache-2.0
// What catdog-train can be told. One struct, so that a checkpoint can hold it and --resume can compare it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace catdog::training {

struct TrainOptions {
  std::string data;          // Folder of class folders, or a tar of them.
  std::string architecture;  // Layer list.
  std::string output;        // Folder for checkpoints, metrics, splits and the model file.
  std::string exclude;       // Noise list: words that name files without their ending; # starts a comment.
  std::string teacher;       // CSV file,<label>_logit,… for distillation.
  std::string init;          // Model file whose weights training starts from.
  std::string name = "simplecnn";
  std::string version = "0.1.0";
  bool resume = false;

  int image_size = 128;
  int epochs = 30;
  int batch_size = 64;
  std::string optimizer = "adamw";     // adamw | sgd
  std::string schedule = "one-cycle";  // one-cycle | cosine
  double learning_rate = 3e-3;
  double warm_up = 0.15;  // Fraction of all steps.
  double weight_decay = 0.02;
  double momentum = 0.9;  // SGD.
  double ema = 0.998;     // 0: off.
  double label_smoothing = 0.05;
  double distill_weight = 0.0;  // Share of the distillation loss when a teacher is given.
  double distill_temperature = 1.0;

  double crop_scale_min = 0.6;  // Smallest share of the picture's area that a random crop keeps; 1: no crop.
  double flip = 0.5;
  double colour = 0.3;  // Strength of brightness, contrast and saturation jitter.
  double erase = 0.0;   // Probability of random erasing.
  double mixup = 0.0;   // Alpha of the Beta distribution; 0: off.

  double val_fraction = 0.05;
  double test_fraction = 0.10;
  std::uint64_t split_seed = 1;
  std::uint64_t seed = 1;
  bool bf16 = true;  // Autocast where the CPU multiplies bf16 in hardware.
  int threads = 0;   // 0: granted by the machine.
  int loader_threads = 2;
  bool progress = true;
};

// Everything that changes the result, as one line of JSON: stored in checkpoints, compared by --resume, written to
// provenance.
std::string describe(const TrainOptions& options);

// A deterministic 64-bit generator for one purpose: the same (seed, stream) gives the same numbers whatever the thread.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed + 0x9E3779B97F4A7C15ULL * (stream + 1))) {}
  std::uint64_t bits() {  // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    state_ += 0x9E3779B97F4A7C15ULL;
    return mix(state_);
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  std::uint64_t below(std::uint64_t n) { return static_cast<std::uint64_t>(uniform() * static_cast<double>(n)); }

  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace catdog::training
