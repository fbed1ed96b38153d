// SPDX-License-Identifier: Apache-2.0
// Expected numbers are worked out by hand; the way is in the comment beside each.
#include "metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "curves.hpp"

namespace catdog::cli {
namespace {

TEST(Auc, CountsPairsAndHalfOfTies) {
  // Positives 0.9, 0.5; negatives 0.5, 0.1. Pairs: 0.9 > both, 0.5 = 0.5 (half), 0.5 > 0.1: 3.5 of 4.
  EXPECT_DOUBLE_EQ(area_under_roc({0.9, 0.5, 0.5, 0.1}, {true, true, false, false}).value_or(-1), 0.875);
  EXPECT_DOUBLE_EQ(area_under_roc({0.1, 0.9}, {true, false}).value_or(-1), 0.0);
  EXPECT_DOUBLE_EQ(area_under_roc({0.4, 0.4, 0.4}, {true, false, true}).value_or(-1), 0.5);
}

TEST(Auc, IsUnknownWithOneClassOnly) {
  EXPECT_FALSE(area_under_roc({0.1, 0.2}, {true, true}).has_value());
  EXPECT_FALSE(area_under_roc({}, {}).has_value());
}

TEST(Wilson, KnownIntervals) {
  // p = 0.9, n = 100, z² = 3.841459: centre (0.9 + 0.01920729) / 1.03841459, half-width 0.0595682.
  const Interval interval = wilson_interval(90, 100);
  EXPECT_NEAR(interval.low, 0.82563, 1e-4);
  EXPECT_NEAR(interval.high, 0.94477, 1e-4);
  // All right: low = n / (n + z²).
  EXPECT_NEAR(wilson_interval(10, 10).low, 10 / 13.841459, 1e-6);
  EXPECT_DOUBLE_EQ(wilson_interval(10, 10).high, 1.0);
  EXPECT_DOUBLE_EQ(wilson_interval(0, 10).low, 0.0);
}

TEST(CalibrationError, WeighsTheGapOfEachBin) {
  // Bin of 0.9: 2 images, half right, gap 0.4; bin of 0.6: 2 images, both right, gap 0.4. Mean 0.4.
  EXPECT_NEAR(expected_calibration_error({0.9, 0.9, 0.6, 0.6}, {true, false, true, true}), 0.4, 1e-12);
  // In one bin over- and under-confidence cancel: 0.95 right and 0.95 wrong are 0.45 off on the average.
  EXPECT_NEAR(expected_calibration_error({0.95, 0.95}, {true, false}), 0.45, 1e-12);
  EXPECT_NEAR(expected_calibration_error({1.0}, {true}), 0.0, 1e-12);
}

TEST(CalibrationError, ABinHoldsItsUpperEdge) {
  // 2 bins: 0.5 belongs to (0, 0.5] and 0.6 to (0.5, 1]: |0.5 - 1| and |0.6 - 0|, mean 0.55. In one bin it'd be 0.05.
  EXPECT_NEAR(expected_calibration_error({0.5, 0.6}, {true, false}, 2), 0.55, 1e-12);
}

TEST(Metrics, OfFourImages) {
  const std::vector<Sample> samples{
      {0, 0, false, {0.8, 0.2}}, {0, 1, false, {0.4, 0.6}}, {1, 1, false, {0.1, 0.9}}, {1, 1, true, {0.45, 0.55}}};
  const Metrics metrics = compute_metrics(samples, 2);
  EXPECT_EQ(metrics.count, 4U);
  EXPECT_EQ(metrics.correct, 3U);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 0.75);
  EXPECT_EQ(metrics.confusion, (std::vector<std::vector<std::size_t>>{{1, 1}, {0, 2}}));
  EXPECT_DOUBLE_EQ(metrics.classes[0].precision.value_or(-1), 1.0);
  EXPECT_DOUBLE_EQ(metrics.classes[0].recall.value_or(-1), 0.5);
  EXPECT_DOUBLE_EQ(metrics.classes[0].f1.value_or(-1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.classes[1].precision.value_or(-1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.classes[1].recall.value_or(-1), 1.0);
  EXPECT_DOUBLE_EQ(metrics.classes[1].f1.value_or(-1), 0.8);
  // Dogs 0.9, 0.55 against cats 0.2, 0.6: 3 of 4 pairs.
  EXPECT_DOUBLE_EQ(metrics.auc.value_or(-1), 0.75);
  EXPECT_NEAR(metrics.log_loss, -(std::log(0.8) + std::log(0.4) + std::log(0.9) + std::log(0.55)) / 4, 1e-12);
  // (2·0.04 + 2·0.36 + 2·0.01 + 2·0.2025) / 4.
  EXPECT_NEAR(metrics.brier, 0.30625, 1e-12);
  EXPECT_DOUBLE_EQ(metrics.coverage, 0.75);
  EXPECT_DOUBLE_EQ(metrics.covered_accuracy.value_or(-1), 2.0 / 3);
}

TEST(Metrics, RatiosOfNothingAreUnknown) {
  const Metrics metrics = compute_metrics({{0, 0, true, {0.9, 0.1}}}, 2);
  EXPECT_FALSE(metrics.classes[1].precision.has_value());
  EXPECT_FALSE(metrics.classes[1].recall.has_value());
  EXPECT_FALSE(metrics.classes[1].f1.has_value());
  EXPECT_FALSE(metrics.auc.has_value());
  EXPECT_FALSE(metrics.covered_accuracy.has_value());
  EXPECT_DOUBLE_EQ(metrics.coverage, 0.0);
}

TEST(Metrics, ImagesOfNoLabelCountApart) {
  const std::vector<Sample> samples{
      {0, 0, false, {0.8, 0.2}, 0.1, false},       {1, 0, false, {0.6, 0.4}, 0.3, false},
      {1, 1, true, {0.4, 0.6}, 0.6, true},         {no_label, 0, true, {0.7, 0.3}, 0.9, true},
      {no_label, 1, true, {0.5, 0.5}, 0.4, false}, {no_label, 0, false, {0.9, 0.1}, 0.2, false}};
  const Metrics metrics = compute_metrics(samples, 2);
  EXPECT_EQ(metrics.count, 3U);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.coverage, 2.0 / 3);
  EXPECT_EQ(metrics.neither.count, 3U);
  EXPECT_DOUBLE_EQ(metrics.neither.declined.value_or(-1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.neither.called_neither.value_or(-1), 1.0 / 3);
  // Strangers 0.9, 0.4, 0.2 against 0.1, 0.3, 0.6: 3 + 2 + 1 of 9 pairs.
  EXPECT_DOUBLE_EQ(metrics.neither.auc.value_or(-1), 6.0 / 9);
  EXPECT_DOUBLE_EQ(metrics.answered.value_or(-1), 0.5);
  EXPECT_DOUBLE_EQ(metrics.answered_accuracy.value_or(-1), 1.0 / 3);
  // One image without a score: no AUC.
  EXPECT_FALSE(compute_metrics({{0, 0, false, {0.8, 0.2}}, {no_label, 0, false, {1, 0}, 0.5, false}}, 2)
                   .neither.auc.has_value());
}

TEST(Metrics, ACertainMistakeHasFiniteLoss) {
  const Metrics metrics = compute_metrics({{0, 1, false, {0.0, 1.0}}}, 2);
  EXPECT_NEAR(metrics.log_loss, 15 * std::log(10.0), 1e-9);
  EXPECT_DOUBLE_EQ(metrics.brier, 2.0);
}

void expect_curve(const Curve& curve, const Curve& expected) {
  ASSERT_EQ(curve.size(), expected.size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_DOUBLE_EQ(curve[i].x, expected[i].x) << i;
    EXPECT_DOUBLE_EQ(curve[i].y, expected[i].y) << i;
  }
}

TEST(Curves, EqualScoresAreOnePoint) {
  const std::vector<double> scores = {0.5, 0.9, 0.1, 0.5};
  const std::vector<bool> positive = {true, true, false, false};
  // Taken in order: 0.9 (positive); both of 0.5 (one each); 0.1 (negative).
  expect_curve(roc_curve(scores, positive), {{0, 0}, {0, 0.5}, {0.5, 1}, {1, 1}});
  expect_curve(precision_recall_curve(scores, positive), {{0.5, 1}, {1, 2.0 / 3}, {1, 0.5}});
  expect_curve(coverage_curve(scores, positive), {{0.25, 1}, {0.75, 2.0 / 3}, {1, 0.5}});
}

TEST(Curves, AreEmptyWithOneClassOnly) {
  EXPECT_TRUE(roc_curve({0.5}, {true}).empty());
  EXPECT_TRUE(roc_curve({0.5}, {false}).empty());
  EXPECT_TRUE(precision_recall_curve({0.5}, {false}).empty());
  EXPECT_TRUE(coverage_curve({}, {}).empty());
}

TEST(Curves, BinsHoldTheirUpperEdge) {
  // (0, 0.25]: 0 and 0.25; (0.25, 0.5]: 0.3; (0.75, 1]: 1.
  const std::vector<double> shares = histogram({0, 0.25, 0.3, 1}, 4);
  EXPECT_EQ(shares, (std::vector<double>{0.5, 0.25, 0, 0.25}));
  const auto bins = reliability({0.2, 0.25, 1}, {true, false, true}, 4);
  EXPECT_EQ(bins[0].count, 2U);
  EXPECT_EQ(bins[0].right, 1U);
  EXPECT_DOUBLE_EQ(bins[0].confidence, 0.45);
  EXPECT_EQ(bins[1].count, 0U);
  EXPECT_EQ(bins[3].right, 1U);
}

TEST(Bootstrap, IntervalOfAShareIsNearWilsons) {
  std::vector<Sample> samples;
  for (int i = 0; i < 200; ++i) samples.push_back({0, i < 180 ? 0 : 1, false, {0.5, 0.5}});
  samples.push_back({1, 1, false, {0.5, 0.5}});
  const auto figures = [](const Metrics& metrics) {
    return std::vector<std::optional<double>>{metrics.classes[0].recall, metrics.neither.auc};
  };
  const auto intervals = bootstrap_intervals(samples, 2, figures);
  ASSERT_EQ(intervals.size(), 2U);
  // Standard error √(0.9·0.1/200) = 0.0212, so 0.9 ± 0.0416.
  ASSERT_TRUE(intervals[0].has_value());
  EXPECT_NEAR(intervals[0]->low, 0.8584, 0.012);
  EXPECT_NEAR(intervals[0]->high, 0.9416, 0.012);
  EXPECT_FALSE(intervals[1].has_value());
}

}  // namespace
}  // namespace catdog::cli
