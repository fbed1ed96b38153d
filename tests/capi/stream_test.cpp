// SPDX-License-Identifier: Apache-2.0
// Streams: order, bounds, ends and failures, with one thread and with several.
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <type_traits>

#include "capi/support.hpp"
#include "catdog/catdog.hpp"
#include "lib/runtime/temporary_folder.hpp"

namespace catdog::test_support {
namespace {

using testing::HasSubstr;

// Images that their width tells apart.
std::vector<ByteString> images_of_widths(int first, int count) {
  std::vector<ByteString> files;
  files.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) files.push_back(encode_png(make_scene(first + i, 20)));
  return files;
}

class Streams : public testing::TestWithParam<int> {
 protected:
  Classifier classifier_ = Classifier::open_memory(make_model_archive({}), Options().threads(GetParam()));
  std::size_t most_ = GetParam() == 1 ? 1 : static_cast<std::size_t>(GetParam()) * 8;
};

TEST_P(Streams, KeepTheOrderAndTheVerdictsOfSingleCalls) {
  const std::vector<ByteString> files = images_of_widths(20, 60);
  std::vector<Image> images;
  images.reserve(files.size());
  for (const ByteString& file : files) images.push_back(Image::encoded(file));
  std::size_t next = 0;
  const std::size_t done = classifier_.classify_stream(images, [&](std::size_t index, const Result& result) {
    ASSERT_EQ(index, next++);
    ASSERT_TRUE(result.ok()) << result.message();
    EXPECT_EQ(result.width(), 20 + static_cast<int>(index));
    EXPECT_EQ(result.probabilities(), classifier_.classify(files[index]).probabilities());
  });
  EXPECT_EQ(done, files.size());
  EXPECT_EQ(next, files.size());
}

TEST_P(Streams, TakePathsAndABadOneFailsAlone) {
  TemporaryFolder folder;
  std::vector<std::string> paths;
  paths.reserve(4);
  for (const char* name : {"a.png", "none.png", "b.png", "text.png"}) paths.push_back((folder.path / name).string());
  const ByteString good = encode_png(make_scene(30, 20));
  folder.write("a.png", std::string(good.begin(), good.end()));
  folder.write("b.png", std::string(good.begin(), good.end()));
  folder.write("text.png", "no image");
  std::vector<catdog_status> statuses;
  classifier_.classify_stream(paths, [&](std::size_t, const Result& result) { statuses.push_back(result.status()); });
  EXPECT_EQ(statuses,
            (std::vector<catdog_status>{CATDOG_OK, CATDOG_ERROR_NOT_FOUND, CATDOG_OK, CATDOG_ERROR_UNSUPPORTED}));
}

// A range that is never in memory as a whole, and counts how far it was read.
class Repeated {
 public:
  class Iterator {
   public:
    Iterator(Repeated* owner, std::size_t index) : owner_(owner), index_(index) {}
    Image operator*() const {
      ++owner_->read_;
      if (owner_->read_ == owner_->fails_at) throw std::runtime_error("the camera is gone");
      return Image::encoded(owner_->bytes);
    }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    Repeated* owner_;
    std::size_t index_;
  };
  Iterator begin() { return {this, 0}; }
  Iterator end() { return {this, count}; }
  std::size_t read() const { return read_; }

  ByteString bytes = encode_png(make_scene(30, 20));
  std::size_t count = 100'000;
  std::size_t fails_at = 0;

 private:
  std::size_t read_ = 0;
};

TEST_P(Streams, StopWhenTheCallbackSaysSoAndReadNoFurtherThanTheyMust) {
  Repeated images;
  const std::size_t done =
      classifier_.classify_stream(images, [&](std::size_t index, const Result&) { return index < 40; });
  EXPECT_EQ(done, 41U);
  EXPECT_LE(images.read(), done + most_);
}

TEST_P(Streams, EndWithTheExceptionOfTheCallbackOrOfTheRange) {
  Repeated images;
  try {
    classifier_.classify_stream(images, [](std::size_t index, const Result&) {
      if (index == 7) throw std::domain_error("enough");
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::domain_error& error) {
    EXPECT_STREQ(error.what(), "enough");
  }
  Repeated failing;
  failing.fails_at = 50;
  std::size_t seen = 0;
  EXPECT_THROW(classifier_.classify_stream(failing, [&](std::size_t, const Result&) { ++seen; }), std::runtime_error);
  EXPECT_GE(seen + most_, 49U);
  EXPECT_TRUE(classifier_.classify(failing.bytes).ok());
}

TEST_P(Streams, HaveRoomForSoManyAndSayWhatIsReady) {
  const std::vector<ByteString> files = images_of_widths(20, static_cast<int>(most_));
  Stream stream = classifier_.stream();
  EXPECT_FALSE(stream.ready());
  for (std::size_t i = 0; i < most_; ++i) {
    EXPECT_EQ(stream.room(), most_ - i);
    stream.add(Image::encoded(files[i]));
  }
  EXPECT_EQ(stream.room(), 0U);
  try {
    stream.add(Image::encoded(files[0]));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(error.what(), HasSubstr("no room"));
  }
  for (std::size_t i = 0; i < most_; ++i) EXPECT_EQ(stream.take().width(), 20 + static_cast<int>(i));
  EXPECT_EQ(stream.room(), most_);
  try {
    stream.take();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(error.what(), HasSubstr("empty"));
  }
}

TEST_P(Streams, DropWhatWaitsAtTheirEnd) {
  const ByteString bytes = encode_png(make_scene(30, 20));
  for (int i = 0; i < 200; ++i) {
    Stream stream = classifier_.stream();
    while (stream.room() > 0) stream.add(Image::encoded(bytes));
    if (i % 2 != 0) continue;
    EXPECT_TRUE(stream.take().ok());
  }
  EXPECT_TRUE(classifier_.classify(bytes).ok());
}

INSTANTIATE_TEST_SUITE_P(Threads, Streams, testing::Values(1, 2, 4));

TEST(Stream, WorksAheadOfTheCaller) {
  const auto classifier = Classifier::open_memory(make_model_archive({}), Options().threads(2));
  const ByteString bytes = encode_png(make_scene(30, 20));
  Stream stream = classifier.stream();
  stream.add(Image::encoded(bytes));
  while (!stream.ready()) usleep(1000);  // Nobody takes.
  EXPECT_TRUE(stream.take().ok());
}

TEST(Stream, SeveralShareTheThreads) {
  const auto classifier = Classifier::open_memory(make_model_archive({}), Options().threads(3));
  const std::vector<ByteString> files = images_of_widths(20, 40);
  std::vector<Image> images;
  images.reserve(files.size());
  for (const ByteString& file : files) images.push_back(Image::encoded(file));
  // Within one stream another, and a batch: each goes on.
  std::size_t inner = 0;
  classifier.classify_stream(images, [&](std::size_t index, const Result&) {
    if (index % 10 != 0) return;
    inner += classifier.classify_stream(
        images, [](std::size_t at, const Result& result) { ASSERT_EQ(result.width(), 20 + static_cast<int>(at)); });
    inner += classifier.classify_batch(images).size();
  });
  EXPECT_EQ(inner, files.size() * 4 * 2);
}

TEST(Stream, RefusesNulls) {
  const auto classifier = open_model();
  EXPECT_EQ(catdog_stream_create(nullptr, classifier.get()), CATDOG_ERROR_INVALID_ARGUMENT);
  catdog_stream* stream = nullptr;
  EXPECT_EQ(catdog_stream_create(&stream, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(stream, nullptr);
  EXPECT_EQ(catdog_stream_room(nullptr), 0U);
  EXPECT_EQ(catdog_stream_ready(nullptr), 0);
  EXPECT_EQ(catdog_stream_add_file(nullptr, "a.png"), CATDOG_ERROR_INVALID_ARGUMENT);
  catdog_result* result = nullptr;
  EXPECT_EQ(catdog_stream_take(&result, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), HasSubstr("stream is NULL"));
  catdog_stream_destroy(nullptr);
  ASSERT_EQ(catdog_stream_create(&stream, classifier.get()), CATDOG_OK);
  EXPECT_EQ(catdog_stream_add_file(stream, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_THAT(catdog_last_error(), HasSubstr("path is NULL"));
  EXPECT_EQ(catdog_stream_add_image(stream, nullptr), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_stream_take(nullptr, stream), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_stream_ready(stream), 0);  // Nothing was added.
  catdog_stream_destroy(stream);
}

TEST(Stream, OfAParentIsLeftAloneInItsChild) {
  const auto options = make_options();
  ASSERT_EQ(catdog_options_set_int(options.get(), CATDOG_OPTION_THREADS, 2), CATDOG_OK);
  const auto classifier = open_model({}, options.get());
  const ByteString bytes = encode_png(make_scene(30, 20));
  const catdog_image image = encoded_image(bytes);
  catdog_stream* stream = nullptr;
  ASSERT_EQ(catdog_stream_create(&stream, classifier.get()), CATDOG_OK);
  ASSERT_EQ(catdog_stream_add_image(stream, &image), CATDOG_OK);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    catdog_stream_destroy(stream);
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  catdog_result* result = nullptr;
  EXPECT_EQ(catdog_stream_take(&result, stream), CATDOG_OK);
  catdog_stream_destroy(stream);
  EXPECT_EQ(catdog_result_status(result, 0), CATDOG_OK);  // It outlives its stream.
  catdog_result_destroy(result);
}

static_assert(std::is_nothrow_move_constructible_v<Stream> && !std::is_copy_constructible_v<Stream>);

}  // namespace
}  // namespace catdog::test_support
