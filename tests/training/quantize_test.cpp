// SPDX-License-Identifier: Apache-2.0
#include "quantize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>

#include "augment.hpp"
#include "engine/cpu_features.hpp"
#include "engine/native/native_engine.hpp"
#include "export.hpp"
#include "loader.hpp"
#include "model/model_file.hpp"
#include "status.hpp"
#include "tiny_dataset.hpp"
#include "trainer.hpp"

namespace catdog::training {
namespace {

class QuantizeTest : public testing::Test {
 protected:
  void SetUp() override {
    options_ = tests::prepare_tiny_run(folder_.path());
    options_.epochs = 2;
    at::set_num_threads(1);
    std::ifstream in(options_.architecture);
    const std::string architecture((std::istreambuf_iterator<char>(in)), {});
    data_ = load_dataset(options_);
    Trainer trainer(data_, core::parse_network(architecture), options_, {});
    const std::atomic<bool> stop{false};
    trainer.run(stop);
    export_model(trainer, data_, options_, architecture);
  }

  std::string model() const { return options_.output + "/best_model.pt"; }
  std::string target() const { return (folder_.path() / "quantized.pt").string(); }

  tests::TemporaryFolder folder_;
  TrainOptions options_;
  Dataset data_;
};

TEST_F(QuantizeTest, AddsRangesAndKeepsTheRest) {
  quantize_model(model(), target(), options_, 20);
  const core::ModelFile before = core::ModelFile::from_file(model());
  const core::ModelFile after = core::ModelFile::from_file(target());
  EXPECT_TRUE(before.config().calibration.ranges.empty());
  EXPECT_EQ(after.config().calibration.ranges.size(), after.config().network.layers.size());
  EXPECT_EQ(after.config().calibration.temperature, before.config().calibration.temperature);
  EXPECT_EQ(after.config().calibration.abstain_below, before.config().calibration.abstain_below);
  EXPECT_EQ(after.config().name, before.config().name);
  for (const auto& [name, view] : before.weights()) {
    const auto& values = after.weights().at(name).values;
    EXPECT_TRUE(std::equal(values.begin(), values.end(), view.values.begin(), view.values.end())) << name;
  }
  quantize_model(model(), model(), options_, 20);  // In place.
  EXPECT_EQ(core::ModelFile::from_file(model()).config().json, after.config().json);
}

TEST_F(QuantizeTest, ARangeIsTheMeanOfTheLargestValues) {
  const core::ModelFile file = core::ModelFile::from_file(model());
  TrainableNetwork network(file.config().network, options_.image_size);
  const std::vector<std::size_t> two{0, 1};
  const core::InputSpec& spec = file.config().input;
  const auto of_both = measure_ranges(network, data_, two, spec);
  const auto of_first = measure_ranges(network, data_, {0}, spec);
  const auto of_second = measure_ranges(network, data_, {1}, spec);
  for (std::size_t i = 0; i < of_both.size(); ++i) {
    EXPECT_NEAR(of_both[i], (of_first[i] + of_second[i]) / 2, 0.01 * of_both[i]);  // Three digits.
  }
}

TEST_F(QuantizeTest, Int8AnswersAsFp32Does) {
  if (!core::cpu_has_fast_int8()) GTEST_SKIP() << "this CPU has no int8";
  quantize_model(model(), target(), options_, 100);
  const core::ModelFile file = core::ModelFile::from_file(target());
  const auto fp32 = core::create_native_engine(file, core::Precision::fp32)->create_context();
  const auto int8 = core::create_native_engine(file, core::Precision::int8)->create_context();
  const core::InputSpec& spec = file.config().input;
  for (const std::size_t i : data_.indices(Split::test)) {
    std::vector<float> expected(2);
    std::vector<float> actual(2);
    for (auto* each : {fp32.get(), int8.get()}) {
      core::normalise(resize_for_evaluation(data_.samples[i].rgb, {spec.width, spec.height}), spec, each->input());
      each->run(each == fp32.get() ? expected : actual);
    }
    EXPECT_NEAR(actual[0] - actual[1], expected[0] - expected[1], 0.05 * std::abs(expected[0] - expected[1]) + 0.05);
  }
}

// Otherwise images that measure the model would be among them.
TEST_F(QuantizeTest, MeasuresOnTheSplitOfTheTraining) {
  TrainOptions only_data;  // As the command has them.
  only_data.data = options_.data;
  quantize_model(model(), target(), only_data, 1000);
  const auto config = nlohmann::json::parse(core::ModelFile::from_file(target()).config().json);
  EXPECT_EQ(config.at("calibration").at("quantization").at("images"), data_.indices(Split::train).size());
}

TEST_F(QuantizeTest, RefusesWhatIsNoModel) {
  try {
    quantize_model(options_.architecture, target(), options_, 20);
    FAIL() << "nothing was thrown";
  } catch (const core::Failure& failure) {
    EXPECT_EQ(failure.status(), core::Status::model_format);
  }
  EXPECT_FALSE(std::filesystem::exists(target()));
}

}  // namespace
}  // namespace catdog::training
