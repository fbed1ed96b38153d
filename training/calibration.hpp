// SPDX-License-Identifier: Apache-2.0
// From logits to honest probabilities: what is fitted on the validation split after training.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "trainer.hpp"

namespace catdog::training {

// One image in five of those that the operating points are made for shows none of the classes.
inline constexpr double stranger_share = 0.2;

// score for neither = sigmoid(scale · logit + offset).
struct NeitherCalibration {
  double scale = 1;
  double offset = 0;
  double above = 0.5;  // The score above which the answer is "neither".
};

// Logistic regression on the logit (Platt 1999), negatives weighted as `stranger_share` of all. `above` is the score
// that `answered` of the images with a class don't exceed. Where `declined` of the negatives exceed a higher one, it is
// the middle of the two logits.
NeitherCalibration fit_neither(const Predictions& predictions, double answered, double declined);

// Folds scale and offset into row `output` of the last layer, so that sigmoid(logit) is the score.
void fold(const NeitherCalibration& calibration, const core::Network& network, std::int64_t output, StateDict& state);
void fold(const NeitherCalibration& calibration, Predictions& predictions);

// Precision and coverage of the answers for rising thresholds of trust = confidence · (1 - score for neither), as
// catdog.json has them ("curve"). Negatives weigh `stranger_share` of all; without any the curve is that of the
// labelled images. `predictions` are folded.
nlohmann::ordered_json operating_curve(const Predictions& predictions, double temperature, double above);

}  // namespace catdog::training
