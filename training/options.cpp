// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace catdog::training {

std::string describe(const TrainOptions& o) {
  const auto file_name = [](const std::string& path) { return std::filesystem::path(path).filename().string(); };
  const nlohmann::ordered_json json{{"data", file_name(o.data)},
                                    {"architecture", file_name(o.architecture)},
                                    {"exclude", file_name(o.exclude)},
                                    {"teacher", file_name(o.teacher)},
                                    {"init", file_name(o.init)},
                                    {"image_size", o.image_size},
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
                                    {"crop_scale_min", o.crop_scale_min},
                                    {"flip", o.flip},
                                    {"colour", o.colour},
                                    {"erase", o.erase},
                                    {"mixup", o.mixup},
                                    {"val_fraction", o.val_fraction},
                                    {"test_fraction", o.test_fraction},
                                    {"split_seed", o.split_seed},
                                    {"seed", o.seed},
                                    {"bf16", o.bf16}};
  return json.dump();
}

}  // namespace catdog::training
