// SPDX-License-Identifier: Apache-2.0
// Encoded images and image files; the public struct's fields.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "capi/support.hpp"
#include "lib/runtime/temporary_folder.hpp"

namespace catdog::test_support {
namespace {

using testing::HasSubstr;

class CapiImages : public testing::Test {
 protected:
  catdog_status classify_file(const std::string& path, const ClassifierHandle& classifier) {
    catdog_result* result = nullptr;
    const catdog_status status = catdog_classifier_classify_file(&result, classifier.get(), path.c_str());
    result_.reset(result);
    return status;
  }
  catdog_status classify_file(const std::string& path) { return classify_file(path, classifier_); }
  std::string path(const std::string& name) const { return (folder_.path / name).string(); }

  ClassifierHandle limited(catdog_option key, std::int64_t value) const {
    const auto options = make_options();
    EXPECT_EQ(catdog_options_set_int(options.get(), key, value), CATDOG_OK);
    return open_model({}, options.get());
  }

  ClassifierHandle classifier_ = open_model();
  TemporaryFolder folder_;
  ResultHandle result_;
};

TEST_F(CapiImages, AllWaysInGiveOneVerdict) {
  const ByteString bytes = shipped_image("baseline.jpg");
  folder_.write("p.jpg", text_of(bytes));
  const auto expected = verdict_on(classifier_, bytes);
  ASSERT_EQ(expected.size(), 2U);
  EXPECT_NEAR(expected[0] + expected[1], 1, 1e-6);
  ASSERT_EQ(classify_file(path("p.jpg")), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(probabilities(result_.get()), expected);
  ASSERT_EQ(classify(result_, classifier_, encoded_image(bytes)), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(probabilities(result_.get()), expected);
  // Another image, another verdict: the image is really looked at.
  EXPECT_NE(verdict_on(classifier_, shipped_image("tall.jpg")), expected);
}

TEST_F(CapiImages, FileErrors) {
  EXPECT_EQ(classify_file(path("missing.jpg")), CATDOG_ERROR_NOT_FOUND);
  EXPECT_THAT(catdog_last_error(), HasSubstr("missing.jpg"));
  EXPECT_EQ(result_, nullptr);
  EXPECT_EQ(classify_file(""), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(classify_file(folder_.path.string()), CATDOG_ERROR_IO);
  folder_.write("p.jpg", text_of(shipped_image("baseline.jpg")));
  EXPECT_EQ(classify_file(path("p.jpg/below")), CATDOG_ERROR_NOT_FOUND);
  folder_.write("empty.jpg", "");
  EXPECT_EQ(classify_file(path("empty.jpg")), CATDOG_ERROR_UNSUPPORTED);
  folder_.write("text.jpg", "this is text, whatever it is called");
  EXPECT_EQ(classify_file(path("text.jpg")), CATDOG_ERROR_UNSUPPORTED);
}

TEST_F(CapiImages, UnreadableFile) {
  folder_.write("p.jpg", text_of(shipped_image("baseline.jpg")));
  ASSERT_EQ(chmod(path("p.jpg").c_str(), 0), 0);
  const bool root = geteuid() == 0;  // Reads every file.
  if (root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const catdog_status status = classify_file(path("p.jpg"));
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_EQ(status, CATDOG_ERROR_IO);
  EXPECT_THAT(catdog_last_error(), HasSubstr("p.jpg"));
}

TEST_F(CapiImages, PipesAreReadAsFarAsTheLimit) {
  const ByteString bytes = shipped_image("baseline.jpg");
  const std::string fifo = path("pipe");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto feed = [&](const ByteString& content) {
    return std::thread([&fifo, content] {
      const int fd = open(fifo.c_str(), O_WRONLY);
      for (std::size_t done = 0; done < content.size();) {
        const ssize_t wrote = write(fd, content.data() + done, content.size() - done);
        if (wrote < 0) break;
        done += static_cast<std::size_t>(wrote);
      }
      close(fd);
    });
  };
  std::thread writer = feed(bytes);
  EXPECT_EQ(classify_file(fifo), CATDOG_OK) << catdog_last_error();
  writer.join();
  EXPECT_EQ(probabilities(result_.get()), verdict_on(classifier_, bytes));

  const auto small = limited(CATDOG_OPTION_MAX_ENCODED_BYTES, 1000);
  writer = feed(ByteString(2000, 'x'));
  EXPECT_EQ(classify_file(fifo, small), CATDOG_ERROR_LIMIT);
  writer.join();
}

TEST_F(CapiImages, ALimitHoldsAtExactlyItsValue) {
  const ByteString png = encode_png(make_scene(40, 30));
  folder_.write("p.png", text_of(png));
  const auto size = static_cast<std::int64_t>(png.size());
  const struct {
    catdog_option key;
    std::int64_t enough;
  } limits[] = {
      {CATDOG_OPTION_MAX_ENCODED_BYTES, size}, {CATDOG_OPTION_MAX_PIXELS, 1200}, {CATDOG_OPTION_MAX_SIDE, 40}};
  for (const auto& limit : limits) {
    const auto enough = limited(limit.key, limit.enough);
    EXPECT_EQ(classify(result_, enough, png), CATDOG_OK) << limit.key << ' ' << catdog_last_error();
    EXPECT_EQ(classify_file(path("p.png"), enough), CATDOG_OK) << limit.key << ' ' << catdog_last_error();
    const auto too_small = limited(limit.key, limit.enough - 1);
    EXPECT_EQ(classify(result_, too_small, png), CATDOG_ERROR_LIMIT) << limit.key;
    EXPECT_EQ(classify_file(path("p.png"), too_small), CATDOG_ERROR_LIMIT) << limit.key;
    EXPECT_EQ(result_, nullptr);
  }
  const auto one_scan = limited(CATDOG_OPTION_MAX_SCANS, 1);
  EXPECT_EQ(classify(result_, one_scan, shipped_image("progressive.jpg")), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(classify(result_, one_scan, shipped_image("baseline.jpg")), CATDOG_OK) << catdog_last_error();
  EXPECT_EQ(classify(result_, classifier_, shipped_image("progressive.jpg")), CATDOG_OK) << catdog_last_error();
}

TEST_F(CapiImages, DefaultLimits) {
  EXPECT_EQ(classify(result_, classifier_, make_black_png(10000, 10000)), CATDOG_ERROR_LIMIT);
  EXPECT_THAT(catdog_last_error(), HasSubstr("raise max_decode_bytes"));
  EXPECT_EQ(classify(result_, classifier_, make_jpeg_header(16385, 10)), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(classify(result_, classifier_, ByteString((32U << 20) + 1, 0xFF)), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(classify(result_, classifier_, make_black_png(16384, 16)), CATDOG_OK) << catdog_last_error();
}

struct Probed {
  const char* format = "untouched";
  std::int32_t width = -1;
  std::int32_t height = -1;
  std::uint64_t decode_bytes = 7;
};

catdog_status probe(Probed& probed, const ClassifierHandle& classifier, const ByteString& bytes) {
  return catdog_classifier_probe_encoded(&probed.format, &probed.width, &probed.height, &probed.decode_bytes,
                                         classifier.get(), bytes.data(), bytes.size());
}

TEST_F(CapiImages, ProbeTellsWhatTheHeaderSays) {
  const struct {
    const char* name;
    const char* format;
  } files[] = {{"orientation6.jpg", "jpeg"},
               {"progressive.jpg", "jpeg"},
               {"rgba_interlaced.png", "png"},
               {"orientation6.webp", "webp"},
               {"plain.gif", "gif"}};
  for (const auto& file : files) {
    SCOPED_TRACE(file.name);
    const ByteString bytes = shipped_image(file.name);
    Probed probed;
    ASSERT_EQ(probe(probed, classifier_, bytes), CATDOG_OK) << catdog_last_error();
    EXPECT_STREQ(probed.format, file.format);
    ASSERT_EQ(classify(result_, classifier_, bytes), CATDOG_OK) << catdog_last_error();
    EXPECT_EQ(probed.width, catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_WIDTH));
    EXPECT_EQ(probed.height, catdog_result_measure(result_.get(), 0, CATDOG_MEASURE_HEIGHT));
    const auto cost = static_cast<std::int64_t>(probed.decode_bytes);
    EXPECT_EQ(classify(result_, limited(CATDOG_OPTION_MAX_DECODE_BYTES, cost), bytes), CATDOG_OK);
    const auto too_small = limited(CATDOG_OPTION_MAX_DECODE_BYTES, cost - 1);
    EXPECT_EQ(classify(result_, too_small, bytes), CATDOG_ERROR_LIMIT);
    Probed refused;
    EXPECT_EQ(probe(refused, too_small, bytes), CATDOG_ERROR_LIMIT);
    EXPECT_STREQ(refused.format, "untouched");
    EXPECT_EQ(refused.decode_bytes, 7U);
  }
}

TEST_F(CapiImages, ProbeRefusesWhatItCannotTell) {
  Probed probed;
  EXPECT_EQ(probe(probed, classifier_, {'t', 'e', 'x', 't'}), CATDOG_ERROR_UNSUPPORTED);
  ByteString cut = shipped_image("baseline.jpg");
  cut.resize(20);
  EXPECT_EQ(probe(probed, classifier_, cut), CATDOG_ERROR_CORRUPT);
  const ByteString png = shipped_image("rgb.png");
  EXPECT_EQ(
      catdog_classifier_probe_encoded(nullptr, nullptr, nullptr, nullptr, classifier_.get(), png.data(), png.size()),
      CATDOG_OK);
  EXPECT_EQ(catdog_classifier_probe_encoded(nullptr, nullptr, nullptr, nullptr, nullptr, png.data(), png.size()),
            CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_probe_encoded(nullptr, nullptr, nullptr, nullptr, classifier_.get(), nullptr, 4),
            CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(probed.format, "untouched");
}

// timeout_test.cpp has the timeouts that pass.
TEST_F(CapiImages, TheImagesOwnTimeoutComesFirst) {
  const ByteString slow = encode_jpeg(make_scene(3000, 3000), {.progressive = true, .full_colour = true});
  const auto hurried = limited(CATDOG_OPTION_TIMEOUT_MS, 1);
  catdog_image image = encoded_image(slow);
  image.timeout_ms = 4'000'000'000U;
  EXPECT_EQ(classify(result_, hurried, image), CATDOG_OK) << catdog_last_error();
}

TEST_F(CapiImages, DamageIsCorrupt) {
  EXPECT_EQ(classify(result_, classifier_, shipped_image("tall_cut10.jpg")), CATDOG_ERROR_CORRUPT);
  EXPECT_EQ(result_, nullptr);
  EXPECT_STRNE(catdog_last_error(), "");
  EXPECT_EQ(classify(result_, classifier_, shipped_image("tall_cut99.jpg")), CATDOG_OK) << catdog_last_error();
}

TEST_F(CapiImages, NullsAndNothing) {
  const ByteString bytes = shipped_image("baseline.jpg");
  const catdog_image image = encoded_image(bytes);
  const catdog_classifier* classifier = classifier_.get();
  EXPECT_EQ(catdog_classifier_classify_file(nullptr, classifier, "x"), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_classify_encoded(nullptr, classifier, bytes.data(), bytes.size()),
            CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(catdog_classifier_classify_image(nullptr, classifier, &image), CATDOG_ERROR_INVALID_ARGUMENT);

  // A failure always clears the output.
  catdog_result* result = nullptr;
  const auto refused = [&](catdog_status status, const char* name) {
    EXPECT_EQ(status, CATDOG_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(result, nullptr);
    EXPECT_THAT(catdog_last_error(), HasSubstr(name));
    result = reinterpret_cast<catdog_result*>(this);
  };
  result = reinterpret_cast<catdog_result*>(this);
  refused(catdog_classifier_classify_file(&result, nullptr, "x"), "classifier is NULL");
  refused(catdog_classifier_classify_file(&result, classifier, nullptr), "path is NULL");
  refused(catdog_classifier_classify_encoded(&result, nullptr, bytes.data(), bytes.size()), "classifier is NULL");
  refused(catdog_classifier_classify_encoded(&result, classifier, nullptr, 10), "data is NULL");
  refused(catdog_classifier_classify_image(&result, nullptr, &image), "classifier is NULL");
  refused(catdog_classifier_classify_image(&result, classifier, nullptr), "image is NULL");

  // An empty file is a file of no known format, wherever it lies.
  for (const void* data : {static_cast<const void*>(bytes.data()), static_cast<const void*>(nullptr)}) {
    EXPECT_EQ(catdog_classifier_classify_encoded(&result, classifier, data, 0), CATDOG_ERROR_UNSUPPORTED);
    EXPECT_EQ(result, nullptr);
    catdog_image empty = encoded_image(bytes);
    empty.data = data;
    empty.data_size = 0;
    EXPECT_EQ(catdog_classifier_classify_image(&result, classifier, &empty), CATDOG_ERROR_UNSUPPORTED);
    EXPECT_EQ(catdog_classifier_probe_encoded(nullptr, nullptr, nullptr, nullptr, classifier, data, 0),
              CATDOG_ERROR_UNSUPPORTED);
  }
}

TEST_F(CapiImages, EveryFieldOfTheStructIsChecked) {
  const ByteString bytes = shipped_image("baseline.jpg");
  const auto refused = [&](const char* why, auto change) {
    catdog_image image = encoded_image(bytes);
    change(image);
    EXPECT_EQ(classify(result_, classifier_, image), CATDOG_ERROR_INVALID_ARGUMENT) << why;
    EXPECT_EQ(result_, nullptr);
    EXPECT_THAT(catdog_last_error(), HasSubstr(why));
  };
  for (int bit = 0; bit < 32; ++bit) {
    refused("flags", [&](catdog_image& image) { image.flags = 1U << bit; });
  }
  for (int word = 0; word < 4; ++word) {
    refused("reserved", [&](catdog_image& image) { image.reserved[word] = 1; });
    refused("reserved", [&](catdog_image& image) { image.reserved[word] = 0x80000000U; });
  }
  for (const catdog_format format : {-1, 1, 9, 11, 22, 36, 2147483647}) {
    refused("format", [&](catdog_image& image) { image.format = format; });
  }
  refused("data is NULL", [](catdog_image& image) { image.data = nullptr; });
  for (const int side : {1, -1}) {
    refused("encoded", [&](catdog_image& image) { image.width = side; });
    refused("encoded", [&](catdog_image& image) { image.height = side; });
  }
  refused("encoded", [](catdog_image& image) { image.row_stride = 1; });
}

}  // namespace
}  // namespace catdog::test_support
