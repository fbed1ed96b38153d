// SPDX-License-Identifier: Apache-2.0
// Quality of a classifier on labelled images. No I/O: checked against numbers worked out by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "wilson.hpp"

namespace catdog::cli {

inline constexpr int no_label = -1;  // Truth of an image that shows none of the labels.

struct Sample {
  int truth = 0;
  int predicted = 0;
  bool abstained = false;              // The answer is no label.
  std::vector<double> probabilities;   // One per label.
  std::optional<double> neither = {};  // Score for neither.
  bool called_neither = false;         // The answer is "neither".
};

using core::Interval;
using core::wilson_interval;

struct ClassMetrics {
  std::size_t support = 0;
  // Empty where the ratio is 0/0: no image was predicted as the class, or none is in it.
  std::optional<double> precision;
  std::optional<double> recall;
  std::optional<double> f1;
  std::optional<double> auc;  // This class against the rest.
};

// Images that show none of the labels.
struct NeitherMetrics {
  std::size_t count = 0;
  std::optional<double> declined;        // Share answered "neither" or "uncertain".
  std::optional<double> called_neither;  // Share answered "neither".
  std::optional<double> auc;             // Of the score for neither, against the images that show a label.
};

// All figures but the last three are of the images that show a label.
struct Metrics {
  std::size_t count = 0;
  std::size_t correct = 0;
  double accuracy = 0;
  Interval accuracy_interval;  // Wilson, 95 %.
  std::optional<double> auc;   // Mean over the classes; with two classes the one AUC there is.
  double ece = 0;              // 15 equal bins of confidence.
  double log_loss = 0;
  double brier = 0;     // Sum over the classes of (probability - truth)², mean over the images: 0..2.
  double coverage = 1;  // Share of the images on which the classifier did not abstain.
  std::optional<double> covered_accuracy;
  std::vector<ClassMetrics> classes;
  std::vector<std::vector<std::size_t>> confusion;  // [truth][predicted]
  NeitherMetrics neither;
  std::optional<double> answered;           // Share of all images whose answer is a label.
  std::optional<double> answered_accuracy;  // Share of right ones among those answers.
};

// Probability that a positive scores above a negative, ties counting half; empty when there are only positives or only
// negatives.
std::optional<double> area_under_roc(const std::vector<double>& scores, const std::vector<bool>& positive);

// Of equal bins of [0, 1], the one that holds the value; a bin is (lower, upper].
int bin_of(double value, int bins);

struct ReliabilityBin {
  std::size_t count = 0;
  std::size_t right = 0;
  double confidence = 0;  // Sum.
};

// Confidences are the probabilities of the predicted labels.
std::vector<ReliabilityBin> reliability(const std::vector<double>& confidences, const std::vector<bool>& correct,
                                        int bins = 15);
double expected_calibration_error(const std::vector<double>& confidences, const std::vector<bool>& correct,
                                  int bins = 15);

Metrics compute_metrics(const std::vector<Sample>& samples, std::size_t labels);

}  // namespace catdog::cli
