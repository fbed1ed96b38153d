// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "fixture.hpp"
#include "model/model_file.hpp"

namespace catdog::capi_test {
namespace {

// Not the address of anything: what an output must not keep after a failure.
catdog_classifier* const stale = reinterpret_cast<catdog_classifier*>(16);

catdog_status open_status(const ByteString& model, const catdog_options* options = nullptr) {
  catdog_classifier* classifier = stale;
  const catdog_status status = catdog_classifier_open_memory(&classifier, model.data(), model.size(), options);
  if (status != CATDOG_OK) {
    EXPECT_EQ(classifier, nullptr);
    EXPECT_STRNE(catdog_last_error(), "");
  } else {
    catdog_classifier_destroy(classifier);
  }
  return status;
}

class ModelVariable {
 public:
  explicit ModelVariable(const std::string& value) {
    if (const char* old = std::getenv("CATDOG_MODEL")) saved_ = old;
    setenv("CATDOG_MODEL", value.c_str(), 1);
  }
  ~ModelVariable() {
    if (saved_) {
      setenv("CATDOG_MODEL", saved_->c_str(), 1);
    } else {
      unsetenv("CATDOG_MODEL");
    }
  }
  ModelVariable(const ModelVariable&) = delete;
  ModelVariable& operator=(const ModelVariable&) = delete;

 private:
  std::optional<std::string> saved_;
};

TEST(Identity, VersionsAgreeWithTheHeader) {
  EXPECT_STREQ(catdog_version(), CATDOG_VERSION);
  EXPECT_EQ(catdog_abi_version(), CATDOG_ABI_VERSION);
}

TEST(Identity, EveryStatusHasItsName) {
  EXPECT_STREQ(catdog_status_name(CATDOG_OK), "ok");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_INVALID_ARGUMENT), "invalid_argument");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_UNKNOWN_OPTION), "unknown_option");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_NOT_FOUND), "not_found");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_IO), "io");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_UNSUPPORTED), "unsupported");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_CORRUPT), "corrupt");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_LIMIT), "limit");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_MODEL_FORMAT), "model_format");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_MODEL_VERSION), "model_version");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_MODEL_CHECKSUM), "model_checksum");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_MODEL_UNSUPPORTED), "model_unsupported");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_ENGINE_UNAVAILABLE), "engine_unavailable");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_ENGINE_FAILED), "engine_failed");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_OUT_OF_MEMORY), "out_of_memory");
  EXPECT_STREQ(catdog_status_name(CATDOG_ERROR_INTERNAL), "internal");
  EXPECT_STREQ(catdog_status_name(12345), "unknown");
  EXPECT_STREQ(catdog_status_name(-1), "unknown");
}

TEST(Open, TellsWhatItOpened) {
  const TemporaryFolder folder;
  const std::string path = folder.write("caf\xC3\xA9.pt", small_model());
  catdog_classifier* opened = nullptr;
  ASSERT_EQ(catdog_classifier_open_file(&opened, path.c_str(), nullptr), CATDOG_OK) << catdog_last_error();
  const ClassifierOwner owner(opened);
  EXPECT_STREQ(catdog_classifier_info(opened, CATDOG_INFO_MODEL_NAME), "small");
  EXPECT_STREQ(catdog_classifier_info(opened, CATDOG_INFO_MODEL_VERSION), "1.2.3");
  EXPECT_EQ(catdog_classifier_info(opened, CATDOG_INFO_MODEL_SHA256), core::sha256_hex(small_model()));
  EXPECT_EQ(catdog_classifier_info(opened, CATDOG_INFO_MODEL_PATH), path);
  EXPECT_STREQ(catdog_classifier_info(opened, CATDOG_INFO_ENGINE), "native");
  EXPECT_STREQ(catdog_classifier_info(opened, CATDOG_INFO_INPUT_SIZE), "32x32");
  EXPECT_EQ(catdog_classifier_info(opened, CATDOG_INFO_MODEL_JSON),
            test_support::make_catdog_json(test_support::ModelRecipe{}));
  EXPECT_EQ(catdog_classifier_info(opened, 9999), nullptr);
  EXPECT_EQ(catdog_classifier_label_count(opened), 2);
  EXPECT_STREQ(catdog_classifier_label(opened, 0), "cat");
  EXPECT_STREQ(catdog_classifier_label(opened, 1), "dog");
  EXPECT_EQ(catdog_classifier_label(opened, 2), nullptr);
  EXPECT_EQ(catdog_classifier_label(opened, -1), nullptr);
}

TEST(Open, FromMemoryHasNoPathAndKeepsNoBytes) {
  ByteString model = small_model();
  const ClassifierOwner classifier = open_model(model);
  ASSERT_NE(classifier, nullptr);
  const ClassifierOwner untouched = open_model(small_model());
  std::fill(model.begin(), model.end(), std::uint8_t{0});
  EXPECT_STREQ(catdog_classifier_info(classifier.get(), CATDOG_INFO_MODEL_PATH), "");
  const ByteString jpeg = small_jpeg();
  catdog_result* first = nullptr;
  catdog_result* second = nullptr;
  ASSERT_EQ(catdog_classifier_classify_encoded(&first, classifier.get(), jpeg.data(), jpeg.size()), CATDOG_OK);
  const ResultOwner first_owner(first);
  ASSERT_EQ(catdog_classifier_classify_encoded(&second, untouched.get(), jpeg.data(), jpeg.size()), CATDOG_OK);
  const ResultOwner second_owner(second);
  EXPECT_EQ(probabilities(first, 0, 2), probabilities(second, 0, 2));
}

TEST(Open, PrecisionIsTheOneAskedFor) {
  const OptionsOwner options = make_options();
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_PRECISION, "fp32"), CATDOG_OK);
  const ClassifierOwner classifier = open_model(small_model(), options.get());
  EXPECT_STREQ(catdog_classifier_info(classifier.get(), CATDOG_INFO_PRECISION), "fp32");
}

TEST(Open, NullsAndZeroSizes) {
  EXPECT_EQ(catdog_classifier_open_file(nullptr, "x", nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_open_memory(nullptr, small_model().data(), small_model().size(), nullptr),
            CATDOG_ERROR_INVALID_ARGUMENT);
  catdog_classifier* classifier = stale;
  EXPECT_EQ(catdog_classifier_open_memory(&classifier, nullptr, 10, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(classifier, nullptr);
  EXPECT_EQ(catdog_classifier_open_memory(&classifier, small_model().data(), 0, nullptr), CATDOG_ERROR_MODEL_FORMAT);
  EXPECT_EQ(catdog_classifier_label_count(nullptr), 0);
  EXPECT_EQ(catdog_classifier_label(nullptr, 0), nullptr);
  EXPECT_EQ(catdog_classifier_info(nullptr, CATDOG_INFO_MODEL_NAME), nullptr);
  EXPECT_EQ(catdog_classifier_warm_up(nullptr, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  catdog_classifier_destroy(nullptr);
}

TEST(Open, BadModelsAreNamed) {
  EXPECT_EQ(open_status({'h', 'e', 'l', 'l', 'o'}), CATDOG_ERROR_MODEL_FORMAT);
  ByteString half = small_model();
  half.resize(half.size() / 2);
  EXPECT_EQ(open_status(half), CATDOG_ERROR_MODEL_FORMAT);
  test_support::ModelRecipe newer;
  newer.json_patch = R"({"format_version": 1000})";
  EXPECT_EQ(open_status(test_support::make_model_archive(newer)), CATDOG_ERROR_MODEL_VERSION);
}

TEST(Open, FileErrors) {
  const TemporaryFolder folder;
  catdog_classifier* classifier = stale;
  const std::string missing = folder.path() + "/missing.pt";
  EXPECT_EQ(catdog_classifier_open_file(&classifier, missing.c_str(), nullptr), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(classifier, nullptr);
  EXPECT_NE(std::string(catdog_last_error()).find(missing), std::string::npos) << catdog_last_error();
  EXPECT_EQ(catdog_classifier_open_file(&classifier, folder.path().c_str(), nullptr), CATDOG_ERROR_IO);
  EXPECT_NE(std::string(catdog_last_error()).find(folder.path()), std::string::npos) << catdog_last_error();
}

TEST(Open, ExpectedChecksumIsEnforced) {
  const OptionsOwner options = make_options();
  const std::string right = core::sha256_hex(small_model());
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_EXPECTED_SHA256, right.c_str()), CATDOG_OK);
  EXPECT_EQ(open_status(small_model(), options.get()), CATDOG_OK);
  EXPECT_EQ(open_status(three_label_model(), options.get()), CATDOG_ERROR_MODEL_CHECKSUM);
  EXPECT_EQ(open_status({'n', 'o', ' ', 'z', 'i', 'p'}, options.get()), CATDOG_ERROR_MODEL_CHECKSUM)
      << "compared before anything is parsed";
}

TEST(Open, SelfTestCanBeSwitchedOff) {
  test_support::ModelRecipe recipe;
  recipe.golden = {{1, {100.0F, -100.0F}}};  // Not what these weights give.
  const ByteString model = test_support::make_model_archive(recipe);
  EXPECT_EQ(open_status(model), CATDOG_ERROR_MODEL_FORMAT);
  const OptionsOwner options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_SELF_TEST, 0), CATDOG_OK);
  EXPECT_EQ(open_status(model, options.get()), CATDOG_OK) << catdog_last_error();
}

TEST(Open, AMissingTorchPluginIsNamed) {
  const OptionsOwner options = make_options();
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_ENGINE, "torch"), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_TORCH_PLUGIN, "/nowhere/libcatdog-torch.so"),
            CATDOG_OK);
  EXPECT_EQ(open_status(small_model(), options.get()), CATDOG_ERROR_ENGINE_UNAVAILABLE);
  EXPECT_NE(std::string(catdog_last_error()).find("/nowhere/libcatdog-torch.so"), std::string::npos)
      << catdog_last_error();
}

TEST(Open, DefaultModelIsTheOneInTheEnvironment) {
  const TemporaryFolder folder;
  const std::string path = folder.write("mine.pt", three_label_model());
  {
    const ModelVariable variable(path);
    catdog_classifier* classifier = nullptr;
    ASSERT_EQ(catdog_classifier_open_file(&classifier, nullptr, nullptr), CATDOG_OK) << catdog_last_error();
    const ClassifierOwner owner(classifier);
    EXPECT_STREQ(catdog_classifier_info(classifier, CATDOG_INFO_MODEL_NAME), "three");
    EXPECT_EQ(catdog_classifier_info(classifier, CATDOG_INFO_MODEL_PATH), path);
  }
  const ModelVariable variable(folder.path() + "/gone.pt");
  catdog_classifier* classifier = stale;
  EXPECT_EQ(catdog_classifier_open_file(&classifier, nullptr, nullptr), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(classifier, nullptr);
  EXPECT_NE(std::string(catdog_last_error()).find("gone.pt"), std::string::npos) << catdog_last_error();
}

TEST(Open, WarmUpTakesItsRangeOnly) {
  const ClassifierOwner classifier = open_model(small_model());
  EXPECT_EQ(catdog_classifier_warm_up(classifier.get(), 0), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(catdog_classifier_warm_up(classifier.get(), 3), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(catdog_classifier_warm_up(classifier.get(), -1), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_warm_up(classifier.get(), 1025), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST(LastError, BelongsToItsThread) {
  ASSERT_EQ(open_status({'x'}), CATDOG_ERROR_MODEL_FORMAT);
  const std::string mine = catdog_last_error();
  std::string at_start = "not set";
  std::string after_failure;
  std::thread([&] {
    at_start = catdog_last_error();
    catdog_options_create(nullptr);
    after_failure = catdog_last_error();
  }).join();
  EXPECT_EQ(at_start, "");
  EXPECT_NE(after_failure.find("output"), std::string::npos) << after_failure;
  EXPECT_EQ(catdog_last_error(), mine);
}

}  // namespace
}  // namespace catdog::capi_test
