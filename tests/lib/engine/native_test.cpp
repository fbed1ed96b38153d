// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "engine/cpu_features.hpp"
#include "engine/engine.hpp"
#include "engine/native/arena.hpp"
#include "engine/native/graph.hpp"
#include "engine/native/native_engine.hpp"
#include "lib/engine/networks.hpp"
#include "lib/engine/reference.hpp"
#include "status.hpp"

namespace catdog {
namespace {

using core::Precision;
using core::native::Activation;
using core::native::NodeKind;
using test_support::NetworkCase;

const NetworkCase& network(const std::string& name) {
  for (const NetworkCase& each : test_support::network_cases()) {
    if (each.name == name) return each;
  }
  throw std::runtime_error("no network " + name);
}

class NativeNetwork : public testing::TestWithParam<NetworkCase> {};

TEST_P(NativeNetwork, Fp32EqualsTheReference) {
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    const auto model = test_support::model_for(test_support::recipe_for(GetParam(), seed));
    const auto engine = core::create_native_engine(model, Precision::fp32);
    const auto image = test_support::random_image(GetParam().height, GetParam().width, seed);
    const auto expected = test_support::reference_forward(model, image);
    const auto actual = test_support::run(*engine, image, expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(actual[i], expected[i], 1e-4 * std::max(1.0, std::abs(expected[i])))
          << "seed " << seed << " logit " << i;
    }
  }
}

TEST_P(NativeNetwork, Bf16IsCloseToTheReference) {
  if (!core::cpu_has_fast_bf16()) GTEST_SKIP() << "this CPU has no bf16";
  const auto model = test_support::model_for(test_support::recipe_for(GetParam()));
  const auto engine = core::create_native_engine(model, Precision::bf16);
  const auto image = test_support::random_image(GetParam().height, GetParam().width, 7);
  const auto expected = test_support::reference_forward(model, image);
  const auto actual = test_support::run(*engine, image, expected.size());
  double largest = 1.0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 0.03 * largest) << i;
}

// With the ranges of the very image, so that nothing is clipped.
TEST_P(NativeNetwork, Int8IsCloseToTheReference) {
  if (!core::cpu_has_fast_int8()) GTEST_SKIP() << "this CPU has no int8";
  auto recipe = test_support::recipe_for(GetParam());
  const auto image = test_support::random_image(GetParam().height, GetParam().width, 7);
  std::vector<double> ranges;
  const auto expected = test_support::reference_forward(test_support::model_for(recipe), image, &ranges);
  recipe.json_patch = test_support::ranges_patch(ranges);
  const auto engine = core::create_native_engine(test_support::model_for(recipe), Precision::int8);
  EXPECT_EQ(engine->precision(), Precision::int8);
  const auto actual = test_support::run(*engine, image, expected.size());
  double largest = 1.0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 0.03 * largest) << i;
  EXPECT_EQ(test_support::run(*engine, image, expected.size()), actual);
}

// What training leaves of a channel that it doesn't need.
TEST(NativeInt8, AChannelOfVanishingWeightsIsItsBias) {
  if (!core::cpu_has_fast_int8()) GTEST_SKIP() << "this CPU has no int8";
  auto recipe = test_support::recipe_for(network("strided"));
  recipe.edit_weights = [](test_support::Weights& weights) {
    auto& values = weights.at("a.weight").second;
    std::fill_n(values.begin(), values.size() / 16, 1e-39F);
    weights.at("a.bias").second[0] = 1;
  };
  const auto image = test_support::random_image(14, 18, 7);
  std::vector<double> ranges;
  const auto expected = test_support::reference_forward(test_support::model_for(recipe), image, &ranges);
  recipe.json_patch = test_support::ranges_patch(ranges);
  const auto engine = core::create_native_engine(test_support::model_for(recipe), Precision::int8);
  const auto actual = test_support::run(*engine, image, expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 0.03) << i;
}

TEST(NativeInt8, NeedsRanges) {
  const auto model = test_support::model_for(test_support::recipe_for(network("plain")));
  try {
    core::create_native_engine(model, Precision::int8);
    FAIL() << "nothing was thrown";
  } catch (const core::Failure& failure) {
    EXPECT_EQ(failure.status(), core::Status::model_unsupported);
    EXPECT_THAT(failure.what(), testing::HasSubstr("catdog-train quantize"));
  }
}

TEST_P(NativeNetwork, ASecondRunGivesTheSameBits) {
  const auto model = test_support::model_for(test_support::recipe_for(GetParam()));
  const auto engine = core::create_native_engine(model, Precision::fp32);
  const auto first = test_support::random_image(GetParam().height, GetParam().width, 1);
  const auto second = test_support::random_image(GetParam().height, GetParam().width, 2);
  const auto outputs = static_cast<std::size_t>(GetParam().outputs);
  const auto expected = test_support::run(*engine, first, outputs);

  const auto context = engine->create_context();
  std::vector<float> logits(outputs);
  test_support::fill(context->input(), second);
  context->run(logits);
  EXPECT_NE(logits, expected);
  test_support::fill(context->input(), first);
  context->run(logits);
  EXPECT_EQ(logits, expected);
  context->run(logits);  // The input is still there.
  EXPECT_EQ(logits, expected);
}

INSTANTIATE_TEST_SUITE_P(All, NativeNetwork, testing::ValuesIn(test_support::network_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(NativeGraph, FoldsBatchNormReluAndDropout) {
  const auto nodes =
      core::native::build_graph(test_support::model_for(test_support::recipe_for(network("depthwise")))).nodes;
  ASSERT_EQ(nodes.size(), 5U);  // Three convolutions, pool, linear.
  EXPECT_EQ(nodes[0].activation, Activation::relu6);
  EXPECT_EQ(nodes[1].activation, Activation::relu6);
  EXPECT_EQ(nodes[2].kind, NodeKind::conv);
  EXPECT_EQ(nodes[3].kind, NodeKind::pool);
  EXPECT_EQ(nodes[4].kind, NodeKind::linear);
}

TEST(NativeGraph, AddsInPlaceOnlyWhereNobodyReadsTheOldValue) {
  const auto adds = [](const std::string& name) {
    std::vector<NodeKind> kinds;
    for (const auto& node :
         core::native::build_graph(test_support::model_for(test_support::recipe_for(network(name)))).nodes) {
      if (node.addend >= 0) kinds.push_back(node.kind);
    }
    return kinds;
  };
  using testing::ElementsAre;
  EXPECT_THAT(adds("add_in_place"), ElementsAre(NodeKind::conv));
  EXPECT_THAT(adds("add_of_own_input"), ElementsAre(NodeKind::add));
  EXPECT_THAT(adds("add_to_itself"), ElementsAre(NodeKind::add));
  EXPECT_THAT(adds("add_of_the_pooled"), ElementsAre(NodeKind::add));
  EXPECT_THAT(adds("input_of_the_addend"), ElementsAre(NodeKind::add));
  EXPECT_THAT(adds("add_read_twice"), ElementsAre(NodeKind::add, NodeKind::conv));
  EXPECT_THAT(adds("add_nested"), ElementsAre(NodeKind::add, NodeKind::add, NodeKind::conv, NodeKind::add));
}

TEST(NativeGraph, NamesAMissingWeight) {
  auto recipe = test_support::recipe_for(network("plain"));
  recipe.edit_weights = [](test_support::Weights& weights) { weights.erase("a.bias"); };
  try {
    core::native::build_graph(test_support::model_for(recipe));
    FAIL() << "no failure";
  } catch (const core::Failure& failure) {
    EXPECT_EQ(failure.status(), core::Status::model_format);
    EXPECT_THAT(failure.what(), testing::HasSubstr("a.bias"));
  }
}

TEST(NativeArena, SharesMemoryOnlyBetweenLivesThatDoNotMeet) {
  using core::native::Buffer;
  std::vector<Buffer> buffers = {{1000, 0, 1, 0}, {500, 1, 2, 0}, {900, 2, 3, 0}, {100, 0, 3, 0}, {64, 3, 4, 0}};
  const std::size_t total = core::native::place_buffers(buffers);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(buffers[i].offset % core::native::arena_alignment, 0U);
    EXPECT_LE(buffers[i].offset + buffers[i].bytes, total);
    sum += buffers[i].bytes;
    for (std::size_t j = 0; j < i; ++j) {
      if (buffers[i].last < buffers[j].first || buffers[j].last < buffers[i].first) continue;
      EXPECT_TRUE(buffers[i].offset + buffers[i].bytes <= buffers[j].offset ||
                  buffers[j].offset + buffers[j].bytes <= buffers[i].offset)
          << i << " and " << j;
    }
  }
  EXPECT_LT(total, sum);
}

TEST(NativeEngine, EngineMayGoBeforeItsContext) {
  const auto model = test_support::model_for({});
  auto engine = core::create_native_engine(model, Precision::fp32);
  const auto image = test_support::random_image(32, 32, 1);
  const auto expected = test_support::run(*engine, image, 2);
  const auto context = engine->create_context();
  engine.reset();
  test_support::fill(context->input(), image);
  std::vector<float> logits(2);
  context->run(logits);
  EXPECT_EQ(logits, expected);
}

TEST(NativeEngine, RefusesRoomForAnotherNumberOfLogits) {
  const auto engine = core::create_native_engine(test_support::model_for({}), Precision::fp32);
  std::vector<float> logits(3);
  try {
    engine->create_context()->run(logits);
    FAIL() << "no failure";
  } catch (const core::Failure& failure) {
    EXPECT_EQ(failure.status(), core::Status::engine_failed);
  }
}

TEST(NativeEngine, PlacesHaveTheImagesLogitsAsTheirMeanWhereTheEndIsLinear) {
  static const std::string linear_end = R"({"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":2})";
  std::size_t tried = 0;
  for (const NetworkCase& each : test_support::network_cases()) {
    if (each.layers.find(linear_end) == std::string::npos) continue;
    SCOPED_TRACE(each.name);
    ++tried;
    const auto model = test_support::model_for(test_support::recipe_for(each));
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      if (precision == Precision::bf16 && !core::cpu_has_fast_bf16()) continue;
      const auto engine = core::create_native_engine(model, precision);
      const auto context = engine->create_context();
      test_support::fill(context->input(), test_support::random_image(each.height, each.width, 1));
      std::vector<float> whole(2);
      context->run(whole);
      const core::Grid grid = engine->grid();
      ASSERT_GT(grid.size(), 0U);
      std::vector<float> places(2 * grid.size());
      context->run_places(places, {});
      const double tolerance = precision == Precision::fp32 ? 1e-4 : 0.02;
      for (std::size_t output = 0; output < 2; ++output) {
        double sum = 0;
        for (std::size_t i = output; i < places.size(); i += 2) sum += places[i];
        const double mean = sum / static_cast<double>(grid.size());
        EXPECT_NEAR(mean, whole[output], tolerance * std::max(1.0F, std::abs(whole[output])));
      }
      std::vector<float> again(2);
      context->run(again);
      EXPECT_EQ(again, whole);
    }
  }
  EXPECT_GT(tried, 10U);
}

TEST(NativeEngine, PlacesGoThroughAllThatFollowsThePooling) {
  // The left half is white, the right half black. No place sees another one's pixels.
  constexpr std::size_t side = 8;
  const NetworkCase halves{"halves", R"({"op":"conv2d","name":"a","out_channels":19,"kernel":1},{"op":"relu"},
      {"op":"global_avg_pool","id":"x"},{"op":"linear","name":"b","out_features":19},{"op":"relu"},
      {"op":"add","from":"x"},{"op":"linear","name":"fc","out_features":2})",
                           side, side, 2};
  const auto engine =
      core::create_native_engine(test_support::model_for(test_support::recipe_for(halves)), Precision::fp32);
  ASSERT_EQ(engine->grid().rows, side);
  ASSERT_EQ(engine->grid().columns, side);
  constexpr std::size_t pixels = side * side;
  const auto white = test_support::run(*engine, std::vector<float>(3 * pixels, 1), 2);
  const auto black = test_support::run(*engine, std::vector<float>(3 * pixels, -1), 2);
  std::vector<float> image;
  for (std::size_t i = 0; i < 3 * pixels; ++i) image.push_back(i % side < side / 2 ? 1.0F : -1.0F);
  const auto context = engine->create_context();
  test_support::fill(context->input(), image);
  std::vector<float> places(2 * pixels);
  context->run_places(places, {});
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_NEAR(places[i], (i / 2 % side < side / 2 ? white : black)[i % 2], 1e-5) << i;
  }
}

TEST(NativeEngine, HasNoPlacesWhereAPoolingIsNotTheEnd) {
  const std::string conv = R"({"op":"conv2d","name":"a","out_channels":4,"kernel":3,"id":"x"},)";
  for (const std::string end :
       {R"({"op":"linear","name":"fc","out_features":2})",
        R"({"op":"global_avg_pool"},{"op":"linear","name":"fc","out_features":2,"input":"x"})"}) {
    const auto model = test_support::model_for(test_support::recipe_for({"end", conv + end, 9, 9, 2}));
    EXPECT_EQ(core::create_native_engine(model, Precision::fp32)->grid().size(), 0U) << end;
  }
}

TEST(NativeEngine, RefusesAnArchiveWithoutLayers) {
  test_support::ModelRecipe recipe;
  recipe.with_json = false;
  recipe.with_weights = false;
  recipe.more_entries = {
      {"best_model/data.pkl", {1}}, {"best_model/constants.pkl", {1}}, {"best_model/version", {'3'}}};
  try {
    core::create_native_engine(test_support::model_for(recipe), Precision::fp32);
    FAIL() << "no failure";
  } catch (const core::Failure& failure) {
    EXPECT_EQ(failure.status(), core::Status::model_unsupported);
    EXPECT_THAT(failure.what(), testing::HasSubstr("TorchScript"));
  }
}

TEST(NativeEngine, ManyContextsAtOnceGiveTheAnswersOfOne) {
  const auto model = test_support::model_for({});
  const auto engine = core::create_native_engine(model, Precision::fp32);
  std::vector<std::vector<float>> expected;
  for (std::uint32_t i = 0; i < 8; ++i) {
    expected.push_back(test_support::run(*engine, test_support::random_image(32, 32, i), 2));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 8; ++i) {
        const std::uint32_t which = (i + static_cast<std::uint32_t>(t)) % 8;
        if (test_support::run(*engine, test_support::random_image(32, 32, which), 2) != expected[which]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace catdog
