// SPDX-License-Identifier: Apache-2.0
// Trained weights → calibrated model file.
#pragma once

#include <string>

#include "trainer.hpp"

namespace catdog::training {

// Fits the temperature on the validation split, measures the test split, and writes output/best_model.pt and
// output/evaluation.json. Returns the evaluation as JSON text.
std::string export_model(const Trainer& trainer, const Dataset& data, const TrainOptions& options,
                         const std::string& architecture_json);

}  // namespace catdog::training
