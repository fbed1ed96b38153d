// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <string>

#include "fixture.hpp"

namespace catdog::capi_test {
namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max();
constexpr auto least = std::numeric_limits<std::int64_t>::min();

struct IntRange {
  catdog_option key;
  std::int64_t low;
  std::int64_t high;
  const char* name;
};

class IntOption : public testing::TestWithParam<IntRange> {};

TEST_P(IntOption, TakesItsRangeOnly) {
  const IntRange range = GetParam();
  const OptionsOwner options = make_options();
  EXPECT_EQ(catdog_options_set_int(options.get(), range.key, range.low), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(catdog_options_set_int(options.get(), range.key, range.high), CATDOG_OK) << catdog_last_error();
  for (const std::int64_t bad : {range.low - 1, least}) {
    EXPECT_EQ(catdog_options_set_int(options.get(), range.key, bad), CATDOG_ERROR_INVALID_ARGUMENT) << bad;
    EXPECT_NE(std::string(catdog_last_error()).find(range.name), std::string::npos) << catdog_last_error();
  }
  if (range.high < most) {
    EXPECT_EQ(catdog_options_set_int(options.get(), range.key, range.high + 1), CATDOG_ERROR_INVALID_ARGUMENT);
  }
}

TEST_P(IntOption, IsOfNoOtherType) {
  const OptionsOwner options = make_options();
  EXPECT_EQ(catdog_options_set_double(options.get(), GetParam().key, 0.5), CATDOG_ERROR_UNKNOWN_OPTION);
  EXPECT_EQ(catdog_options_set_string(options.get(), GetParam().key, "1"), CATDOG_ERROR_UNKNOWN_OPTION);
}

INSTANTIATE_TEST_SUITE_P(Options, IntOption,
                         testing::Values(IntRange{CATDOG_OPTION_THREADS, 0, 1024, "threads"},
                                         IntRange{CATDOG_OPTION_SELF_TEST, 0, 1, "self_test"},
                                         IntRange{CATDOG_OPTION_MAX_ENCODED_BYTES, 1, most, "max_encoded_bytes"},
                                         IntRange{CATDOG_OPTION_MAX_PIXELS, 1, most, "max_pixels"},
                                         IntRange{CATDOG_OPTION_MAX_SIDE, 1, 65535, "max_side"},
                                         IntRange{CATDOG_OPTION_MAX_SCANS, 1, 1 << 30, "max_scans"}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Options, AbstainBelowIsAProbability) {
  const OptionsOwner options = make_options();
  for (const double good : {0.0, 0.5, 1.0}) {
    EXPECT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, good), CATDOG_OK) << good;
  }
  for (const double bad : {-0.01, 1.01, std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_EQ(catdog_options_set_double(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, bad), CATDOG_ERROR_INVALID_ARGUMENT)
        << bad;
  }
  EXPECT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_ABSTAIN_BELOW, 1), CATDOG_ERROR_UNKNOWN_OPTION);
}

TEST(Options, NamesAreOneOfAList) {
  const OptionsOwner options = make_options();
  for (const char* good : {"auto", "native", "torch"}) {
    EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_ENGINE, good), CATDOG_OK) << good;
  }
  for (const char* good : {"auto", "fp32", "bf16"}) {
    EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_PRECISION, good), CATDOG_OK) << good;
  }
  EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_ENGINE, "fp32"), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_PRECISION, "Bf16"), CATDOG_ERROR_INVALID_ARGUMENT);
  const std::string message = catdog_last_error();
  for (const char* part : {"precision", "auto", "fp32", "bf16", "Bf16"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
}

TEST(Options, ChecksumIsSixtyFourHexDigitsOrEmpty) {
  const OptionsOwner options = make_options();
  const auto set = [&](const std::string& text) {
    return catdog_options_set_string(options.get(), CATDOG_OPTION_EXPECTED_SHA256, text.c_str());
  };
  EXPECT_EQ(set(std::string(64, 'a')), CATDOG_OK);
  EXPECT_EQ(set(std::string(64, 'F')), CATDOG_OK);
  EXPECT_EQ(set(""), CATDOG_OK);
  EXPECT_EQ(set(std::string(63, 'a')), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(set(std::string(65, 'a')), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(set(std::string(63, 'a') + "g"), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST(Options, UnknownKeysAreNamed) {
  const OptionsOwner options = make_options();
  EXPECT_EQ(catdog_options_set_int(options.get(), 9999, 1), CATDOG_ERROR_UNKNOWN_OPTION);
  EXPECT_NE(std::string(catdog_last_error()).find("9999"), std::string::npos) << catdog_last_error();
  EXPECT_EQ(catdog_options_set_double(options.get(), -1, 1), CATDOG_ERROR_UNKNOWN_OPTION);
  EXPECT_EQ(catdog_options_set_string(options.get(), 0, "1"), CATDOG_ERROR_UNKNOWN_OPTION);
  EXPECT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_TORCH_PLUGIN, 1), CATDOG_ERROR_UNKNOWN_OPTION);
  EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_TORCH_PLUGIN, "/somewhere.so"), CATDOG_OK);
}

TEST(Options, NullsAreRefused) {
  const OptionsOwner options = make_options();
  EXPECT_EQ(catdog_options_create(nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_int(nullptr, CATDOG_OPTION_THREADS, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_double(nullptr, CATDOG_OPTION_ABSTAIN_BELOW, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_string(nullptr, CATDOG_OPTION_ENGINE, "auto"), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_ENGINE, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_log(nullptr, CATDOG_LOG_INFO, nullptr, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  catdog_options_destroy(nullptr);
}

TEST(Options, ABadValueLeavesTheOldOne) {
  const OptionsOwner options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 3), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 5000), CATDOG_ERROR_INVALID_ARGUMENT);
  const ClassifierOwner classifier = open_model(small_model(), options.get());
  ASSERT_NE(classifier, nullptr);
  EXPECT_STREQ(catdog_classifier_info(classifier.get(), CATDOG_INFO_THREADS), "3");
}

TEST(Options, TheClassifierHasItsOwnCopy) {
  OptionsOwner options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_MAX_SIDE, 100), CATDOG_OK);
  const ClassifierOwner classifier = open_model(small_model(), options.get());
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_MAX_SIDE, 10), CATDOG_OK);
  options.reset();
  const ByteString jpeg = small_jpeg(60, 44);
  catdog_result* result = nullptr;
  EXPECT_EQ(catdog_classifier_classify_encoded(&result, classifier.get(), jpeg.data(), jpeg.size()), CATDOG_OK)
      << catdog_last_error();
  catdog_result_destroy(result);
}

struct Logged {
  int calls = 0;
  catdog_log_level level = 0;
  std::string message;
};

void remember(void* user_data, catdog_log_level level, const char* message) {
  auto* logged = static_cast<Logged*>(user_data);
  ++logged->calls;
  logged->level = level;
  logged->message = message;
}

TEST(Log, GetsMessagesOfItsLevelAndAbove) {
  const OptionsOwner options = make_options();
  Logged logged;
  ASSERT_EQ(catdog_options_set_log(options.get(), CATDOG_LOG_DEBUG, &remember, &logged), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_PRECISION, "fp32"), CATDOG_OK);
  ASSERT_NE(open_model(small_model(), options.get()), nullptr);
  EXPECT_EQ(logged.calls, 1);
  EXPECT_EQ(logged.level, CATDOG_LOG_INFO);
  EXPECT_NE(logged.message.find("native"), std::string::npos) << logged.message;

  logged = {};
  ASSERT_EQ(catdog_options_set_log(options.get(), CATDOG_LOG_WARNING, &remember, &logged), CATDOG_OK);
  ASSERT_NE(open_model(small_model(), options.get()), nullptr);
  EXPECT_EQ(logged.calls, 0);

  ASSERT_EQ(catdog_options_set_log(options.get(), CATDOG_LOG_DEBUG, nullptr, &logged), CATDOG_OK);
  ASSERT_NE(open_model(small_model(), options.get()), nullptr);
  EXPECT_EQ(logged.calls, 0);
}

TEST(Log, LevelsOutOfRangeAreRefused) {
  const OptionsOwner options = make_options();
  EXPECT_EQ(catdog_options_set_log(options.get(), 9, &remember, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_options_set_log(options.get(), 41, &remember, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST(Log, AThrowingCallbackHarmsNothing) {
  const OptionsOwner options = make_options();
  int calls = 0;
  const auto throwing = [](void* user_data, catdog_log_level, const char*) {
    ++*static_cast<int*>(user_data);
    throw 1;
  };
  ASSERT_EQ(catdog_options_set_log(options.get(), CATDOG_LOG_DEBUG, throwing, &calls), CATDOG_OK);
  EXPECT_NE(open_model(small_model(), options.get()), nullptr);
  EXPECT_GT(calls, 0);
}

}  // namespace
}  // namespace catdog::capi_test
