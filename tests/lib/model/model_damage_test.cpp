// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile model files: each gives its named failure, none a crash.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "failure_matcher.hpp"
#include "model/model_file.hpp"
#include "support/model_maker.hpp"

namespace catdog::core {
namespace {

using test_support::Bytes;
using test_support::expect_failure;
using test_support::make_model_archive;
using test_support::ModelRecipe;

void expect_format_failure(const ModelRecipe& recipe, const std::string& message) {
  const Bytes bytes = make_model_archive(recipe);
  expect_failure(Status::model_format, message, [&] { ModelFile::from_memory(bytes); });
}

TEST(ModelDamage, EveryFieldIsChecked) {
  const struct {
    const char* patch;
    const char* message;
  } cases[] = {
      {R"({"format": null})", "format: is missing"},
      {R"({"format": "other"})", "format: must be \"catdog-model\""},
      {R"({"format_version": null})", "format_version: is missing"},
      {R"({"format_version": "1"})", "format_version: must be a whole number"},
      {R"({"format_version": 0})", "format_version: must be from 1"},
      {R"({"name": 3})", "name: must be a string"},
      {R"({"version": []})", "version: must be a string"},
      {R"({"labels": null})", "labels: is missing"},
      {R"({"labels": "cat"})", "labels: must be an array"},
      {R"({"labels": ["cat"]})", "labels: must have from 2 to 1000"},
      {R"({"labels": ["cat", 2]})", "labels: must be a string"},
      {R"({"labels": ["cat", ""]})", "labels: must have from 1 to 64 bytes"},
      {R"({"labels": ["cat", "a\u0000b"]})", "labels: must not contain a NUL"},
      {R"({"labels": ["cat", "cat"]})", "\"cat\" occurs twice"},
      {R"({"labels": ["cat", "dog", "cow"]})", "2 outputs instead of 3"},
      {R"({"input": null})", "input: is missing"},
      {R"({"input": 5})", "input: must be an object"},
      {R"({"input": {"width": null}})", "input.width: is missing"},
      {R"({"input": {"width": 7}})", "input.width: must be from 8 to 1024"},
      {R"({"input": {"height": 1025}})", "input.height: must be from 8 to 1024"},
      {R"({"input": {"height": 32.5}})", "input.height: must be a whole number"},
      {R"({"input": {"colour": "grey"}})", "input.colour: must be \"rgb\" or \"bgr\""},
      {R"({"input": {"resize": "crop"}})", "input.resize: must be \"squash-area\", not \"crop\""},
      {R"({"input": {"mean": null}})", "input.mean: is missing"},
      {R"({"input": {"mean": [0, 0]}})", "input.mean: must have from 3 to 3"},
      {R"({"input": {"mean": [0, 0, "0"]}})", "input.mean: must be a number"},
      {R"({"input": {"mean": [0, 0, 1e300]}})", "input.mean: must be from -1000 to 1000"},
      {R"({"input": {"std": [1, 1, 0]}})", "input.std: must be from 1e-06"},
      {R"({"input": {"std": [1, 1, -1]}})", "input.std: must be from 1e-06"},
      {R"({"architecture": 1})", "architecture: must be an object"},
      {R"({"architecture": {"layers": 1}})", "architecture.layers: must be an array"},
      {R"({"architecture": {"layers": [{"op": "relu"}]}})", "must end in global_avg_pool or linear"},
      {R"({"architecture": null})", "architecture: is missing, although there are weights"},
      {R"({"calibration": 1})", "calibration: must be an object"},
      {R"({"calibration": {"temperature": 0}})", "calibration.temperature: must be from"},
      {R"({"calibration": {"temperature": -1}})", "calibration.temperature: must be from"},
      {R"({"calibration": {"abstain_below": 1.01}})", "calibration.abstain_below: must be from 0 to 1"},
      {R"({"calibration": {"neither": 1}})", "calibration.neither: must be an object"},
      {R"({"calibration": {"neither": {}}})", "calibration.neither.output: is missing"},
      {R"({"calibration": {"neither": {"output": 1}}})", "output: must be the output behind those of the labels, 2"},
      {R"({"calibration": {"neither": {"output": 2, "above": 1.5}}})", "neither.above: must be from 0 to 1"},
      {R"({"calibration": {"neither": {"output": 2}}})", "2 outputs instead of 3"},
      {R"({"calibration": {"curve": {}}})", "calibration.curve: must be an array"},
      {R"({"calibration": {"curve": [{"abstain_below": 0, "precision": 2, "coverage": 1}]}})", "precision: must be"},
      {R"({"calibration": {"curve": [{"abstain_below": 0, "precision": 1}]}})", "curve[0].coverage: is missing"},
      {R"({"calibration": {"curve": [{"abstain_below": 0.5, "precision": 1, "coverage": 1},
          {"abstain_below": 0.5, "precision": 1, "coverage": 1}]}})",
       "curve[1].abstain_below: must be above that of the point before"},
      {R"({"calibration": {"reference": {"sharpness": {"edges": [1, 1], "shares": [0, 1, 0]}}}})", "must ascend"},
      {R"({"calibration": {"reference": {"sharpness": {"edges": [1], "shares": [1]}}}})", "shares: must have from 2"},
      {R"({"calibration": {"quantization": []}})", "quantization: must be an object"},
      {R"({"calibration": {"quantization": {}}})", "quantization.ranges: is missing"},
      {R"({"calibration": {"quantization": {"ranges": [1]}}})", "quantization.ranges: must have from 7 to 7 items"},
      {R"({"calibration": {"quantization": {"ranges": [1, 1, 1, 0, 1, 1, 1]}}})", "quantization.ranges: must be from"},
      {R"({"golden_version": 3})", "golden_version: must be from 1 to 2"},
      {R"({"golden": {}})", "golden: must be an array"},
      {R"({"golden": [1]})", "golden[0]: must be an object"},
      {R"({"golden": [{"logits": [0, 0]}]})", "golden[0].seed: is missing"},
      {R"({"golden": [{"seed": 4294967296, "logits": [0, 0]}]})", "golden[0].seed: must be from 0 to 4294967295"},
      {R"({"golden": [{"seed": 1}]})", "golden[0].logits: is missing"},
      {R"({"golden": [{"seed": 1, "logits": [0]}]})", "golden[0].logits: must have one value per output (2)"},
      {R"({"golden": [{"seed": 1, "logits": [0, 1e39]}]})", "golden[0].logits: must be from"},
      {R"({"metrics": 1})", "metrics: must be an object"},
      {R"({"provenance": "me"})", "provenance: must be an object"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.patch);
    ModelRecipe recipe;
    recipe.json_patch = each.patch;
    expect_format_failure(recipe, each.message);
  }
  ModelRecipe recipe;
  recipe.golden.assign(65, {1, {0, 0}});
  expect_format_failure(recipe, "golden: must have from 0 to 64 items");
}

TEST(ModelDamage, NamesOfAnswersAreNoLabelsBesideAScoreForNeither) {
  for (const char* taken : {"neither", "uncertain"}) {
    ModelRecipe recipe;
    recipe.labels = {"cat", taken};
    EXPECT_EQ(ModelFile::from_memory(make_model_archive(recipe)).config().labels[1], taken);
    recipe.architecture = test_support::small_architecture(3);
    recipe.json_patch = R"({"calibration": {"neither": {"output": 2}}})";
    expect_format_failure(recipe, std::string("\"") + taken + "\" can't be a label");
  }
}

TEST(ModelDamage, JsonThatIsNone) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "not valid JSON"},
      {"[1]", "must be an object"},
      {R"({"format": "catdog-model", "format": "catdog-model"})", "\"format\" occurs twice"},
      {R"({"format": NaN})", "not valid JSON"},
      {R"({"format": 1e999})", "not valid JSON"},
      {"{\"format\": \"\xC3\"}", "not valid JSON"},
      {std::string(1'000'000, '['), "nested deeper than 32"},
      {std::string(5U << 20U, ' '), "more than the limit"},
  };
  for (const auto& [json, message] : cases) {
    SCOPED_TRACE(json.substr(0, 60));
    ModelRecipe recipe;
    recipe.catdog_json = json;
    expect_format_failure(recipe, message);
  }
}

TEST(ModelDamage, WeightsThatDoNotFit) {
  ModelRecipe recipe;
  recipe.edit_weights = [](auto& weights) { weights.erase("conv1.1.running_var"); };
  expect_format_failure(recipe, "conv1.1.running_var is missing");
  recipe.edit_weights = [](auto& weights) { weights["fc.1.weight"].first = {8, 2}; };
  expect_format_failure(recipe, "fc.1.weight has shape [8, 2], but the architecture needs [2, 8]");
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    recipe.edit_weights = [bad](auto& weights) { weights["fc.1.bias"].second[1] = bad; };
    expect_format_failure(recipe, "fc.1.bias has a value that is not finite");
  }
  recipe.edit_weights = [](auto& weights) { weights["conv1.1.running_var"].second[3] = -0.5F; };
  expect_format_failure(recipe, "conv1.1.running_var has a negative value");
}

TEST(ModelDamage, FormatOneNeedsItsCopyOfTheWeights) {
  ModelRecipe recipe;
  recipe.format_version = 1;
  recipe.weights = Bytes{1, 2, 3};
  expect_format_failure(recipe, "8-byte header length");
  recipe.weights.reset();
  recipe.with_weights = false;
  expect_format_failure(recipe, "extra/weights.safetensors is missing");
  recipe.with_weights = true;
  recipe.with_json = false;
  expect_format_failure(recipe, "extra/catdog.json is missing");
}

TEST(ModelDamage, ListedWeightsAreChecked) {
  const struct {
    const char* change;  // Of the entry of fc.1.bias.
    const char* message;
  } cases[] = {
      {R"({"entry": null})", "weights.fc.1.bias.entry: is missing"},
      {R"({"entry": "data/999"})", "data/999 is missing"},
      {R"({"entry": "../../etc/passwd"})", "entry: must be a path below the archive's top folder"},
      {R"({"entry": "data/../../data/0"})", "entry: must be a path below"},
      {R"({"entry": "/data/0"})", "entry: must be a path below"},
      {R"({"entry": "data/"})", "entry: must be a path below"},
      {R"({"entry": "data\\0"})", "entry: must be a path below"},
      {R"({"entry": "extra/catdog.json"})", "bytes instead of 8"},
      {R"({"type": "f64"})", "type: must be \"f32\", \"f16\" or \"bf16\", not \"f64\""},
      {R"({"type": "f16"})", "has 8 bytes instead of 4"},
      {R"({"shape": [3]})", "has 8 bytes instead of 12"},
      {R"({"shape": [-2]})", "shape: must be from 0"},
      {R"({"shape": [1, 2]})", "fc.1.bias has shape [1, 2], but the architecture needs [2]"},
      {R"({"shape": [4611686018427387904, 4]})", "has more than 268435456 values"},
      {R"({"shape": 2})", "shape: must be an array"},
      {R"({"sha256": null})", "sha256: is missing"},
      {R"({"sha256": "XX"})", "sha256: must have from 64 to 64"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.change);
    ModelRecipe recipe;
    recipe.json_patch = std::string(R"({"weights": {"fc.1.bias": )") + each.change + "}}";
    expect_format_failure(recipe, each.message);
  }
  ModelRecipe recipe;
  recipe.json_patch = R"({"weights": null})";
  expect_format_failure(recipe, "weights: conv1.0.weight is missing");
  recipe.json_patch = R"({"weights": []})";
  expect_format_failure(recipe, "weights: must be an object");
  recipe.json_patch = R"({"weights": {"fc.1.bias": null}})";
  expect_format_failure(recipe, "weights: fc.1.bias is missing");
}

// A weight that was exchanged and the zip's checksum with it: only the hash can tell.
TEST(ModelDamage, VerifyingTellsAnExchangedWeight) {
  ModelRecipe recipe;
  ModelFile::from_memory(make_model_archive(recipe)).verify_weights();
  const ModelFile sound = ModelFile::from_memory(make_model_archive(recipe));
  recipe.catdog_json = sound.config().json;
  recipe.edit_weights = [](auto& weights) { weights["fc.1.bias"].second[1] += 1.0F; };
  const ModelFile other = ModelFile::from_memory(make_model_archive(recipe));
  expect_failure(Status::model_checksum, "weights: fc.1.bias (data/8) has SHA-256", [&] { other.verify_weights(); });
}

TEST(ModelDamage, EntriesThatDoNotFit) {
  ModelRecipe recipe;
  recipe.with_json = false;
  recipe.with_weights = false;
  recipe.more_entries = {{"top/readme.txt", {'x'}}};
  expect_format_failure(recipe, "nor a TorchScript module");
  recipe = {};
  recipe.more_entries = {{"other/data.pkl", {}}};
  expect_format_failure(recipe, "more than one top-level folder");
  recipe.more_entries = {{"best_models/data.pkl", {}}};
  expect_format_failure(recipe, "more than one top-level folder");
  recipe.more_entries = {{"data.pkl", {}}};
  expect_format_failure(recipe, "in no folder");
  recipe.more_entries = {{"/data.pkl", {}}};
  expect_format_failure(recipe, "in no folder");
}

// libzip won't write one name twice: write a name of the same length and rename it in the bytes.
TEST(ModelDamage, DuplicateEntry) {
  ModelRecipe recipe;
  recipe.more_entries = {{"best_model/extra/catdog.jsoN", {'{', '}'}}};
  Bytes bytes = make_model_archive(recipe);
  const std::string other = "catdog.jsoN";
  int renamed = 0;
  for (std::size_t i = 0; i + other.size() <= bytes.size(); ++i) {
    if (std::memcmp(bytes.data() + i, other.data(), other.size()) == 0) {
      bytes[i + other.size() - 1] = 'n';
      ++renamed;
    }
  }
  ASSERT_EQ(renamed, 2);  // Local and central header.
  expect_failure(Status::model_format, "occurs twice", [&] { ModelFile::from_memory(bytes); });
}

// Writes the entry's uncompressed size into the central directory.
Bytes claim_size(Bytes bytes, std::uint32_t size) {
  for (std::size_t i = bytes.size() - 4; i > 0; --i) {
    if (std::memcmp(bytes.data() + i, "PK\1\2", 4) == 0) {  // From the back: the last entry.
      std::memcpy(bytes.data() + i + 24, &size, 4);
      return bytes;
    }
  }
  ADD_FAILURE() << "no central directory";
  return bytes;
}

TEST(ModelDamage, SizesAreCheckedBeforeAllocation) {
  ModelRecipe recipe;
  recipe.deflate = true;
  recipe.format_version = 1;  // The last entry is the copy of all weights.
  const Bytes bytes = make_model_archive(recipe);
  const auto load = [](Bytes archive) { return [archive = std::move(archive)] { ModelFile::from_memory(archive); }; };
  expect_failure(Status::model_format, "more than the limit of 1073741824", load(claim_size(bytes, 0xFFFFFFF0U)));
  expect_failure(Status::model_format, "claims a size that it can't have", load(claim_size(bytes, 1U << 30U)));
  expect_failure(Status::model_format, "than it claims", load(claim_size(bytes, 100'000)));
  expect_failure(Status::model_format, "", load(claim_size(bytes, 16)));
  recipe.format_version = 2;  // The last entry is one weight, whose size is known.
  const Bytes newer = make_model_archive(recipe);
  expect_failure(Status::model_format, "claims a size that it can't have", load(claim_size(newer, 0xFFFFFFF0U)));
  expect_failure(Status::model_format, "data/9 has 40 bytes instead of 64", load(claim_size(newer, 40)));
}

TEST(ModelDamage, UnpackedBombIsRefused) {
  ModelRecipe recipe;
  recipe.deflate = true;
  recipe.catdog_json = std::string(64U << 20U, ' ');  // Packs to 64 KB.
  const Bytes bytes = make_model_archive(recipe);
  ASSERT_LT(bytes.size(), 200'000U);
  expect_failure(Status::model_format, "more than the limit of 4194304", [&] { ModelFile::from_memory(bytes); });
}

TEST(ModelDamage, EveryTruncationFails) {
  const Bytes bytes = make_model_archive();
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    SCOPED_TRACE(size);
    const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    expect_failure(Status::model_format, "", [&] { ModelFile::from_memory(part); });
  }
}

// What a flipped byte may leave: the same model (in a field that nobody reads, such as the date) or a named failure.
TEST(ModelDamage, FlippedBytesNeverChangeTheModel) {
  for (const bool deflate : {false, true}) {
    ModelRecipe recipe;
    recipe.deflate = deflate;
    const Bytes bytes = make_model_archive(recipe);
    const ModelFile sound = ModelFile::from_memory(bytes);
    std::size_t refused = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      Bytes flipped = bytes;
      flipped[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      try {
        const ModelFile model = ModelFile::from_memory(flipped);
        EXPECT_EQ(model.config().json, sound.config().json) << i;
        ASSERT_EQ(model.weights().size(), sound.weights().size()) << i;
        for (const auto& [name, tensor] : sound.weights()) {
          EXPECT_THAT(model.weights().at(name).values, testing::ElementsAreArray(tensor.values)) << i << name;
        }
      } catch (const Failure& failure) {
        ++refused;
        EXPECT_STREQ(status_name(failure.status()), "model_format") << i << ": " << failure.what();
      }
    }
    EXPECT_GT(refused, bytes.size() * 8 / 10);  // Each entry has a date and the like, which nobody reads.
  }
}

}  // namespace
}  // namespace catdog::core
