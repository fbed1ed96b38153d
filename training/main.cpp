// SPDX-License-Identifier: Apache-2.0
// catdog-train: class folders or a tar of them → model file.
#include <ATen/Parallel.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "backbone.hpp"
#include "catdog/version.h"
#include "export.hpp"
#include "model/model_file.hpp"
#include "progress_bar.hpp"
#include "quantize.hpp"
#include "runtime/threads.hpp"
#include "start_weights.hpp"
#include "status.hpp"
#include "trainer.hpp"

namespace {

using namespace catdog;
using training::TrainOptions;

enum ExitCode { exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_interrupted = 130 };

std::atomic<bool> stop_requested{false};

// The second Ctrl-C ends the program the ordinary way.
void request_stop(int signal) {
  stop_requested = true;
  std::signal(signal, SIG_DFL);
}

void add_options(CLI::App& app, TrainOptions& o) {
  app.add_option("--data", o.data, "Folder of class folders, or a tar of them")->required();
  CLI::Option* architecture =
      app.add_option("--architecture", o.architecture, "Layer list (training/architectures/*.json)");
  CLI::Option* backbone =
      app.add_option("--backbone", o.backbone,
                     "Instead: a model file whose network, frozen, gets a new last layer for the classes of --data")
          ->excludes(architecture);
  app.add_option("--output", o.output, "Folder for checkpoints, metrics, split lists and the model file")->required();
  app.add_option("--exclude", o.exclude, "List of file names (without ending) to leave out");
  app.add_option("--negatives", o.negatives,
                 "Folder or tar of images that show none of the classes: for an output more");
  app.add_option("--teacher", o.teacher, "CSV file,<label>_logit,... to distil from");
  app.add_option("--teacher-model", o.teacher_models, "Model file to distil from; several are averaged")
      ->excludes("--teacher");
  app.add_option("--init", o.init, "Model file or PyTorch state dict to start from; other shapes start at random")
      ->excludes(backbone);
  app.add_option("--init-rows", o.init_rows,
                 "LAYER=SOURCE:ROWS: a layer's first rows from rows of a layer of --init (head.0=_fc:281-285,151-268)")
      ->needs("--init");
  CLI::Option* resume = app.add_flag(
      "--resume", o.resume, "Go on from the checkpoint in the output folder, with the same options or more --epochs");
  app.add_flag("--overwrite", o.overwrite, "Remove another run's files from the output folder")->excludes(resume);
  app.add_option("--name", o.name, "Name in the model file; default: the output folder's");
  app.add_option("--version-name", o.version, "Version in the model file; default: today's date");

  const auto* data = "Input and length";
  app.add_option("--image-size", o.image_size, "Side of the model's input in pixels")
      ->check(CLI::Range(8, 1024))
      ->capture_default_str()
      ->excludes(backbone)
      ->group(data);
  app.add_option("--mean", o.mean, "Mean of each channel, for pixels scaled to 0..1")
      ->delimiter(',')
      ->capture_default_str()
      ->excludes(backbone)
      ->group(data);
  app.add_option("--std", o.std_dev, "Deviation of each channel")
      ->delimiter(',')
      ->capture_default_str()
      ->excludes(backbone)
      ->group(data);
  app.add_option("--epochs", o.epochs, "0 = calibrate the weights of --init as they are")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str()
      ->group(data);
  app.add_option("--batch-size", o.batch_size)->check(CLI::Range(1, 4096))->capture_default_str()->group(data);
  app.add_option("--validation", o.val_fraction, "Share of the files")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str()
      ->group(data);
  app.add_option("--test", o.test_fraction, "Share of the files")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str()
      ->group(data);
  app.add_option("--split-seed", o.split_seed)->capture_default_str()->group(data);
  app.add_option("--seed", o.seed, "Same seed, same model")->capture_default_str()->group(data);

  const auto* optimisation = "Optimisation";
  app.add_option("--optimizer", o.optimizer)
      ->check(CLI::IsMember({"adamw", "sgd"}))
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--schedule", o.schedule)
      ->check(CLI::IsMember({"one-cycle", "cosine"}))
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--learning-rate", o.learning_rate)
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--warm-up", o.warm_up, "Share of all steps")
      ->check(CLI::Range(0.001, 0.9))
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--weight-decay", o.weight_decay)
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--momentum", o.momentum, "SGD only")
      ->check(CLI::Range(0.0, 0.9999))
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--ema", o.ema, "Decay of the weights' moving average, 0 = off")
      ->check(CLI::Range(0.0, 0.99999))
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--label-smoothing", o.label_smoothing)
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--distill-weight", o.distill_weight, "Share of the teacher in the loss")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--distill-temperature", o.distill_temperature)
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(optimisation);

  app.add_option("--negative-weight", o.negative_weight, "Weight of the loss of the output for neither")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--freeze", o.freeze, "Layer that keeps its start weights, with all below it; may be repeated")
      ->group(optimisation);
  app.add_flag("--freeze-batch-norm", o.freeze_batch_norm, "Batch-norm keeps its statistics")->group(optimisation);
  app.add_option("--rate", o.rate, "LAYER=FACTOR: learning rate of a layer and all below it; may be repeated")
      ->group(optimisation);
  app.add_option("--clip-norm", o.clip_norm, "Largest norm of the gradient, 0 = no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(optimisation);
  app.add_option("--average-with-start", o.average_with_start, "Share of the start weights in the result")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(optimisation);

  const auto* augmentation = "Augmentation";
  app.add_option(
         "--views", o.views,
         "Crops of each image, taken in turn, each computed once; 0 = a new one each epoch (with --backbone: 4)")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(augmentation);
  app.add_option("--crop", o.crop_scale_min, "Least share of the area that a random crop keeps, 1 = off")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str()
      ->group(augmentation);
  app.add_option("--flip", o.flip, "Probability of a mirror image")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(augmentation);
  app.add_option("--colour", o.colour, "Strength of brightness, contrast and saturation changes, 0 = off")
      ->check(CLI::Range(0.0, 0.6))
      ->capture_default_str()
      ->group(augmentation);
  app.add_option("--erase", o.erase, "Probability of random erasing")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(augmentation);
  app.add_option("--degrade", o.degrade, "Probability of blur, JPEG loss, rescaling or noise")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(augmentation);
  app.add_option("--mixup", o.mixup, "Alpha of the mixing distribution, 0 = off")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->group(augmentation);

  const auto* machine = "Machine";
  app.add_flag("--bf16,!--no-bf16", o.bf16, "bf16 autocast where the CPU has it (default)")->group(machine);
  app.add_option("--threads", o.threads, "0 = what the machine grants")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(machine);
  app.add_option("--loader-threads", o.loader_threads)
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->group(machine);
  app.add_flag("!--no-progress", o.progress, "No progress bar, no line for each epoch")->group(machine);
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw core::Failure(core::Status::not_found, "can't read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void report_data(const training::Dataset& data) {
  std::fprintf(stderr,
               "%zu images: %zu train, %zu validation, %zu test, %zu negatives; %zu excluded, %zu unreadable, %zu "
               "without teacher\n",
               data.samples.size(), data.indices(training::Split::train).size(),
               data.indices(training::Split::validation).size(), data.indices(training::Split::test).size(),
               static_cast<std::size_t>(std::count_if(data.samples.begin(), data.samples.end(),
                                                      [](const auto& sample) { return sample.label < 0; })),
               data.excluded, data.unreadable.size(), data.without_teacher);
  for (const auto& file : data.unreadable)
    std::fprintf(stderr, "unreadable: %s: %s\n", file.key.c_str(), file.reason.c_str());
}

// Activations of a batch are far above malloc's mmap threshold: without huge pages half of an epoch goes into page
// faults (docs/training.md). glibc reads its tunables before main, so the program starts itself again with this one
// set.
void use_huge_pages(char** argv) {
#if defined(__GLIBC__)
  if (std::getenv("GLIBC_TUNABLES") != nullptr) return;
  if (setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1) == 0) execv("/proc/self/exe", argv);
#else
  (void)argv;
#endif
}

int train(TrainOptions options) {
  at::set_num_threads(options.threads > 0 ? options.threads : core::granted_threads());
  training::claim_output(options);
  training::use_backbone(options);
  std::string architecture;
  core::Network network;
  if (options.backbone.empty()) {  // Before the images are decoded.
    architecture = read_text(options.architecture);
    network = core::parse_network(architecture);
    if (network.layers.empty()) {
      throw core::Failure(core::Status::invalid_argument, options.architecture + " has no layers");
    }
  }
  const training::Dataset data = training::load_dataset(options);
  report_data(data);
  training::write_split_lists(data, options.output);
  if (!options.backbone.empty()) {
    const std::size_t outputs = data.labels.size() + (options.negatives.empty() ? 0 : 1);
    architecture = training::backbone_architecture(options.backbone, outputs);
    network = core::parse_network(architecture);
  }
  const training::StateDict start =
      options.init.empty() ? training::StateDict{} : training::read_start_weights(options.init);
  training::Trainer trainer(data, std::move(network), options, start);
  if (!start.empty() && !trainer.random_start().empty()) {
    std::string names;
    for (const std::string& name : trainer.random_start()) names += " " + name;
    std::fprintf(stderr, "not in %s, so at random:%s\n", options.init.c_str(), names.c_str());
  }
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  if (trainer.run(stop_requested) == training::Outcome::interrupted) {
    std::fprintf(stderr, "stopped; the state is saved, --resume goes on\n");
    return exit_interrupted;
  }
  std::printf("%s\n", training::export_model(trainer, data, options, architecture).c_str());
  std::fprintf(stderr, "wrote %s/best_model.pt\n", options.output.c_str());
  return exit_ok;
}

// Parses the words and says what is wrong with them. Nothing: go on; else the program's exit code.
std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
}

// catdog-train quantize …: a command of its own, whose options are few.
int quantize(int argc, char** argv) {
  CLI::App app{"Copies a model file and gives the copy the ranges that int8 needs, measured on training images."};
  std::string model;
  std::string output;
  std::size_t images = 512;
  TrainOptions options;
  app.add_option("MODEL", model, "Model file")->required();
  app.add_option("--data", options.data, "Folder of class folders, or a tar of them: as in training")->required();
  app.add_option("--output,-o", output, "File to write")->required();
  app.add_option("--exclude", options.exclude, "List of file names (without ending) to leave out");
  app.add_option("--images", images, "Training images to measure on")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  if (const auto code = parse(app, argc, argv)) return *code;
  at::set_num_threads(1);  // The golden logits are the same on every machine of a kind.
  training::quantize_model(model, output, options, images);
  std::fprintf(stderr, "wrote %s\n", output.c_str());
  return exit_ok;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1 && std::string(argv[1]) == "quantize") return quantize(argc - 1, argv + 1);
  TrainOptions options;
  CLI::App app{"Trains an image classifier and writes its model file."};
  app.set_version_flag("--version", CATDOG_VERSION);
  app.footer(R"(catdog-train quantize --help: adds what int8 needs to a model file.

Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted (--resume goes on).)");
  add_options(app, options);
  if (const auto code = parse(app, argc, argv)) return *code;
  if (options.architecture.empty() && options.backbone.empty()) {
    std::fprintf(stderr, "catdog-train: give --architecture FILE or --backbone MODEL; see --help\n");
    return exit_usage;
  }
  if (options.epochs == 0 && options.init.empty()) {
    std::fprintf(stderr, "catdog-train: --epochs 0 calibrates the weights of --init FILE; name one\n");
    return exit_usage;
  }
  use_huge_pages(argv);
  training::name_model(options);
  return train(options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "catdog-train: %s\n", error.what());
  return exit_failed;
}
