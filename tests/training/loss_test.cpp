// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "trainer.hpp"

namespace {

using namespace catdog::training;

TEST(BatchLoss, IsCrossEntropyWithoutATeacher) {
  TrainOptions options;
  const at::Tensor logits = torch::tensor({{2.0F, 0.0F}});
  const at::Tensor targets = torch::tensor({{0.9F, 0.1F}});
  const double log_z = std::log(std::exp(2.0) + 1.0);
  EXPECT_NEAR(batch_loss(logits, {targets, {}, {}}, options).item<double>(), 0.9 * (log_z - 2) + 0.1 * log_z, 1e-6);
}

TEST(BatchLoss, DistillationIsScaledByTheSquaredTemperature) {
  TrainOptions options;
  options.distill_weight = 1;
  options.distill_temperature = 2;
  const at::Tensor logits = torch::tensor({{1.0F, -1.0F}});
  const at::Tensor teacher = torch::tensor({{0.75F, 0.25F}});
  const double q = 1 / (1 + std::exp(-1.0));  // The network's probability at temperature 2.
  const double kl = 0.75 * std::log(0.75 / q) + 0.25 * std::log(0.25 / (1 - q));
  EXPECT_NEAR(batch_loss(logits, {torch::tensor({{1.0F, 0.0F}}), teacher, {}}, options).item<double>(), 4 * kl, 1e-6);
}

// A negative has neither label nor teacher: it counts in the output for neither alone.
TEST(BatchLoss, NegativesCountInTheOutputForNeitherAlone) {
  TrainOptions options;
  options.negative_weight = 3;
  const at::Tensor outputs = torch::tensor({{2.0F, 0.0F, -1.0F}, {5.0F, -5.0F, 0.5F}});
  const at::Tensor labels = torch::tensor({{0.0F, 1.0F}, {0.0F, 0.0F}});
  const double cross_entropy = std::log(std::exp(2.0) + 1.0);
  const double neither = (std::log1p(std::exp(-1.0)) + std::log1p(std::exp(-0.5))) / 2;
  EXPECT_NEAR(batch_loss(outputs, {labels, {}, torch::tensor({0.0F, 1.0F})}, options).item<double>(),
              cross_entropy + 3 * neither, 1e-6);
}

TEST(LearningRate, WarmsUpThenFalls) {
  TrainOptions options;
  options.learning_rate = 1;
  options.warm_up = 0.2;
  for (const char* schedule : {"one-cycle", "cosine"}) {
    options.schedule = schedule;
    EXPECT_NEAR(learning_rate(options, 0), 0.04, 1e-12) << schedule;
    EXPECT_NEAR(learning_rate(options, 0.2), 1, 1e-12) << schedule;
    EXPECT_NEAR(learning_rate(options, 0.6), 0.5, 0.01) << schedule;
    EXPECT_LT(learning_rate(options, 1), 1e-5) << schedule;
  }
  EXPECT_NEAR(learning_rate(options, 0.1), 0.52, 1e-9);  // "cosine" warms up along a line,
  options.schedule = "one-cycle";
  EXPECT_NEAR(learning_rate(options, 0.05), 0.04 + 0.96 * (1 - std::cos(3.14159265 / 4)) / 2,
              1e-6);  // "one-cycle" doesn't.
}

TEST(Metrics, WilsonIntervalOfNineInTen) {
  Predictions predictions{torch::zeros({10, 2}), torch::zeros({10}, torch::kInt64), {}, {}, {}};
  predictions.logits.index_put_({torch::arange(0, 9), 0}, 1.0);
  predictions.logits.index_put_({9, 1}, 1.0);
  const Metrics metrics = measure(predictions, 1);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 0.9);
  EXPECT_NEAR(metrics.accuracy_interval.low, 0.5958, 1e-4);  // Brown, Cai, DasGupta 2001.
  EXPECT_NEAR(metrics.accuracy_interval.high, 0.9821, 1e-4);
}

TEST(Temperature, RecoversAKnownScale) {
  // Labels drawn so that sigmoid(margin) is exactly right; logits three times too large need temperature 3.
  std::vector<float> logits;
  std::vector<std::int64_t> labels;
  for (const double margin : {-2.0, -1.0, 0.5, 1.5}) {
    const int positives = static_cast<int>(std::lround(1000 / (1 + std::exp(-margin))));
    for (int i = 0; i < 1000; ++i) {
      logits.push_back(0);
      logits.push_back(static_cast<float>(3 * margin));
      labels.push_back(i < positives ? 1 : 0);
    }
  }
  const Predictions predictions{torch::tensor(logits).view({-1, 2}), torch::tensor(labels, torch::kInt64), {}, {}, {}};
  EXPECT_NEAR(fit_temperature(predictions), 3, 0.02);
}

// 400 hesitant answers, which a temperature below 1 makes surer.
TEST(Temperature, FewWrongAnswersDontMakeTheNetworkSurer) {
  const auto hesitant = [](int wrong) {
    Predictions predictions;
    predictions.logits = torch::zeros({400, 2});
    predictions.logits.select(1, 0).fill_(1);
    predictions.labels = torch::zeros({400}, torch::kInt64);
    predictions.labels.slice(0, 0, wrong).fill_(1);
    return predictions;
  };
  EXPECT_NEAR(fit_temperature(hesitant(9)), 1, 1e-3);
  EXPECT_NEAR(fit_temperature(hesitant(10)), 1 / std::log(39.0), 0.01);  // The logits' odds are then those of the data.
}

}  // namespace
