// SPDX-License-Identifier: Apache-2.0
// Identity, status names, messages by thread, and silence.
#include <set>
#include <thread>

#include "capi/support.hpp"

namespace catdog::test_support {
namespace {

TEST(CapiErrors, IdentityIsTheHeaders) {
  EXPECT_STREQ(catdog_version(), CATDOG_VERSION);
  EXPECT_EQ(catdog_abi_version(), CATDOG_ABI_VERSION);
  EXPECT_EQ(catdog_abi_version(), 1);
  const std::string numbers = std::to_string(CATDOG_VERSION_MAJOR) + "." + std::to_string(CATDOG_VERSION_MINOR) + "." +
                              std::to_string(CATDOG_VERSION_PATCH);
  EXPECT_EQ(catdog_version(), numbers);
}

TEST(CapiErrors, StatusNamesAreStable) {
  const std::pair<catdog_status, const char*> names[] = {{CATDOG_OK, "ok"},
                                                         {CATDOG_ERROR_INVALID_ARGUMENT, "invalid_argument"},
                                                         {CATDOG_ERROR_UNKNOWN_OPTION, "unknown_option"},
                                                         {CATDOG_ERROR_NOT_FOUND, "not_found"},
                                                         {CATDOG_ERROR_IO, "io"},
                                                         {CATDOG_ERROR_UNSUPPORTED, "unsupported"},
                                                         {CATDOG_ERROR_CORRUPT, "corrupt"},
                                                         {CATDOG_ERROR_LIMIT, "limit"},
                                                         {CATDOG_ERROR_MODEL_FORMAT, "model_format"},
                                                         {CATDOG_ERROR_MODEL_VERSION, "model_version"},
                                                         {CATDOG_ERROR_MODEL_CHECKSUM, "model_checksum"},
                                                         {CATDOG_ERROR_MODEL_UNSUPPORTED, "model_unsupported"},
                                                         {CATDOG_ERROR_ENGINE_UNAVAILABLE, "engine_unavailable"},
                                                         {CATDOG_ERROR_ENGINE_FAILED, "engine_failed"},
                                                         {CATDOG_ERROR_OUT_OF_MEMORY, "out_of_memory"},
                                                         {CATDOG_ERROR_INTERNAL, "internal"}};
  std::set<catdog_status> known;
  for (const auto& [status, name] : names) {
    EXPECT_STREQ(catdog_status_name(status), name);
    known.insert(status);
  }
  for (catdog_status status = -200; status <= 200; ++status) {
    if (known.count(status) == 0) {
      EXPECT_STREQ(catdog_status_name(status), "unknown") << status;
    }
  }
  EXPECT_STREQ(catdog_status_name(2147483647), "unknown");
  EXPECT_STREQ(catdog_status_name(-2147483647 - 1), "unknown");
}

// Weights that are finite, and a product that isn't.
TEST(CapiErrors, ANetworkThatYieldsNoNumberGivesNoAnswer) {
  ModelRecipe recipe;
  recipe.edit_weights = [](Weights& weights) {
    for (float& value : weights["fc.1.weight"].second) value = 3e38F;
    for (float& value : weights["fc.1.bias"].second) value = -3e38F;
  };
  const ClassifierHandle classifier = open_model(recipe);
  ResultHandle result;
  EXPECT_EQ(classify(result, classifier, shipped_image("baseline.jpg")), CATDOG_ERROR_ENGINE_FAILED);
  EXPECT_THAT(catdog_last_error(), testing::HasSubstr("not finite"));
}

TEST(CapiErrors, EachThreadHasItsOwnLastError) {
  ASSERT_EQ(catdog_options_set_int(nullptr, 1, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  const std::string mine = catdog_last_error();
  ASSERT_NE(mine, "");
  std::string fresh = "not run";
  std::string theirs;
  std::thread([&] {
    fresh = catdog_last_error();
    catdog_classifier* classifier = nullptr;
    static_cast<void>(catdog_classifier_open_file(&classifier, "/nowhere/model.pt", nullptr));
    theirs = catdog_last_error();
  }).join();
  EXPECT_EQ(fresh, "");
  EXPECT_THAT(theirs, testing::HasSubstr("/nowhere/model.pt"));
  EXPECT_EQ(catdog_last_error(), mine);
}

TEST(CapiErrors, SuccessKeepsTheLastError) {
  ASSERT_EQ(catdog_options_set_int(nullptr, 1, 1), CATDOG_ERROR_INVALID_ARGUMENT);
  const std::string before = catdog_last_error();
  const auto options = make_options();
  EXPECT_EQ(catdog_last_error(), before);
}

TEST(CapiErrors, VeryLongPathsAreCutBetweenCharacters) {
  std::string path = "/nowhere/";
  while (path.size() < 3000) path += "\xE2\x82\xAC";
  catdog_classifier* classifier = nullptr;
  EXPECT_NE(catdog_classifier_open_file(&classifier, path.c_str(), nullptr), CATDOG_OK);
  const std::string message = catdog_last_error();
  ASSERT_LT(message.size(), 1024U);
  ASSERT_GT(message.size(), 1000U);
  EXPECT_EQ(message.substr(message.size() - 3), "\xE2\x82\xAC");
}

TEST(CapiErrors, NothingIsEverPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const auto classifier = open_model();
  // Damaged images and models: where the decoders below would print.
  ResultHandle result;
  std::vector<catdog_status> statuses;
  for (const char* name : {"tall.jpg", "tall_progressive.jpg", "rgb.png", "palette.png", "lossy.webp", "plain.gif"}) {
    const ByteString whole = shipped_image(name);
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, whole.size() / 4}) {
      statuses.push_back(
          classify(result, classifier, ByteString(whole.begin(), whole.begin() + static_cast<long>(size))));
    }
    // Half of a progressive JPEG may hold every row, coarsely.
    classify(result, classifier, ByteString(whole.begin(), whole.begin() + static_cast<long>(whole.size() / 2)));
    ByteString damaged = whole;
    for (std::size_t i = damaged.size() / 3; i < damaged.size(); i += 7) damaged[i] ^= 0x5A;
    classify(result, classifier, damaged);  // Some decoders get through that.
  }
  const Bytes archive = make_model_archive();
  for (const std::size_t size : {std::size_t{1}, archive.size() / 2, archive.size() - 1}) {
    ClassifierHandle opened;
    statuses.push_back(open_memory(opened, Bytes(archive.begin(), archive.begin() + static_cast<long>(size))));
  }
  catdog_classifier* missing = nullptr;
  statuses.push_back(catdog_classifier_open_file(&missing, "/nowhere/model.pt", nullptr));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(statuses, testing::Each(testing::Ne(CATDOG_OK)));
  EXPECT_THAT(statuses, testing::Not(testing::Contains(CATDOG_ERROR_INTERNAL)));
}

}  // namespace
}  // namespace catdog::test_support
