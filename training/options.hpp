// SPDX-License-Identifier: Apache-2.0
// What catdog-train can be told. One struct, so that a checkpoint can hold it and --resume can compare it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace catdog::training {

struct TrainOptions {
  std::string data;          // Folder of class folders, or a tar of them.
  std::string architecture;  // Layer list.
  std::string backbone;      // Model file, instead of a layer list: see use_backbone().
  std::string output;        // Folder for checkpoints, metrics, splits and the model file.
  std::string exclude;       // Noise list: words that name files without their ending; # starts a comment.
  std::string negatives;     // Folder or tar of images that show none of the classes.
  std::string teacher;       // CSV file,<label>_logit,… for distillation.
  std::vector<std::string> teacher_models;  // Model files that see each crop; their probabilities are averaged.
  std::string init;                         // Model file or PyTorch state dict whose tensors training starts from.
  std::vector<std::string> init_rows;       // LAYER=SOURCE:ROWS: first rows of a layer from rows of a layer of `init`.
  std::string name;                         // "" = the output folder's.
  std::string version;                      // "" = today's date.
  bool resume = false;
  bool overwrite = false;

  int image_size = 128;
  std::array<double, 3> mean{0.485, 0.456, 0.406};  // For pixels scaled to 0..1: ImageNet's, as torchvision has them.
  std::array<double, 3> std_dev{0.229, 0.224, 0.225};
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
  bool neither = false;             // The network has an output for neither; follows from it.
  double negative_weight = 1.0;     // Weight of the loss of the output for neither.
  std::vector<std::string> freeze;  // Layers (by name, with all below) that keep their start weights.
  bool freeze_batch_norm = false;   // Batch-norm keeps its statistics everywhere.
  std::vector<std::string> rate;    // LAYER=FACTOR: learning rate of a layer and all below.
  double clip_norm = 0.0;           // Largest norm of the gradient; 0: no limit.
  double average_with_start = 0.0;  // Share of the start weights in the result.
  int views = 0;                    // Crops of each image, taken in turn; 0: a new crop each epoch.

  double crop_scale_min = 0.6;  // Smallest share of the image's area that a random crop keeps; 1: no crop.
  double flip = 0.5;
  double colour = 0.3;   // Strength of brightness, contrast and saturation jitter.
  double erase = 0.0;    // Probability of random erasing.
  double degrade = 0.0;  // Probability of blur, JPEG loss, rescaling or noise.
  double mixup = 0.0;    // Alpha of the Beta distribution; 0: off.

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

// Between two of these lines the options that differ, as "then → now"; "" when none does. More epochs count as none: a
// run may be prolonged.
std::string differences(const std::string& then, const std::string& now);

// Fills in the name and the version that weren't given.
void name_model(TrainOptions& options);

// A run's files are only removed when that is asked for. Throws Failure(invalid_argument) for an output folder that has
// some, unless options.resume or options.overwrite.
void claim_output(const TrainOptions& options);

}  // namespace catdog::training
