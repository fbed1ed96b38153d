// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <array>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "status.hpp"

namespace catdog::training {
namespace fs = std::filesystem;

std::string describe(const TrainOptions& o) {
  const auto file_name = [](const std::string& path) { return fs::path(path).filename().string(); };
  std::vector<std::string> (*const file_names)(const std::vector<std::string>&) = [](const auto& paths) {
    std::vector<std::string> names;
    for (const std::string& path : paths) names.push_back(fs::path(path).filename().string());
    return names;
  };
  const nlohmann::ordered_json json{{"data", file_name(o.data)},
                                    {"architecture", file_name(o.architecture)},
                                    {"exclude", file_name(o.exclude)},
                                    {"teacher", file_name(o.teacher)},
                                    {"negatives", file_name(o.negatives)},
                                    {"teacher_models", file_names(o.teacher_models)},
                                    {"init", file_name(o.init)},
                                    {"init_rows", o.init_rows},
                                    {"image_size", o.image_size},
                                    {"mean", o.mean},
                                    {"std", o.std_dev},
                                    {"epochs", o.epochs},
                                    {"batch_size", o.batch_size},
                                    {"optimizer", o.optimizer},
                                    {"schedule", o.schedule},
                                    {"learning_rate", o.learning_rate},
                                    {"warm_up", o.warm_up},
                                    {"weight_decay", o.weight_decay},
                                    {"momentum", o.momentum},
                                    {"ema", o.ema},
                                    {"label_smoothing", o.label_smoothing},
                                    {"distill_weight", o.distill_weight},
                                    {"distill_temperature", o.distill_temperature},
                                    {"negative_weight", o.negative_weight},
                                    {"freeze", o.freeze},
                                    {"freeze_batch_norm", o.freeze_batch_norm},
                                    {"rate", o.rate},
                                    {"clip_norm", o.clip_norm},
                                    {"average_with_start", o.average_with_start},
                                    {"views", o.views},
                                    {"crop_scale_min", o.crop_scale_min},
                                    {"flip", o.flip},
                                    {"colour", o.colour},
                                    {"erase", o.erase},
                                    {"degrade", o.degrade},
                                    {"mixup", o.mixup},
                                    {"val_fraction", o.val_fraction},
                                    {"test_fraction", o.test_fraction},
                                    {"split_seed", o.split_seed},
                                    {"seed", o.seed},
                                    {"bf16", o.bf16}};
  return json.dump();
}

std::string differences(const std::string& then, const std::string& now) {
  const auto before = nlohmann::json::parse(then);
  const auto after = nlohmann::json::parse(now);
  std::string text;
  for (const auto& [key, value] : after.items()) {
    const nlohmann::json old = before.value(key, nlohmann::json());
    if (old == value || (key == "epochs" && old.is_number() && old < value)) continue;
    text += (text.empty() ? "" : ", ") + key + ": " + old.dump() + " → " + value.dump();
  }
  return text;
}

void name_model(TrainOptions& options) {
  if (options.name.empty()) {
    const fs::path folder = fs::absolute(options.output).lexically_normal();
    options.name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  }
  if (options.version.empty()) {
    const std::time_t now = std::time(nullptr);
    std::tm day{};
    std::array<char, 16> text{};
    localtime_r(&now, &day);
    std::strftime(text.data(), text.size(), "%Y.%m.%d", &day);
    options.version = text.data();
  }
}

void claim_output(const TrainOptions& options) {
  fs::create_directories(options.output);
  if (options.resume) return;
  for (const char* file : {"checkpoint.pt", "metrics.jsonl", "best_model.pt"}) {
    const fs::path path = fs::path(options.output) / file;
    if (!fs::exists(path)) continue;
    if (!options.overwrite) {
      throw core::Failure(core::Status::invalid_argument,
                          options.output + " has the files of another run (" + file +
                              "): --resume goes on with it, --overwrite removes it, or name another --output");
    }
    fs::remove(path);
  }
}

}  // namespace catdog::training
