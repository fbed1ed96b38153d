// SPDX-License-Identifier: Apache-2.0
// Unusual and hostile files over HTTP: the answer is the library's own, under the status that its kind of refusal has.
#include <gtest/gtest.h>

#include <catdog/catdog.hpp>
#include <cmath>
#include <map>

#include "service/server_process.hpp"
#include "support/images.hpp"

namespace catdog::service_tests {
namespace {

struct Expected {
  int status = 200;
  std::string problem;
  std::string label;
  double confidence = 0;
  int width = 0;
  std::string format;
};

Expected by_library(const Classifier& classifier, const std::string& bytes) {
  static const std::map<catdog_status, std::pair<int, std::string>> statuses{
      {CATDOG_ERROR_UNSUPPORTED, {415, "not-a-picture"}},
      {CATDOG_ERROR_CORRUPT, {422, "corrupt-picture"}},
      {CATDOG_ERROR_LIMIT, {422, "picture-over-limit"}}};
  try {
    const Result result = classifier.classify(Bytes(bytes));
    return {200, "", result.label(), result.confidence(), result.width(), result.format()};
  } catch (const Error& error) {
    const auto& [status, problem] = statuses.at(error.status());
    return {status, problem, "", 0, 0, ""};
  }
}

class OddFiles : public testing::Test {
 protected:
  OddFiles() {
    server_.start({"--log-level", "error"});
    // The server's default limits are the library's.
    classifier_ = std::make_unique<Classifier>(Classifier::open((server_.folder() / "model.pt").string()));
  }
  // Status of each file of the folder, compared with the library's word on the same bytes.
  std::map<std::string, int> ask_for_all(const fs::path& folder) {
    std::map<std::string, int> statuses;
    Client client(server_.port());
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      SCOPED_TRACE(name);
      const auto raw = test_support::read_file(entry.path().string());
      const std::string bytes(raw.begin(), raw.end());
      const Expected expected = by_library(*classifier_, bytes);
      for (const bool as_form : {false, true}) {
        const Reply reply =
            client.request("POST", "/predict", as_form ? form({bytes}) : bytes, as_form ? form_type : octets);
        EXPECT_EQ(reply.status, expected.status) << reply.body;
        EXPECT_EQ(reply.problem(), expected.problem);
        statuses[name] = reply.status;
        if (reply.status != 200 || expected.status != 200) continue;
        const auto answer = reply.json();
        EXPECT_EQ(answer.at("predicted_label"), expected.label);
        EXPECT_NEAR(answer.at("confidence").get<double>(), expected.confidence, 1e-5);
        EXPECT_EQ(answer.at("image").at("width"), expected.width);
        EXPECT_EQ(answer.at("image").at("format"), expected.format);
      }
    }
    EXPECT_EQ(ask(server_.port(), "GET", "/health/ready").status, 200);
    return statuses;
  }
  ServerProcess server_;
  std::unique_ptr<Classifier> classifier_;
};

TEST_F(OddFiles, ShippedImagesOfAllKindsAnswerAsTheLibraryDoes) {
  const auto statuses = ask_for_all(CATDOG_SOURCE_DIR "/tests/golden/images");
  EXPECT_EQ(statuses.at("cmyk.jpg"), 200);
  EXPECT_EQ(statuses.at("animated.gif"), 200);
  EXPECT_EQ(statuses.at("rgb16.png"), 200);
  EXPECT_EQ(statuses.at("tall_cut10.jpg"), 422);
}

TEST_F(OddFiles, SharedOnesGetTheStatusOfTheirKind) {
  const fs::path folder(CATDOG_SOURCE_DIR "/../shared/data/odd");
  if (!fs::exists(folder)) GTEST_SKIP() << "needs ../shared/data/odd";
  // By the part of the name before "__"; the kinds of which some are whole and some damaged are not listed.
  const std::map<std::string, int> by_kind{
      {"apng", 200},       {"gif_anim", 200},    {"jpeg_cmyk", 200},      {"jpeg_exif2", 200}, {"jpeg_exif3", 200},
      {"jpeg_exif4", 200}, {"jpeg_exif5", 200},  {"jpeg_exif6", 200},     {"jpeg_exif7", 200}, {"jpeg_exif8", 200},
      {"jpeg_gray", 200},  {"jpeg_broken", 422}, {"jpeg_truncated", 422}, {"png_broken", 422}, {"png_1bit", 200},
      {"png_la", 200},     {"webp", 200},        {"webp_anim", 200},
#ifndef CATDOG_WITH_IMGCODECS
      {"bmp", 415},        {"tiff", 415},
#endif
  };
  for (const auto& [name, status] : ask_for_all(folder)) {
    const auto kind = by_kind.find(name.substr(0, name.find("__")));
    if (kind != by_kind.end()) {
      EXPECT_EQ(status, kind->second) << name;
    }
  }
}

}  // namespace
}  // namespace catdog::service_tests
