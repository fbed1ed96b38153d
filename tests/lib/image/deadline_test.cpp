// SPDX-License-Identifier: Apache-2.0
// Deadlines, on a clock that moves when it is looked at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "classifier.hpp"
#include "outcome.hpp"
#include "support/model_maker.hpp"

namespace catdog::test_support {
namespace {

using core::Deadline;
using core::Status;

int looks = 0;
int looks_in_time = 0;

Deadline::Clock::time_point clock_of_looks() {
  return Deadline::Clock::time_point(std::chrono::milliseconds(++looks > looks_in_time ? 5 : 0));
}

// Passes when it is asked for the (count + 1)th time.
Deadline deadline_after(int count) {
  looks = 0;
  looks_in_time = count;
  return {Deadline::Clock::time_point(), std::chrono::milliseconds(5), clock_of_looks};
}

Deadline uncounted() { return deadline_after(std::numeric_limits<int>::max()); }

Status status_by(const Deadline& deadline, const ByteString& file) {
  return outcome_of([&] { core::decode_image(file, kFullSize, {}, deadline); }).status;
}

TEST(Deadline, NeverPassesUnlessItIsSet) {
  EXPECT_FALSE(Deadline().passed());
  EXPECT_NO_THROW(Deadline().check());
}

TEST(Deadline, NamesItsOptionWhenItHasPassed) {
  const Outcome outcome = outcome_of([] { deadline_after(0).check(); });
  EXPECT_EQ(outcome.status, Status::limit);
  EXPECT_THAT(outcome.message, testing::HasSubstr("5 ms"));
  EXPECT_THAT(outcome.message, testing::HasSubstr("timeout_ms"));
}

TEST(Deadline, IsLookedAtForEachRow) {
  const Pixels scene = make_scene(60, 200);
  const ByteString files[] = {encode_jpeg(scene),
                              encode_jpeg(scene, {.four_inks = true}),
                              encode_png(scene),
                              encode_png(scene, {.alpha = true}),
                              make_gif({.width = 60, .height = 200}),
                              make_gif({.width = 60, .height = 200, .interlaced = true})};
  for (const ByteString& file : files) {
    EXPECT_EQ(status_by(uncounted(), file), Status::ok);
    EXPECT_GE(looks, 200);
    for (const int count : {0, 1, 100, looks - 1}) {
      EXPECT_EQ(status_by(deadline_after(count), file), Status::limit) << count;
    }
  }
}

TEST(Deadline, IsLookedAtInEachScanOfAJpeg) {
  const ByteString jpeg = encode_jpeg(make_scene(64, 256), {.progressive = true});
  ASSERT_EQ(status_by(uncounted(), jpeg), Status::ok);
  EXPECT_GT(looks, 256 + 10 * 256 / 16);  // Rows of the image, and rows of blocks of ten scans.
  EXPECT_EQ(status_by(deadline_after(20), jpeg), Status::limit);
}

TEST(Deadline, IsLookedAtInEachPassOfAPng) {
  EXPECT_EQ(status_by(uncounted(), encode_png(make_scene(60, 200), {.interlaced = true})), Status::ok);
  EXPECT_GE(looks, 7 * 200);
}

TEST(Deadline, IsLookedAtInSharesOfAWebpFile) {
  Pixels noise = make_scene(700, 700);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : noise.rgb) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24U);
  }
  const ByteString webp = encode_webp(noise, {.lossless = true});
  const int shares = static_cast<int>(webp.size() / (64U << 10U));
  ASSERT_GT(shares, 10);
  EXPECT_EQ(status_by(uncounted(), webp), Status::ok);
  EXPECT_GE(looks, shares);
  EXPECT_EQ(status_by(deadline_after(shares / 2), webp), Status::limit);
}

TEST(Deadline, HoldsForEachStageOfAVerdict) {
  const auto archive = make_model_archive();
  const core::Classifier classifier(core::ModelFile::from_memory(archive), {});
  const ByteString png = encode_png(make_scene(16, 16));
  ASSERT_EQ(classifier.classify_encoded(png, uncounted()).status, Status::ok);
  for (int count = looks - 1; count >= 0; --count) {
    EXPECT_EQ(classifier.classify_encoded(png, deadline_after(count)).status, Status::limit) << count;
  }
  const Pixels scene = make_scene(16, 16);
  const core::RawPixels pixels{core::PixelFormat::rgb8, scene.rgb, 16, 16};
  EXPECT_EQ(classifier.classify_pixels(pixels, uncounted()).status, Status::ok);
  EXPECT_EQ(classifier.classify_pixels(pixels, deadline_after(0)).status, Status::limit);
  EXPECT_EQ(classifier.classify_file(CATDOG_SOURCE_DIR "/tests/golden/images/rgb.png", deadline_after(0)).status,
            Status::limit);
}

TEST(Deadline, IsLookedAtBeforeEachLayer) {
  const auto archive = make_model_archive();
  const core::Classifier classifier(core::ModelFile::from_memory(archive), {});
  const auto context = classifier.engine().create_context();
  std::vector<float> logits(classifier.model().config().outputs());
  context->run(logits, uncounted());
  const int layers = looks;
  EXPECT_GE(layers, 3);  // Activations and batch-norm are part of the layer before them.
  for (int count = 0; count < layers; ++count) {
    EXPECT_EQ(outcome_of([&] { context->run(logits, deadline_after(count)); }).status, Status::limit) << count;
  }
}

TEST(Deadline, IsTheCallsOwnOrTheOptions) {
  const auto archive = make_model_archive();
  const Deadline::Clock::time_point long_ago;
  const core::Classifier any(core::ModelFile::from_memory(archive), {});
  EXPECT_FALSE(any.deadline(long_ago).passed());
  EXPECT_TRUE(any.deadline(long_ago, 1).passed());
  core::ClassifierOptions options;
  options.timeout_ms = 1;
  const core::Classifier hurried(core::ModelFile::from_memory(archive), options);
  EXPECT_TRUE(hurried.deadline(long_ago).passed());
  EXPECT_FALSE(hurried.deadline(Deadline::Clock::now(), 4'000'000'000U).passed());
}

}  // namespace
}  // namespace catdog::test_support
