// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "capi/support.hpp"
#include "lib/runtime/temporary_folder.hpp"
#include "support/signing_key.hpp"

namespace catdog::test_support {
namespace {

using testing::AllOf;
using testing::HasSubstr;

catdog_status open_file(ClassifierHandle& out, const char* path, const catdog_options* options = nullptr) {
  catdog_classifier* opened = nullptr;
  const catdog_status status = catdog_classifier_open_file(&opened, path, options);
  out.reset(opened);
  return status;
}

class CapiOpen : public testing::Test {
 protected:
  void SetUp() override { unsetenv("CATDOG_MODEL"); }
  void TearDown() override { unsetenv("CATDOG_MODEL"); }
  std::string path(const std::string& name) const { return (folder_.path / name).string(); }
  TemporaryFolder folder_;
  ClassifierHandle classifier_;
};

TEST_F(CapiOpen, FileAndMemoryAreTheSame) {
  const Bytes archive = make_model_archive();
  folder_.write("model.pt", text_of(archive));
  ASSERT_EQ(open_file(classifier_, path("model.pt").c_str()), CATDOG_OK) << catdog_last_error();
  ClassifierHandle from_memory;
  ASSERT_EQ(open_memory(from_memory, archive), CATDOG_OK) << catdog_last_error();
  for (const catdog_info key :
       {CATDOG_INFO_MODEL_NAME, CATDOG_INFO_MODEL_VERSION, CATDOG_INFO_MODEL_SHA256, CATDOG_INFO_MODEL_JSON}) {
    EXPECT_STREQ(catdog_classifier_info(classifier_.get(), key), catdog_classifier_info(from_memory.get(), key));
  }
  EXPECT_EQ(catdog_classifier_info(classifier_.get(), CATDOG_INFO_MODEL_PATH), path("model.pt"));
  EXPECT_STREQ(catdog_classifier_info(from_memory.get(), CATDOG_INFO_MODEL_PATH), "");
  const ByteString image = shipped_image("baseline.jpg");
  EXPECT_EQ(verdict_on(classifier_, image), verdict_on(from_memory, image));
}

TEST_F(CapiOpen, MemoryIsNotNeededAfterwards) {
  Bytes archive = make_model_archive();
  ASSERT_EQ(open_memory(classifier_, archive), CATDOG_OK);
  const ByteString image = shipped_image("baseline.jpg");
  const auto before = verdict_on(classifier_, image);
  std::fill(archive.begin(), archive.end(), 0);
  archive = Bytes();
  EXPECT_EQ(verdict_on(classifier_, image), before);
}

TEST_F(CapiOpen, InfoAndLabels) {
  ModelRecipe recipe;
  recipe.name = "tiny";
  recipe.version = "4.5.6";
  recipe.labels = {"cat", "dog", "b\xC3\xA4r"};
  recipe.architecture = small_architecture(3);
  recipe.width = 40;
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 2), CATDOG_OK);
  ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_PRECISION, "fp32"), CATDOG_OK);
  classifier_ = open_model(recipe, options.get());
  const auto info = [&](catdog_info key) { return catdog_classifier_info(classifier_.get(), key); };
  EXPECT_STREQ(info(CATDOG_INFO_MODEL_NAME), "tiny");
  EXPECT_STREQ(info(CATDOG_INFO_MODEL_VERSION), "4.5.6");
  EXPECT_THAT(info(CATDOG_INFO_MODEL_SHA256), testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_THAT(info(CATDOG_INFO_MODEL_JSON), AllOf(HasSubstr("catdog-model"), HasSubstr("4.5.6")));
  EXPECT_STREQ(info(CATDOG_INFO_ENGINE), "native");
  EXPECT_STREQ(info(CATDOG_INFO_PRECISION), "fp32");
  EXPECT_STREQ(info(CATDOG_INFO_PRECISION_REASON), "it was asked for");
  const auto number = [&](catdog_info key) { return catdog_classifier_number(classifier_.get(), key); };
  const auto integer = [&](catdog_info key) { return catdog_classifier_integer(classifier_.get(), key); };
  EXPECT_EQ(integer(CATDOG_INFO_INPUT_WIDTH), 40);
  EXPECT_EQ(integer(CATDOG_INFO_INPUT_HEIGHT), 32);
  EXPECT_EQ(integer(CATDOG_INFO_THREADS), 2);
  EXPECT_EQ(number(CATDOG_INFO_NEITHER_ABOVE), 1);
  // A key is of one type.
  for (const catdog_info key : {0, -1, 15, 24, 2147483647, +CATDOG_INFO_THREADS}) EXPECT_EQ(info(key), nullptr) << key;
  for (const catdog_info key : {0, -1, 15, 24, 2147483647, +CATDOG_INFO_ENGINE, +CATDOG_INFO_THREADS}) {
    EXPECT_LT(number(key), 0) << key;
  }
  for (const catdog_info key : {0, -1, 15, 24, 2147483647, +CATDOG_INFO_ENGINE, +CATDOG_INFO_ABSTAIN_BELOW}) {
    EXPECT_LT(integer(key), 0) << key;
  }
  EXPECT_LT(catdog_classifier_integer(nullptr, CATDOG_INFO_THREADS), 0);
  EXPECT_LT(catdog_classifier_number(nullptr, CATDOG_INFO_ABSTAIN_BELOW), 0);
  EXPECT_EQ(catdog_classifier_info(nullptr, CATDOG_INFO_ENGINE), nullptr);

  EXPECT_EQ(catdog_classifier_label_count(classifier_.get()), 3);
  EXPECT_STREQ(catdog_classifier_label(classifier_.get(), 0), "cat");
  EXPECT_STREQ(catdog_classifier_label(classifier_.get(), 2), "b\xC3\xA4r");
  for (const std::int32_t index : {-1, 3, 2147483647}) {
    EXPECT_EQ(catdog_classifier_label(classifier_.get(), index), nullptr) << index;
  }
  EXPECT_EQ(catdog_classifier_label_count(nullptr), 0);
  EXPECT_EQ(catdog_classifier_label(nullptr, 0), nullptr);
}

TEST_F(CapiOpen, Sha256IsChecked) {
  const Bytes archive = make_model_archive();
  ASSERT_EQ(open_memory(classifier_, archive), CATDOG_OK);
  std::string sha256 = catdog_classifier_info(classifier_.get(), CATDOG_INFO_MODEL_SHA256);
  folder_.write("model.pt", text_of(archive));
  const auto options = make_options();
  const auto expect = [&](const std::string& hex) {
    ASSERT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_EXPECTED_SHA256, hex.c_str()), CATDOG_OK);
  };
  expect(sha256);
  EXPECT_EQ(open_memory(classifier_, archive, options.get()), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(open_file(classifier_, path("model.pt").c_str(), options.get()), CATDOG_OK) << catdog_last_error();
  std::string upper = sha256;
  for (char& digit : upper) digit = static_cast<char>(toupper(digit));
  expect(upper);
  EXPECT_EQ(open_memory(classifier_, archive, options.get()), CATDOG_OK) << catdog_last_error();

  sha256[63] = sha256[63] == '0' ? '1' : '0';
  expect(sha256);
  EXPECT_EQ(open_memory(classifier_, archive, options.get()), CATDOG_ERROR_MODEL_CHECKSUM);
  EXPECT_EQ(classifier_, nullptr);
  EXPECT_EQ(open_file(classifier_, path("model.pt").c_str(), options.get()), CATDOG_ERROR_MODEL_CHECKSUM);
  // Before anything is parsed: what isn't a model at all fails the same way.
  EXPECT_EQ(open_memory(classifier_, Bytes{'x', 'y'}, options.get()), CATDOG_ERROR_MODEL_CHECKSUM);
  expect("");
  EXPECT_EQ(open_memory(classifier_, archive, options.get()), CATDOG_OK) << catdog_last_error();
}

TEST_F(CapiOpen, ATrustedKeyLetsOnlySignedModelsIn) {
  const Bytes archive = make_model_archive();
  const SigningKey key;
  const std::string signature = key.sign(archive);
  const auto options = make_options();
  const auto set = [&](catdog_option option, const std::string& value) {
    ASSERT_EQ(catdog_options_set_string(options.get(), option, value.c_str()), CATDOG_OK) << catdog_last_error();
  };
  const auto open = [&] { return open_file(classifier_, path("model.pt").c_str(), options.get()); };
  const auto refused = [&](const std::string& why) {
    EXPECT_EQ(open(), CATDOG_ERROR_MODEL_CHECKSUM);
    EXPECT_EQ(classifier_, nullptr);
    EXPECT_THAT(catdog_last_error(), testing::HasSubstr(why));
  };
  folder_.write("model.pt", text_of(archive));
  EXPECT_EQ(open(), CATDOG_OK);  // Nobody asked for a signature.
  set(CATDOG_OPTION_TRUSTED_KEY, key.public_key());
  refused("model.pt.minisig");
  folder_.write("model.pt.minisig", signature);
  EXPECT_EQ(open(), CATDOG_OK) << catdog_last_error();

  Bytes tampered = archive;
  tampered[tampered.size() / 2] ^= 1U;
  folder_.write("model.pt", text_of(tampered));
  refused("another file, or forged");
  folder_.write("model.pt", "not a model at all");  // Before anything is parsed.
  refused("another file, or forged");
  folder_.write("model.pt", text_of(archive));
  folder_.write("model.pt.minisig", signature.substr(0, 150));
  refused("minisign");
  folder_.write("model.pt.minisig", SigningKey(2).sign(archive));
  refused("0202020202020202");

  // From memory there is no file beside it. A given signature counts instead of the file.
  EXPECT_EQ(open_memory(classifier_, archive, options.get()), CATDOG_ERROR_MODEL_CHECKSUM);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("option signature"));
  set(CATDOG_OPTION_SIGNATURE, signature);
  EXPECT_EQ(open_memory(classifier_, archive, options.get()), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(open(), CATDOG_OK) << catdog_last_error();
  set(CATDOG_OPTION_SIGNATURE, "");
  refused("0202020202020202");
  set(CATDOG_OPTION_TRUSTED_KEY, "");
  EXPECT_EQ(open(), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(catdog_options_set_string(options.get(), CATDOG_OPTION_TRUSTED_KEY, "RWS"), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST_F(CapiOpen, FilesThatCanNotBeRead) {
  EXPECT_EQ(open_file(classifier_, path("missing.pt").c_str()), CATDOG_ERROR_NOT_FOUND);
  EXPECT_THAT(catdog_last_error(), HasSubstr("missing.pt"));
  EXPECT_EQ(open_file(classifier_, ""), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(open_file(classifier_, folder_.path.c_str()), CATDOG_ERROR_IO);
  EXPECT_THAT(catdog_last_error(), HasSubstr(folder_.path.string()));
  folder_.write("empty.pt", "");
  EXPECT_EQ(open_file(classifier_, path("empty.pt").c_str()), CATDOG_ERROR_MODEL_FORMAT);
  folder_.write("text.pt", "not a model");
  EXPECT_EQ(open_file(classifier_, path("text.pt").c_str()), CATDOG_ERROR_MODEL_FORMAT);
  EXPECT_EQ(classifier_, nullptr);
  if (geteuid() != 0) {
    ASSERT_EQ(chmod(path("text.pt").c_str(), 0), 0);
    EXPECT_EQ(open_file(classifier_, path("text.pt").c_str()), CATDOG_ERROR_IO);
  }
}

TEST_F(CapiOpen, ModelsThatAreTooNewSaySo) {
  ModelRecipe recipe;
  recipe.json_patch = R"({"format_version": 99})";
  EXPECT_EQ(open_memory(classifier_, make_model_archive(recipe)), CATDOG_ERROR_MODEL_VERSION);
  EXPECT_THAT(catdog_last_error(), HasSubstr("99"));
}

TEST_F(CapiOpen, TheEnvironmentNamesTheDefaultModel) {
  ModelRecipe recipe;
  recipe.name = "named by the environment";
  folder_.write("default.pt", text_of(make_model_archive(recipe)));
  setenv("CATDOG_MODEL", path("default.pt").c_str(), 1);
  ASSERT_EQ(open_file(classifier_, nullptr), CATDOG_OK) << catdog_last_error();
  EXPECT_STREQ(catdog_classifier_info(classifier_.get(), CATDOG_INFO_MODEL_NAME), "named by the environment");

  setenv("CATDOG_MODEL", path("missing.pt").c_str(), 1);
  EXPECT_EQ(open_file(classifier_, nullptr), CATDOG_ERROR_NOT_FOUND);
  EXPECT_THAT(catdog_last_error(), AllOf(HasSubstr("CATDOG_MODEL"), HasSubstr("missing.pt")));
  // A path that is given doesn't ask the environment.
  EXPECT_EQ(open_file(classifier_, path("default.pt").c_str()), CATDOG_OK);
}

TEST_F(CapiOpen, NullsAndNothing) {
  const Bytes archive = make_model_archive();
  EXPECT_EQ(catdog_classifier_open_file(nullptr, "x.pt", nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_open_memory(nullptr, archive.data(), archive.size(), nullptr),
            CATDOG_ERROR_INVALID_ARGUMENT);
  auto* opened = reinterpret_cast<catdog_classifier*>(&folder_);
  EXPECT_EQ(catdog_classifier_open_memory(&opened, nullptr, 10, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), HasSubstr("data is NULL"));
  EXPECT_EQ(opened, nullptr);
  opened = reinterpret_cast<catdog_classifier*>(&folder_);
  EXPECT_EQ(catdog_classifier_open_memory(&opened, archive.data(), 0, nullptr), CATDOG_ERROR_MODEL_FORMAT);
  EXPECT_EQ(opened, nullptr);
  catdog_classifier_destroy(nullptr);
}

TEST_F(CapiOpen, WarmUp) {
  classifier_ = open_model();
  for (const std::int32_t threads : {0, 1, 3})
    EXPECT_EQ(catdog_classifier_warm_up(classifier_.get(), threads), CATDOG_OK);
  for (const std::int32_t threads : {-1, 1025}) {
    EXPECT_EQ(catdog_classifier_warm_up(classifier_.get(), threads), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(catdog_last_error(), HasSubstr(std::to_string(threads)));
  }
  EXPECT_EQ(catdog_classifier_warm_up(nullptr, 0), CATDOG_ERROR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace catdog::test_support
