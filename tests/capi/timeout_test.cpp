// SPDX-License-Identifier: Apache-2.0
// White-box: timeouts of calls that began long ago, so that no computer is fast enough.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "images.hpp"
#include "support/images.hpp"
#include "support/model_maker.hpp"

namespace catdog {
namespace {

using core::Status;

class Timeout : public testing::Test {
 protected:
  core::Verdict classify_after_an_hour(std::uint32_t option_ms, std::uint32_t image_ms) const {
    core::ClassifierOptions options;
    options.timeout_ms = option_ms;
    const core::Classifier classifier(core::ModelFile::from_memory(archive_), options);
    catdog_image image{};
    image.format = CATDOG_FORMAT_ENCODED;
    image.data = png_.data();
    image.data_size = png_.size();
    image.timeout_ms = image_ms;
    return capi::classify(classifier, image, core::Deadline::Clock::now() - std::chrono::hours(1));
  }

  const test_support::Bytes archive_ = test_support::make_model_archive();
  const test_support::ByteString png_ = test_support::encode_png(test_support::make_scene(16, 16));
};

TEST_F(Timeout, ThatPassedIsALimit) {
  EXPECT_EQ(classify_after_an_hour(0, 0).status, Status::ok);
  const core::Verdict late = classify_after_an_hour(1, 0);
  EXPECT_EQ(late.status, Status::limit);
  EXPECT_THAT(late.message, testing::HasSubstr("timeout_ms"));
  EXPECT_EQ(classify_after_an_hour(0, 1).status, Status::limit);
}

TEST_F(Timeout, OfTheImageComesFirst) {
  EXPECT_EQ(classify_after_an_hour(1, 4'000'000'000U).status, Status::ok);
  EXPECT_EQ(classify_after_an_hour(4'000'000'000U, 1).status, Status::limit);
}

}  // namespace
}  // namespace catdog
