// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/cpu_features.hpp"
#include "engine/native/native_engine.hpp"
#include "lib/engine/networks.hpp"
#include "model/golden.hpp"
#include "status.hpp"

namespace catdog {
namespace {

using core::EngineKind;
using core::EngineOptions;
using core::Precision;
using core::Status;
using testing::HasSubstr;

struct Log {
  std::vector<std::string> lines;
  core::Logger logger() {
    core::Logger result;
    result.level = core::LogLevel::debug;
    result.sink = [this](core::LogLevel, const std::string& line) { lines.push_back(line); };
    return result;
  }
};

std::vector<core::GoldenCase> golden_cases(const test_support::ModelRecipe& recipe, Precision precision) {
  const auto model = test_support::model_for(recipe);
  const auto engine = core::create_native_engine(model, precision);
  const auto context = engine->create_context();
  std::vector<core::GoldenCase> cases;
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const auto input = context->input();
    core::normalise(core::golden_image(seed, {input.width, input.height}, recipe.golden_version), model.config().input,
                    input);
    core::GoldenCase golden{seed, std::vector<float>(recipe.labels.size())};
    context->run(golden.logits);
    cases.push_back(golden);
  }
  return cases;
}

test_support::ModelRecipe sound_recipe() {
  test_support::ModelRecipe recipe;
  recipe.golden = golden_cases(recipe, Precision::fp32);
  return recipe;
}

// Two outputs that nearly cancel: a last bit of bf16 weighs a whole probability.
test_support::ModelRecipe touchy_recipe() {
  test_support::ModelRecipe recipe;
  recipe.edit_weights = [](test_support::Weights& weights) {
    for (float& value : weights.at("fc.1.weight").second) value *= 3000.0F;
  };
  recipe.golden = golden_cases(recipe, Precision::fp32);
  // The second bias puts the first golden image exactly between the labels, where bf16's rounding decides.
  const float difference = recipe.golden[0].logits[0] - recipe.golden[0].logits[1];
  recipe.edit_weights = [scale = recipe.edit_weights, difference](test_support::Weights& weights) {
    scale(weights);
    weights.at("fc.1.bias").second[1] += difference;
  };
  recipe.golden = golden_cases(recipe, Precision::fp32);
  return recipe;
}

template <typename Work>
core::Failure failure_of(const Work& work) {
  try {
    work();
  } catch (const core::Failure& failure) {
    return failure;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {Status::ok, ""};
}

EngineOptions options(EngineKind kind, Precision precision) {
  EngineOptions result;
  result.kind = kind;
  result.precision = precision;
  result.torch_plugin = "/nowhere/libcatdog-torch.so";
  return result;
}

TEST(Softmax, IsStableAndUsesTheTemperature) {
  std::vector<float> values = {1000.0F, 999.0F, -1000.0F};
  core::softmax_in_place(values, 1.0);
  EXPECT_NEAR(values[0], 1.0 / (1.0 + std::exp(-1.0)), 1e-6);
  EXPECT_NEAR(values[1], 1.0 / (1.0 + std::exp(1.0)), 1e-6);
  EXPECT_EQ(values[2], 0.0F);
  std::vector<float> warm = {2.0F, 0.0F};
  core::softmax_in_place(warm, 4.0);
  EXPECT_NEAR(warm[0], 1.0 / (1.0 + std::exp(-0.5)), 1e-6);
  std::vector<float> none;
  core::softmax_in_place(none, 1.0);
  EXPECT_TRUE(none.empty());
}

TEST(PrecisionName, NamesAll) {
  EXPECT_STREQ(core::precision_name(Precision::automatic), "auto");
  EXPECT_STREQ(core::precision_name(Precision::fp32), "fp32");
  EXPECT_STREQ(core::precision_name(Precision::bf16), "bf16");
  EXPECT_STREQ(core::precision_name(Precision::int8), "int8");
}

TEST(CreateEngine, AutomaticIsNativeInTheFastestSoundPrecision) {
  const auto model = test_support::model_for(sound_recipe());
  Log log;
  const auto engine = core::create_engine(model, options(EngineKind::automatic, Precision::automatic), log.logger());
  EXPECT_STREQ(engine->name(), "native");
  EXPECT_EQ(engine->precision(), core::cpu_has_fast_bf16() ? Precision::bf16 : Precision::fp32);
  ASSERT_EQ(log.lines.size(), 1U);
  EXPECT_THAT(log.lines[0], HasSubstr("self-test passed"));
}

// Layers of small_architecture().
std::string ranges(double range) { return test_support::ranges_patch(std::vector<double>(7, range)); }

TEST(CreateEngine, AutomaticIsInt8WhereCpuAndFileHaveIt) {
  auto recipe = sound_recipe();
  recipe.json_patch = ranges(10);
  Log log;
  const auto engine = core::create_engine(test_support::model_for(recipe),
                                          options(EngineKind::automatic, Precision::automatic), log.logger());
  EXPECT_EQ(engine->precision() == Precision::int8, core::cpu_has_fast_int8());
  EXPECT_THAT(engine->precision_reason(),
              HasSubstr(core::cpu_has_fast_int8() ? "the fastest" : "for int8 the CPU lacks AVX512-VNNI"));
  EXPECT_THAT(log.lines.back(), HasSubstr("self-test passed"));
}

TEST(CreateEngine, Int8OfUselessRangesIsPassedOverAndRefused) {
  if (!core::cpu_has_fast_int8()) GTEST_SKIP() << "this CPU has no int8";
  auto recipe = touchy_recipe();
  recipe.json_patch = ranges(1e-3);  // Clips nearly everything.
  const auto model = test_support::model_for(recipe);
  Log log;
  const auto engine = core::create_engine(model, options(EngineKind::automatic, Precision::automatic), log.logger());
  EXPECT_NE(engine->precision(), Precision::int8);
  EXPECT_THAT(engine->precision_reason(), HasSubstr("int8 isn't exact enough"));
  EXPECT_THAT(log.lines[0], HasSubstr("int8 isn't exact enough"));
  const auto failure =
      failure_of([&] { core::create_engine(model, options(EngineKind::native, Precision::int8), {}); });
  EXPECT_EQ(failure.status(), Status::model_unsupported);
  EXPECT_THAT(failure.what(), HasSubstr("isn't exact enough in int8"));
}

TEST(CreateEngine, WrongGoldenLogitsAreAModelFormatError) {
  auto recipe = sound_recipe();
  recipe.golden[2].logits[0] += 1.0F;
  const auto model = test_support::model_for(recipe);
  for (const Precision precision : {Precision::automatic, Precision::fp32}) {
    const auto failure = failure_of([&] { core::create_engine(model, options(EngineKind::automatic, precision), {}); });
    EXPECT_EQ(failure.status(), Status::model_format);
    EXPECT_THAT(failure.what(), HasSubstr("golden case 3"));
  }
}

// The images behind the logits are those of the file's version.
TEST(CreateEngine, TheGoldenVersionChoosesTheImages) {
  for (const int version : {1, 2}) {
    test_support::ModelRecipe recipe;
    recipe.golden_version = version;
    recipe.golden = golden_cases(recipe, Precision::fp32);
    const auto options_fp32 = options(EngineKind::native, Precision::fp32);
    EXPECT_STREQ(core::create_engine(test_support::model_for(recipe), options_fp32, {})->name(), "native");
    recipe.golden_version = 3 - version;
    const auto failure = failure_of([&] { core::create_engine(test_support::model_for(recipe), options_fp32, {}); });
    EXPECT_EQ(failure.status(), Status::model_format);
  }
}

TEST(CreateEngine, WithoutSelfTestTheGoldenCasesDoNotMatter) {
  auto recipe = sound_recipe();
  recipe.golden[0].logits[0] += 1.0F;
  auto lax = options(EngineKind::native, Precision::fp32);
  lax.self_test = false;
  EXPECT_EQ(core::create_engine(test_support::model_for(recipe), lax, {})->precision(), Precision::fp32);
}

TEST(CreateEngine, ANetworkThatYieldsNoNumberFailsItsSelfTest) {
  auto recipe = sound_recipe();
  recipe.edit_weights = [](test_support::Weights& weights) {
    for (float& value : weights.at("fc.1.weight").second) value = 3e38F;
    for (float& value : weights.at("fc.1.bias").second) value = -3e38F;
  };
  const auto failure = failure_of(
      [&] { core::create_engine(test_support::model_for(recipe), options(EngineKind::native, Precision::fp32), {}); });
  EXPECT_EQ(failure.status(), Status::model_format);
}

TEST(CreateEngine, AutomaticFallsBackToFp32WhereBf16Deviates) {
  if (!core::cpu_has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16";
  const auto model = test_support::model_for(touchy_recipe());
  Log log;
  const auto engine = core::create_engine(model, options(EngineKind::automatic, Precision::automatic), log.logger());
  EXPECT_EQ(engine->precision(), Precision::fp32);
  ASSERT_EQ(log.lines.size(), 2U);
  EXPECT_THAT(log.lines[0], HasSubstr("bf16 isn't exact enough"));
}

TEST(CreateEngine, Bf16ThatWasAskedForAndDeviatesIsRefused) {
  if (!core::cpu_has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16";
  const auto model = test_support::model_for(touchy_recipe());
  const auto failure =
      failure_of([&] { core::create_engine(model, options(EngineKind::native, Precision::bf16), {}); });
  EXPECT_EQ(failure.status(), Status::model_unsupported);
  EXPECT_THAT(failure.what(), HasSubstr("fp32"));
}

TEST(CreateEngine, AMissingPluginIsNamed) {
  const auto model = test_support::model_for(sound_recipe());
  const auto failure = failure_of([&] { core::create_engine(model, options(EngineKind::torch, Precision::fp32), {}); });
  EXPECT_EQ(failure.status(), Status::engine_unavailable);
  EXPECT_THAT(failure.what(), HasSubstr("/nowhere/libcatdog-torch.so"));
}

TEST(CreateEngine, ALibraryThatIsNoPluginIsNamed) {
  auto wrong = options(EngineKind::torch, Precision::fp32);
  wrong.torch_plugin = "libz.so.1";
  const auto failure = failure_of([&] { core::create_engine(test_support::model_for(sound_recipe()), wrong, {}); });
  EXPECT_EQ(failure.status(), Status::engine_unavailable);
  EXPECT_THAT(failure.what(), HasSubstr("libz.so.1"));
}

TEST(CreateEngine, TorchDoesNotPretendToDoBf16) {
  const auto failure = failure_of([&] {
    core::create_engine(test_support::model_for(sound_recipe()), options(EngineKind::torch, Precision::bf16), {});
  });
  EXPECT_EQ(failure.status(), Status::model_unsupported);
}

TEST(CreateEngine, AnArchiveWithoutLayersNeedsTheUsersWordForTorch) {
  test_support::ModelRecipe recipe;
  recipe.architecture.clear();
  const auto model = test_support::model_for(recipe);
  for (const EngineKind kind : {EngineKind::automatic, EngineKind::native}) {
    const auto failure = failure_of([&] { core::create_engine(model, options(kind, Precision::automatic), {}); });
    EXPECT_EQ(failure.status(), Status::model_unsupported);
    EXPECT_THAT(failure.what(), HasSubstr("no layer list"));
    EXPECT_THAT(failure.what(), HasSubstr("engine \"torch\""));
    EXPECT_THAT(failure.what(), HasSubstr("trust"));
  }
}

TEST(CreateEngine, ANetworkThatIsTooLargeNeedsTheUsersWordForTorch) {
  // Six activations of 1 GiB that are all alive at once: more than the native engine takes.
  test_support::ModelRecipe recipe;
  recipe.width = 1024;
  recipe.height = 1024;
  recipe.architecture = R"({"name":"huge","layers":[)";
  for (const std::string name : {"a", "b", "c", "d", "e", "f"}) {
    recipe.architecture +=
        R"({"op":"conv2d","kernel":1,"out_channels":256,"name":")" + name + R"(","id":")" + name + "\"},";
  }
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    recipe.architecture += R"({"op":"add","from":")" + name + "\"},";
  }
  recipe.architecture += R"({"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":2}]})";
  const auto model = test_support::model_for(recipe);
  const auto failure =
      failure_of([&] { core::create_engine(model, options(EngineKind::automatic, Precision::fp32), {}); });
  EXPECT_EQ(failure.status(), Status::model_unsupported);
  EXPECT_THAT(failure.what(), HasSubstr("MiB"));
  EXPECT_THAT(failure.what(), HasSubstr("engine \"torch\""));
}

TEST(RequireFinite, RefusesNaNAndInfinity) {
  std::vector<float> outputs{1.0F, -3e38F};
  EXPECT_NO_THROW(core::require_finite(outputs));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    outputs[1] = bad;
    EXPECT_EQ(failure_of([&] { core::require_finite(outputs); }).status(), Status::engine_failed);
  }
}

}  // namespace
}  // namespace catdog
