// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "capi/support.hpp"

namespace catdog::test_support {
namespace {

using testing::HasSubstr;

TEST(CapiOptions, IntegersAtTheEdgesOfTheirRanges) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const struct {
    catdog_option key;
    std::int64_t low, high;
    const char* name;
  } ranges[] = {{CATDOG_OPTION_THREADS, 0, 1024, "threads"},
                {CATDOG_OPTION_SELF_TEST, 0, 1, "self_test"},
                {CATDOG_OPTION_MAX_ENCODED_BYTES, 1, most, "max_encoded_bytes"},
                {CATDOG_OPTION_MAX_PIXELS, 1, most, "max_pixels"},
                {CATDOG_OPTION_MAX_SIDE, 1, 65535, "max_side"},
                {CATDOG_OPTION_MAX_SCANS, 1, 1 << 30, "max_scans"},
                {CATDOG_OPTION_MAX_DECODE_BYTES, 1, most, "max_decode_bytes"},
                {CATDOG_OPTION_TIMEOUT_MS, 0, (std::int64_t{1} << 32) - 1, "timeout_ms"}};
  const auto options = make_options();
  for (const auto& range : ranges) {
    EXPECT_EQ(catdog_options_set_int(options.get(), range.key, range.low), CATDOG_OK) << range.name;
    EXPECT_EQ(catdog_options_set_int(options.get(), range.key, range.high), CATDOG_OK) << range.name;
    EXPECT_EQ(catdog_options_set_int(options.get(), range.key, range.low - 1), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(catdog_last_error(), HasSubstr(range.name));
    EXPECT_EQ(catdog_options_set_int(options.get(), range.key, std::numeric_limits<std::int64_t>::min()),
              CATDOG_ERROR_INVALID_ARGUMENT);
    if (range.high != most) {
      EXPECT_EQ(catdog_options_set_int(options.get(), range.key, range.high + 1), CATDOG_ERROR_INVALID_ARGUMENT);
      // Not cut to 32 bits before it is looked at.
      EXPECT_EQ(catdog_options_set_int(options.get(), range.key, (std::int64_t{1} << 32) + 1),
                CATDOG_ERROR_INVALID_ARGUMENT);
    }
  }
}

TEST(CapiOptions, WhatWasSetIsRead) {
  const auto options = make_options();
  for (const catdog_option key : {CATDOG_OPTION_THREADS, CATDOG_OPTION_SELF_TEST, CATDOG_OPTION_VERIFY_WEIGHTS,
                                  CATDOG_OPTION_MAX_ENCODED_BYTES, CATDOG_OPTION_MAX_PIXELS, CATDOG_OPTION_MAX_SIDE,
                                  CATDOG_OPTION_MAX_SCANS, CATDOG_OPTION_MAX_DECODE_BYTES, CATDOG_OPTION_TIMEOUT_MS}) {
    SCOPED_TRACE(key);
    std::int64_t fresh = -7;
    std::int64_t standard = -8;
    ASSERT_EQ(catdog_options_get_int(&fresh, options.get(), key), CATDOG_OK);
    ASSERT_EQ(catdog_options_get_int(&standard, nullptr, key), CATDOG_OK);
    EXPECT_EQ(fresh, standard);
    ASSERT_EQ(catdog_options_set_int(options.get(), key, 1), CATDOG_OK);
    ASSERT_EQ(catdog_options_get_int(&fresh, options.get(), key), CATDOG_OK);
    EXPECT_EQ(fresh, 1);
  }
  for (const catdog_option key :
       {CATDOG_OPTION_ABSTAIN_BELOW, CATDOG_OPTION_NEITHER_ABOVE, CATDOG_OPTION_MIN_PRECISION}) {
    SCOPED_TRACE(key);
    double value = 7;
    ASSERT_EQ(catdog_options_get_double(&value, options.get(), key), CATDOG_OK);
    EXPECT_EQ(value, -1);
    ASSERT_EQ(catdog_options_set_double(options.get(), key, 0.25), CATDOG_OK);
    ASSERT_EQ(catdog_options_get_double(&value, options.get(), key), CATDOG_OK);
    EXPECT_EQ(value, 0.25);
    ASSERT_EQ(catdog_options_get_double(&value, nullptr, key), CATDOG_OK);
    EXPECT_EQ(value, -1);
  }
  std::int64_t untouched = 7;
  EXPECT_EQ(catdog_options_get_int(&untouched, options.get(), CATDOG_OPTION_ENGINE), CATDOG_ERROR_UNKNOWN_OPTION);
  EXPECT_EQ(untouched, 7);
  double number = 7;
  EXPECT_EQ(catdog_options_get_double(&number, nullptr, CATDOG_OPTION_THREADS), CATDOG_ERROR_UNKNOWN_OPTION);
  EXPECT_EQ(number, 7);
  EXPECT_EQ(catdog_options_get_int(nullptr, nullptr, CATDOG_OPTION_THREADS), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_get_double(nullptr, nullptr, CATDOG_OPTION_ABSTAIN_BELOW), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST(CapiOptions, DoubleAtTheEdgesOfItsRange) {
  const auto options = make_options();
  for (const double good : {0.0, 0.5, 1.0}) {
    EXPECT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, good), CATDOG_OK);
  }
  for (const double bad : {-1e-9, 1.0000001, std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, bad),
              CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(catdog_last_error(), HasSubstr("abstain_below"));
  }
}

TEST(CapiOptions, StringsTakeTheirValuesOnly) {
  const auto options = make_options();
  const auto set = [&](catdog_option key, const char* value) {
    return catdog_options_set_string(options.get(), key, value);
  };
  for (const char* engine : {"auto", "native", "torch"}) EXPECT_EQ(set(CATDOG_OPTION_ENGINE, engine), CATDOG_OK);
  for (const char* engine : {"", "Native", "native ", "tensorflow"}) {
    EXPECT_EQ(set(CATDOG_OPTION_ENGINE, engine), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(catdog_last_error(), HasSubstr("\"native\", \"torch\""));
  }
  for (const char* precision : {"auto", "fp32", "bf16", "int8"})
    EXPECT_EQ(set(CATDOG_OPTION_PRECISION, precision), CATDOG_OK);
  for (const char* precision : {"", "FP32", "int9"}) {
    EXPECT_EQ(set(CATDOG_OPTION_PRECISION, precision), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(catdog_last_error(), HasSubstr("\"fp32\", \"bf16\", \"int8\""));
  }
  const std::string digits(64, 'a');
  EXPECT_EQ(set(CATDOG_OPTION_EXPECTED_SHA256, digits.c_str()), CATDOG_OK);
  EXPECT_EQ(set(CATDOG_OPTION_EXPECTED_SHA256, std::string(64, 'F').c_str()), CATDOG_OK);
  EXPECT_EQ(set(CATDOG_OPTION_EXPECTED_SHA256, ""), CATDOG_OK);
  for (const std::string& bad : {digits.substr(1), digits + "a", digits.substr(1) + "g", std::string("sha256:")}) {
    EXPECT_EQ(set(CATDOG_OPTION_EXPECTED_SHA256, bad.c_str()), CATDOG_ERROR_INVALID_ARGUMENT) << bad;
    EXPECT_THAT(catdog_last_error(), HasSubstr("64 hexadecimal digits"));
  }
  EXPECT_EQ(set(CATDOG_OPTION_TORCH_PLUGIN, "anything.so"), CATDOG_OK);
  EXPECT_EQ(set(CATDOG_OPTION_TORCH_PLUGIN, ""), CATDOG_OK);
}

TEST(CapiOptions, KeysOfAnotherTypeAndUnknownKeysAreUnknown) {
  const auto options = make_options();
  for (const catdog_option key : {CATDOG_OPTION_ABSTAIN_BELOW, CATDOG_OPTION_ENGINE, CATDOG_OPTION_EXPECTED_SHA256}) {
    EXPECT_EQ(catdog_options_set_int(options.get(), key, 1), CATDOG_ERROR_UNKNOWN_OPTION);
  }
  for (const catdog_option key : {CATDOG_OPTION_THREADS, CATDOG_OPTION_MAX_PIXELS, CATDOG_OPTION_ENGINE}) {
    EXPECT_EQ(catdog_options_set_double(options.get(), key, 1), CATDOG_ERROR_UNKNOWN_OPTION);
  }
  for (const catdog_option key : {CATDOG_OPTION_THREADS, CATDOG_OPTION_ABSTAIN_BELOW}) {
    EXPECT_EQ(catdog_options_set_string(options.get(), key, "1"), CATDOG_ERROR_UNKNOWN_OPTION);
  }
  for (const catdog_option key : {0, -1, 12, 56, 2147483647}) {
    EXPECT_EQ(catdog_options_set_int(options.get(), key, 1), CATDOG_ERROR_UNKNOWN_OPTION);
    EXPECT_EQ(catdog_options_set_double(options.get(), key, 1), CATDOG_ERROR_UNKNOWN_OPTION);
    EXPECT_EQ(catdog_options_set_string(options.get(), key, "1"), CATDOG_ERROR_UNKNOWN_OPTION);
    EXPECT_THAT(catdog_last_error(), HasSubstr(std::to_string(key)));
  }
}

TEST(CapiOptions, ARefusedValueLeavesTheOldOne) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 3), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, -1), CATDOG_ERROR_INVALID_ARGUMENT);
  const auto classifier = open_model({}, options.get());
  EXPECT_EQ(catdog_classifier_integer(classifier.get(), CATDOG_INFO_THREADS), 3);
}

TEST(CapiOptions, NullIsNamed) {
  const auto options = make_options();
  EXPECT_EQ(catdog_options_create(nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), HasSubstr("output argument"));
  EXPECT_EQ(catdog_options_set_int(nullptr, CATDOG_OPTION_THREADS, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), HasSubstr("options is NULL"));
  EXPECT_EQ(catdog_options_set_double(nullptr, CATDOG_OPTION_ABSTAIN_BELOW, 0), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_string(nullptr, CATDOG_OPTION_ENGINE, "auto"), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_ENGINE, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), HasSubstr("value is NULL"));
  EXPECT_EQ(catdog_options_set_log(nullptr, CATDOG_LOG_INFO, nullptr, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  catdog_options_destroy(nullptr);
}

TEST(CapiOptions, PrecisionAndEngineAreHeeded) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_PRECISION, "fp32"), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_ENGINE, "native"), CATDOG_OK);
  const auto classifier = open_model({}, options.get());
  EXPECT_STREQ(catdog_classifier_info(classifier.get(), CATDOG_INFO_PRECISION), "fp32");
  EXPECT_STREQ(catdog_classifier_info(classifier.get(), CATDOG_INFO_ENGINE), "native");
}

TEST(CapiOptions, AMissingTorchPluginIsNamed) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_ENGINE, "torch"), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_TORCH_PLUGIN, "/nowhere/libx.so"), CATDOG_OK);
  ClassifierHandle classifier;
  EXPECT_EQ(open_memory(classifier, make_model_archive(), options.get()), CATDOG_ERROR_ENGINE_UNAVAILABLE);
  EXPECT_EQ(classifier, nullptr);
  EXPECT_THAT(catdog_last_error(), HasSubstr("/nowhere/libx.so"));
}

TEST(CapiOptions, SelfTestCanBeTurnedOff) {
  ModelRecipe recipe;
  recipe.golden = {{1, {1000.0F, -1000.0F}}};  // What no network of this size answers.
  const auto archive = make_model_archive(recipe);
  ClassifierHandle classifier;
  EXPECT_NE(open_memory(classifier, archive), CATDOG_OK);
  EXPECT_EQ(classifier, nullptr);
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_SELF_TEST, 0), CATDOG_OK);
  EXPECT_EQ(open_memory(classifier, archive, options.get()), CATDOG_OK) << catdog_last_error();
}

TEST(CapiOptions, AClassifierKeepsItsOwnCopy) {
  auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_MAX_PIXELS, 10), CATDOG_OK);
  const auto classifier = open_model({}, options.get());
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_MAX_PIXELS, 1000000), CATDOG_OK);
  options.reset();
  ResultHandle result;
  EXPECT_EQ(classify(result, classifier, encode_png(make_scene(16, 16))), CATDOG_ERROR_LIMIT);
}

}  // namespace
}  // namespace catdog::test_support
