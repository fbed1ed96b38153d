// SPDX-License-Identifier: Apache-2.0
#include "model/model_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "failure_matcher.hpp"
#include "model/sha256.hpp"
#include "model/stored_weights.hpp"
#include "support/model_maker.hpp"

namespace catdog::core {
namespace {

using test_support::Bytes;
using test_support::expect_failure;
using test_support::make_model_archive;
using test_support::ModelRecipe;

class TemporaryFile {
 public:
  explicit TemporaryFile(const Bytes& bytes) {
    std::string pattern = (std::filesystem::temp_directory_path() / "catdog-model-XXXXXX").string();
    const int descriptor = mkstemp(pattern.data());
    if (descriptor >= 0) close(descriptor);
    path = pattern;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::filesystem::path path;
};

TEST(ModelFile, ReadsWhatWasWritten) {
  ModelRecipe recipe;
  recipe.labels = {"cat", "dog", "vosí hnízdo"};
  recipe.architecture = test_support::small_architecture(3);
  recipe.width = 48;
  recipe.temperature = 1.5;
  recipe.abstain_below = 0.6;
  recipe.golden = {{7, {0.5F, -0.25F, 1.0F}}};
  recipe.json_patch = R"({"input": {"colour": "bgr"}, "unknown": {"later": [1, 2]}})";
  for (const bool deflate : {false, true}) {
    recipe.deflate = deflate;
    const ModelFile model = ModelFile::from_memory(make_model_archive(recipe));
    const ModelConfig& config = model.config();
    EXPECT_EQ(config.name, "small");
    EXPECT_EQ(config.version, "1.2.3");
    EXPECT_EQ(config.labels, recipe.labels);
    EXPECT_EQ(config.input.width, 48);
    EXPECT_EQ(config.input.height, 32);
    EXPECT_FALSE(config.input.rgb);
    EXPECT_FLOAT_EQ(config.input.mean[2], 0.406F);
    EXPECT_FLOAT_EQ(config.input.std_dev[0], 0.229F);
    EXPECT_EQ(config.network.layers.size(), 7U);
    EXPECT_DOUBLE_EQ(config.calibration.temperature, 1.5);
    EXPECT_DOUBLE_EQ(config.calibration.abstain_below, 0.6);
    ASSERT_EQ(config.golden.size(), 1U);
    EXPECT_EQ(config.golden[0].seed, 7U);
    EXPECT_EQ(config.golden[0].logits, recipe.golden[0].logits);
    EXPECT_EQ(config.json, test_support::make_catdog_json(recipe));
    EXPECT_TRUE(model.has_native_part());
    const auto weights = test_support::make_weights(recipe);
    ASSERT_EQ(model.weights().size(), weights.size());
    for (const auto& [name, tensor] : weights) {
      EXPECT_EQ(model.weights().at(name).shape, tensor.first) << name;
      EXPECT_THAT(model.weights().at(name).values, testing::ElementsAreArray(tensor.second)) << name;
    }
  }
}

TEST(ModelFile, FormatOneIsStillRead) {
  ModelRecipe recipe;
  recipe.format_version = 1;
  recipe.json_patch = R"({"calibration": {"neither": 5, "curve": "unknown fields in format 1"}})";
  const ModelFile model = ModelFile::from_memory(make_model_archive(recipe));
  EXPECT_EQ(model.config().format_version, 1);
  EXPECT_EQ(model.config().outputs(), 2U);
  const auto weights = test_support::make_weights(recipe);
  ASSERT_EQ(model.weights().size(), weights.size());
  for (const auto& [name, tensor] : weights) {
    EXPECT_THAT(model.weights().at(name).values, testing::ElementsAreArray(tensor.second)) << name;
  }
}

TEST(ModelFile, HalfPrecisionWeightsAreWidened) {
  ModelRecipe recipe;
  const std::vector<float> exact{-0.75F, 2.5F};  // In every type.
  recipe.edit_weights = [&](test_support::Weights& weights) {
    for (auto& [name, tensor] : weights) std::fill(tensor.second.begin(), tensor.second.end(), 0.0F);
    weights["fc.1.bias"].second = exact;
  };
  for (const StoredType type : {StoredType::f32, StoredType::f16, StoredType::bf16}) {
    recipe.stored = type;
    const ModelFile model = ModelFile::from_memory(make_model_archive(recipe));
    EXPECT_THAT(model.weights().at("fc.1.bias").values, testing::ElementsAreArray(exact));
    EXPECT_THAT(model.weights().at("fc.1.weight").values, testing::Each(0.0F));
    model.verify_weights();
  }
}

TEST(ModelFile, EveryHalfPrecisionNumberIsExact) {
  for (unsigned half = 0; half < 0x10000; ++half) {
    const int exponent = static_cast<int>(half >> 10U & 31U);
    const int fraction = static_cast<int>(half & 1023U);
    const float actual = from_fp16(static_cast<std::uint16_t>(half));
    ASSERT_EQ(std::signbit(actual), half >= 0x8000) << half;
    if (exponent == 31) {
      ASSERT_TRUE(fraction == 0 ? std::isinf(actual) : std::isnan(actual)) << half;
    } else {
      const int significand = exponent == 0 ? fraction : 1024 + fraction;
      ASSERT_EQ(std::abs(actual), std::ldexp(static_cast<float>(significand), std::max(exponent, 1) - 25)) << half;
    }
  }
}

TEST(ModelFile, ReadsTheScoreForNeitherAndTheCurve) {
  ModelRecipe recipe;
  recipe.architecture = test_support::small_architecture(3);
  recipe.golden = {{1, {1.0F, 2.0F, 3.0F}}};
  recipe.json_patch = R"({"calibration": {"neither": {"output": 2, "above": 0.375}, "curve": [
    {"abstain_below": 0, "precision": 0.75, "coverage": 1}, {"abstain_below": 0.5, "precision": 0.875, "coverage": 0.5}],
    "reference": {"sharpness": {"edges": [1, 2], "shares": [0.25, 0.25, 0.5]}}, "quantization": {"ranges": [1, 2, 3, 4, 5, 6, 7.5], "images": 1}}})";
  const ModelConfig config = ModelFile::from_memory(make_model_archive(recipe)).config();
  EXPECT_EQ(config.labels.size(), 2U);
  EXPECT_EQ(config.outputs(), 3U);
  EXPECT_EQ(config.calibration.neither_above, 0.375);
  ASSERT_EQ(config.calibration.curve.size(), 2U);
  EXPECT_DOUBLE_EQ(config.calibration.curve[1].abstain_below, 0.5);
  EXPECT_DOUBLE_EQ(config.calibration.curve[1].precision, 0.875);
  EXPECT_DOUBLE_EQ(config.calibration.curve[1].coverage, 0.5);
  EXPECT_THAT(config.json, testing::HasSubstr("sharpness"));
  EXPECT_THAT(config.calibration.ranges, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7.5));
  recipe.json_patch = R"({"calibration": {"neither": {"output": 2}}})";
  EXPECT_EQ(ModelFile::from_memory(make_model_archive(recipe)).config().calibration.neither_above, 0.5);
}

TEST(ModelFile, OptionalFieldsHaveDefaults) {
  ModelRecipe recipe;
  recipe.json_patch = R"({"name": null, "version": null, "calibration": null, "golden": null, "metrics": null})";
  const ModelFile model = ModelFile::from_memory(make_model_archive(recipe));
  EXPECT_EQ(model.config().name, "");
  EXPECT_DOUBLE_EQ(model.config().calibration.temperature, 1.0);
  EXPECT_DOUBLE_EQ(model.config().calibration.abstain_below, 0.0);
  EXPECT_TRUE(model.config().golden.empty());
}

TEST(ModelFile, FromFileKnowsPathAndChecksum) {
  const Bytes bytes = make_model_archive();
  const TemporaryFile file(bytes);
  std::string upper = sha256_hex(bytes);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  const ModelFile model = ModelFile::from_file(file.path, {.sha256 = upper});
  EXPECT_EQ(model.path(), file.path.string());
  EXPECT_EQ(model.sha256(), sha256_hex(bytes));
  EXPECT_EQ(ModelFile::from_memory(bytes).path(), "");
}

TEST(ModelFile, FileErrorsNameThePath) {
  expect_failure(Status::not_found, "/nowhere/model.pt", [] { ModelFile::from_file("/nowhere/model.pt"); });
  const auto folder = std::filesystem::temp_directory_path();
  expect_failure(Status::io, folder.string() + ": Is a directory", [&] { ModelFile::from_file(folder); });
}

// The checksum comes first: these bytes are no archive at all.
TEST(ModelFile, ChecksumIsComparedBeforeParsing) {
  const Bytes junk{'j', 'u', 'n', 'k'};
  const std::string wrong(64, 'a');
  expect_failure(Status::model_checksum, wrong, [&] { ModelFile::from_memory(junk, {.sha256 = wrong}); });
  expect_failure(Status::model_format, "no zip archive",
                 [&] { ModelFile::from_memory(junk, {.sha256 = sha256_hex(junk)}); });
  expect_failure(Status::model_format, "no zip archive", [&] { ModelFile::from_memory({}); });
  Bytes damaged = make_model_archive();
  const std::string original = sha256_hex(damaged);
  damaged[damaged.size() / 2] ^= 1U;
  expect_failure(Status::model_checksum, original, [&] { ModelFile::from_memory(damaged, {.sha256 = original}); });
  for (const std::string& bad : {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g')}) {
    expect_failure(Status::invalid_argument, "64 hexadecimal", [&] { ModelFile::from_memory(junk, {.sha256 = bad}); });
  }
}

TEST(ModelFile, NewerFormatVersionNamesBoth) {
  ModelRecipe recipe;
  // Even where a later format means other things by the same fields.
  recipe.json_patch = R"({"format_version": 27, "labels": {"0": "cat"}})";
  const Bytes bytes = make_model_archive(recipe);
  expect_failure(Status::model_version, "version 27", [&] { ModelFile::from_memory(bytes); });
  expect_failure(Status::model_version, "up to version 2", [&] { ModelFile::from_memory(bytes); });
}

TEST(ModelFile, PlainTorchScriptGetsTheDefaults) {
  ModelRecipe recipe;
  recipe.with_json = recipe.with_weights = false;
  recipe.more_entries = {{"net/data.pkl", {0x80}}, {"net/code/__torch__.py", {}}};
  const Bytes bytes = make_model_archive(recipe);
  ModelFile model = ModelFile::from_memory(bytes);
  EXPECT_FALSE(model.has_native_part());
  EXPECT_TRUE(model.weights().empty());
  EXPECT_THAT(model.config().labels, testing::ElementsAre("cat", "dog"));
  EXPECT_EQ(model.config().input.width, 128);
  EXPECT_EQ(model.config().input.height, 128);
  EXPECT_FLOAT_EQ(model.config().input.std_dev[1], 0.224F);
  EXPECT_EQ(model.config().json, "{}");
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), model.archive().begin(), model.archive().end()));
  model.release_archive();
  EXPECT_TRUE(model.archive().empty());
}

TEST(ModelFile, ConfigWithoutArchitectureNeedsNoWeights) {
  ModelRecipe recipe;
  recipe.with_weights = false;
  for (const char* architecture : {"", "{}", R"({"layers": []})"}) {
    recipe.architecture = architecture;
    const ModelFile model = ModelFile::from_memory(make_model_archive(recipe));
    EXPECT_FALSE(model.has_native_part()) << architecture;
    EXPECT_EQ(model.config().name, "small");
  }
}

TEST(ModelFile, ViewsOutliveTheOriginal) {
  const ModelRecipe recipe;
  const auto expected = test_support::make_weights(recipe).at("fc.1.weight").second;
  auto original = std::make_unique<ModelFile>(ModelFile::from_memory(make_model_archive(recipe)));
  const ModelFile copy = *original;
  original->release_archive();
  const ModelFile moved = std::move(*original);
  original.reset();
  EXPECT_THAT(copy.weights().at("fc.1.weight").values, testing::ElementsAreArray(expected));
  EXPECT_THAT(moved.weights().at("fc.1.weight").values, testing::ElementsAreArray(expected));
  EXPECT_FALSE(copy.archive().empty());  // Released for the other one only.
}

TEST(ModelFile, ExtraTensorsAreFine) {
  ModelRecipe recipe;
  recipe.edit_weights = [](test_support::Weights& weights) { weights["spare"] = {{1}, {1.0F}}; };
  EXPECT_EQ(ModelFile::from_memory(make_model_archive(recipe)).weights().count("spare"), 1U);
}

}  // namespace
}  // namespace catdog::core
