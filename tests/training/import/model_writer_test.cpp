// SPDX-License-Identifier: Apache-2.0
#include "torch_io/model_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "lib/model/failure_matcher.hpp"
#include "lib/runtime/temporary_folder.hpp"
#include "model/archive.hpp"
#include "model/sha256.hpp"
#include "training/import/simple_cnn.hpp"

namespace catdog {
namespace {

using core::Status;
using test_support::expect_failure;
using test_support::Json;
namespace fs = std::filesystem;

const Json& small_config() {
  static const Json config = test_support::config_for(test_support::simple_cnn({4, 4, 8, 8}, 8, 3), 32, 3);
  return config;
}

torch_io::StateDict small_state(std::uint64_t seed = 3) {
  at::manual_seed(seed);
  return test_support::random_state(core::parse_network(small_config().at("architecture").dump()), 32, 32);
}

class ModelWriter : public testing::Test {
 protected:
  fs::path file(const std::string& name) const { return folder_.path / name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_.path), fs::directory_iterator()));
  }

 private:
  test_support::TemporaryFolder folder_;
};

TEST_F(ModelWriter, WritesWhatTheModelFileReaderReads) {
  Json config = small_config();
  config["calibration"] = {{"temperature", 1.5}, {"abstain_below", 0.25}};
  config["metrics"] = {{"accuracy", 0.5}};
  const auto state = small_state();
  torch_io::write_model_file(file("m.pt"), config.dump(), state);
  EXPECT_EQ(files(), 1U);  // No temporary file stays.

  const auto model = core::ModelFile::from_file(file("m.pt"));
  EXPECT_TRUE(model.has_native_part());
  EXPECT_EQ(model.config().name, "imported");
  EXPECT_EQ(model.config().labels, (std::vector<std::string>{"cat", "dog", "label2"}));
  EXPECT_EQ(model.config().calibration.temperature, 1.5);
  EXPECT_EQ(Json::parse(model.config().json).at("metrics").at("accuracy"), 0.5);
  ASSERT_EQ(model.weights().size(), state.size());
  for (const auto& [name, tensor] : state) {
    const auto& view = model.weights().at(name);
    ASSERT_EQ(at::IntArrayRef(view.shape), tensor.sizes()) << name;
    const at::Tensor flat = tensor.contiguous();
    EXPECT_TRUE(std::equal(view.values.begin(), view.values.end(), flat.data_ptr<float>())) << name;
  }
}

TEST_F(ModelWriter, StoresEachWeightOnceAndNamesItsEntry) {
  auto state = small_state();
  state["conv2.1.bias"] = state["conv1.1.bias"].clone();  // Equal tensors may share an entry.
  torch_io::write_model_file(file("m.pt"), small_config().dump(), state);
  const auto model = core::ModelFile::from_file(file("m.pt"));
  EXPECT_EQ(model.config().format_version, 2);
  const core::Archive archive(model.archive());
  EXPECT_FALSE(archive.contains("extra/weights.safetensors"));
  const auto& stored = model.config().stored_weights;
  ASSERT_EQ(stored.size(), state.size());
  EXPECT_EQ(stored.at("conv2.1.bias").entry, stored.at("conv1.1.bias").entry);
  for (const auto& [name, tensor] : stored) {
    const auto bytes = archive.read(tensor.entry, 1U << 20U);
    ASSERT_TRUE(bytes.has_value()) << name;
    EXPECT_EQ(core::sha256_hex(*bytes), tensor.sha256) << name;
  }
  const torch::jit::Module module = torch::jit::load(file("m.pt").string());
  std::size_t parameters = 0;
  for (const auto& each : module.named_parameters()) {
    EXPECT_TRUE(at::equal(each.value, state.at(each.name))) << each.name;
    ++parameters;
  }
  EXPECT_GT(parameters, 0U);
}

TEST_F(ModelWriter, WritesTheScoreForNeither) {
  Json config = small_config();  // Three outputs.
  config["labels"] = {"cat", "dog"};
  config["calibration"] = {{"neither", {{"output", 2}, {"above", 0.25}}}};
  torch_io::write_model_file(file("m.pt"), config.dump(), small_state());
  const auto model = core::ModelFile::from_file(file("m.pt"));
  EXPECT_EQ(model.config().calibration.neither_above, 0.25);
  EXPECT_EQ(model.config().golden.at(0).logits.size(), 3U);
  core::EngineOptions options;
  options.kind = core::EngineKind::native;
  EXPECT_STREQ(core::create_engine(model, options, {})->name(), "native");
}

TEST_F(ModelWriter, GoldenLogitsAreThoseOfBothEngines) {
  torch_io::write_model_file(file("m.pt"), small_config().dump(), small_state());
  const auto model = core::ModelFile::from_file(file("m.pt"));
  ASSERT_EQ(model.config().golden.size(), 4U);
  float low = model.config().golden[0].logits[0];
  float high = low;
  for (const core::GoldenCase& golden : model.config().golden) {
    ASSERT_EQ(golden.logits.size(), 3U);
    const auto native = test_support::native_logits(model, golden.seed, 2);
    const auto script = test_support::script_logits(file("m.pt"), model.config().input, golden.seed, 2);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(native[i], golden.logits[i], 1e-4) << golden.seed;
      EXPECT_NEAR(script[i], golden.logits[i], 1e-6) << golden.seed;
    }
    low = std::min(low, golden.logits[0]);
    high = std::max(high, golden.logits[0]);
  }
  EXPECT_EQ(model.config().golden_version, 2);
  EXPECT_GT(high - low, 1e-3);  // They do depend on the image.

  core::EngineOptions options;
  options.kind = core::EngineKind::native;
  options.precision = core::Precision::fp32;
  EXPECT_STREQ(core::create_engine(model, options, {})->name(), "native");  // Its self-test passes.
}

TEST_F(ModelWriter, EqualInputsGiveEqualBytesWhateverTheFileIsCalled) {
  torch_io::write_model_file(file("one.pt"), small_config().dump(), small_state());
  torch_io::write_model_file(file("another name"), small_config().dump(4), small_state());
  torch_io::write_model_file(file("other.pt"), small_config().dump(), small_state(4));
  const auto one = test_support::read_bytes(file("one.pt"));
  EXPECT_FALSE(one.empty());
  EXPECT_TRUE(one == test_support::read_bytes(file("another name")));
  EXPECT_FALSE(one == test_support::read_bytes(file("other.pt")));
}

TEST_F(ModelWriter, GivenFormatAndGoldenAreReplaced) {
  Json config = small_config();
  config["format"] = "something";
  config["format_version"] = 99;
  config["golden"] = "nonsense";
  config["weights"] = "nonsense";
  torch_io::write_model_file(file("m.pt"), config.dump(), small_state());
  torch_io::write_model_file(file("n.pt"), small_config().dump(), small_state());
  EXPECT_TRUE(test_support::read_bytes(file("m.pt")) == test_support::read_bytes(file("n.pt")));
}

TEST_F(ModelWriter, ListsEveryTensorThatDoesNotFitAndLeavesTheOldFile) {
  std::ofstream(file("m.pt")) << "old";
  auto state = small_state();
  state.erase("fc.4.bias");
  state["conv2.0.weight"] = at::zeros({4, 4, 5, 5});
  state["fc.9\x1b[31m.weight"] = at::zeros({1});
  state["fc.1.num_batches_tracked"] = at::zeros({1});
  const auto write = [&] { torch_io::write_model_file(file("m.pt"), small_config().dump(), state); };
  expect_failure(Status::model_format, "missing: fc.4.bias", write);
  expect_failure(Status::model_format, "shape of conv2.0.weight is [4, 4, 5, 5], expected [4, 4, 3, 3]", write);
  expect_failure(Status::model_format, "unexpected: fc.9?[31m.weight", write);
  EXPECT_EQ(test_support::read_text(file("m.pt")), "old");
  EXPECT_EQ(files(), 1U);
}

TEST_F(ModelWriter, RefusesWeightsThatAreNotFinite) {
  auto state = small_state();
  state["conv1.0.weight"].fill_(std::numeric_limits<float>::quiet_NaN());
  expect_failure(Status::model_format, "",
                 [&] { torch_io::write_model_file(file("m.pt"), small_config().dump(), state); });
  EXPECT_EQ(files(), 0U);
}

TEST_F(ModelWriter, RefusesAConfigThatIsNoneOrHasNoLayers) {
  expect_failure(Status::model_format, "JSON", [&] { torch_io::write_model_file(file("m.pt"), "{", small_state()); });
  Json config = small_config();
  config.erase("architecture");
  expect_failure(Status::model_format, "architecture",
                 [&] { torch_io::write_model_file(file("m.pt"), config.dump(), small_state()); });
  EXPECT_EQ(files(), 0U);
}

TEST_F(ModelWriter, NamesAPlaceThatCannotBeWritten) {
  const fs::path nowhere = file("no such folder") / "m.pt";
  expect_failure(Status::io, nowhere.string(),
                 [&] { torch_io::write_model_file(nowhere, small_config().dump(), small_state()); });
}

TEST_F(ModelWriter, TwoThreadsWritingOneFileLeaveOneWholeFile) {
  const auto state = small_state();
  const auto write = [&] {
    for (int i = 0; i < 5; ++i) torch_io::write_model_file(file("m.pt"), small_config().dump(), state);
  };
  std::thread other(write);
  write();
  other.join();
  EXPECT_EQ(core::ModelFile::from_file(file("m.pt")).config().golden.size(), 4U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(ModelWriter, StridedAndDoubleWeightsAreWrittenAsTheyRead) {
  auto state = small_state();
  torch_io::write_model_file(file("plain.pt"), small_config().dump(), state);
  state["conv2.0.weight"] = state["conv2.0.weight"].to(at::kDouble).contiguous(at::MemoryFormat::ChannelsLast);
  state["fc.1.weight"] = state["fc.1.weight"].t().contiguous().t();
  torch_io::write_model_file(file("strided.pt"), small_config().dump(), state);
  EXPECT_TRUE(test_support::read_bytes(file("plain.pt")) == test_support::read_bytes(file("strided.pt")));
}

}  // namespace
}  // namespace catdog
