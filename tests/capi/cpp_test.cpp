// SPDX-License-Identifier: Apache-2.0
// The C++ header: each method, against what the C interface answers.
#include <stdlib.h>

#include <array>
#include <string_view>

#include "capi/support.hpp"
#include "catdog/catdog.hpp"
#include "lib/runtime/temporary_folder.hpp"

namespace catdog::test_support {
namespace {

using testing::HasSubstr;

template <typename Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(CATDOG_OK, "");
}

Bytes archive_of(const ModelRecipe& recipe = {}) { return make_model_archive(recipe); }

TEST(Cpp, OpensFilesMemoryAndTheDefault) {
  TemporaryFolder folder;
  const std::string path = (folder.path / "model.pt").string();
  folder.write("model.pt", text_of(archive_of()));
  EXPECT_EQ(Classifier::open(path).info(CATDOG_INFO_MODEL_PATH), path);
  EXPECT_EQ(Classifier::open_memory(archive_of()).info(CATDOG_INFO_MODEL_NAME), "small");
  EXPECT_EQ(Classifier::open_memory(text_of(archive_of())).info(CATDOG_INFO_MODEL_NAME), "small");
  setenv("CATDOG_MODEL", path.c_str(), 1);
  EXPECT_EQ(Classifier::open().info(CATDOG_INFO_MODEL_PATH), path);
  EXPECT_EQ(Classifier::open(Options().threads(2)).integer(CATDOG_INFO_THREADS), 2);
  unsetenv("CATDOG_MODEL");
}

TEST(Cpp, AnswersLikeTheCInterface) {
  const auto classifier = Classifier::open_memory(archive_of());
  const ByteString bytes = shipped_image("tall.jpg");
  catdog_result* raw = nullptr;
  ASSERT_EQ(catdog_classifier_classify_encoded(&raw, classifier.get(), bytes.data(), bytes.size()), CATDOG_OK);
  const ResultHandle expected(raw);
  const Result result = classifier.classify(bytes);
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.status(), CATDOG_OK);
  EXPECT_EQ(result.message(), "");
  EXPECT_EQ(result.label(), catdog_result_label(raw, 0));
  EXPECT_EQ(result.confidence(), catdog_result_confidence(raw, 0));
  EXPECT_EQ(result.probabilities(), probabilities(raw));
  ASSERT_EQ(result.ranked().size(), 2U);
  EXPECT_EQ(result.label_index(), result.ranked()[0]);
  EXPECT_EQ(classifier.labels()[static_cast<std::size_t>(result.label_index())], result.label());
  EXPECT_EQ(result.probabilities()[static_cast<std::size_t>(result.ranked()[0])], result.confidence());
  EXPECT_FALSE(result.abstained());
  EXPECT_EQ(result.width(), catdog_result_measure(raw, 0, CATDOG_MEASURE_WIDTH));
  EXPECT_EQ(result.height(), catdog_result_measure(raw, 0, CATDOG_MEASURE_HEIGHT));
  EXPECT_GT(result.height(), result.width());
  EXPECT_EQ(result.format(), "jpeg");
  EXPECT_GT(result.timings().decode_ms, 0);
  EXPECT_GT(result.timings().preprocess_ms, 0);
  EXPECT_GT(result.timings().infer_ms, 0);
  EXPECT_GE(result.timings().total_ms, result.timings().infer_ms);
  EXPECT_EQ(classifier.labels(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(classifier.info(999), "");
}

TEST(Cpp, BytesComeFromAnythingContiguous) {
  const auto classifier = Classifier::open_memory(archive_of());
  const ByteString vector = encode_png(make_scene(20, 20));
  const std::string string = text_of(vector);
  const auto expected = classifier.classify(vector).probabilities();
  EXPECT_EQ(classifier.classify(catdog::Bytes(string)).probabilities(), expected);
  EXPECT_EQ(classifier.classify(catdog::Bytes(std::string_view(string))).probabilities(), expected);
  EXPECT_EQ(classifier.classify(catdog::Bytes(vector.data(), vector.size())).probabilities(), expected);
  EXPECT_EQ(classifier.classify(Image::encoded(vector)).probabilities(), expected);
  const std::array<std::uint8_t, 3> red{255, 0, 0};
  const Result pixel = classifier.classify(Image::pixels(CATDOG_FORMAT_RGB8, red, 1, 1));
  EXPECT_EQ(pixel.width(), 1);
  EXPECT_EQ(pixel.format(), "raw");
}

TEST(Cpp, PixelsWithAStride) {
  const auto classifier = Classifier::open_memory(archive_of());
  const Pixels scene = make_scene(20, 10);
  const auto whole = classifier.classify(Image::pixels(CATDOG_FORMAT_RGB8, scene.rgb, 20, 10)).probabilities();
  EXPECT_EQ(classifier.classify(encode_png(scene)).probabilities(), whole);
  // The left half of the same rows is another image.
  const Result left = classifier.classify(Image::pixels(CATDOG_FORMAT_RGB8, scene.rgb, 10, 10, 60));
  EXPECT_EQ(left.width(), 10);
  EXPECT_NE(left.probabilities(), whole);
}

TEST(Cpp, FramesOfCameras) {
  const auto classifier = Classifier::open_memory(archive_of());
  const ByteString luma(16 * 8, 90);
  const ByteString u(8 * 4, 100);
  const ByteString v(8 * 4, 200);
  ByteString i420 = luma;
  i420.insert(i420.end(), u.begin(), u.end());
  i420.insert(i420.end(), v.begin(), v.end());
  const auto expected = classifier.classify(Image::pixels(CATDOG_FORMAT_I420, i420, 16, 8)).probabilities();
  EXPECT_EQ(classifier.classify(Image::pixels(CATDOG_FORMAT_I420, luma, 16, 8).chroma(u, v)).probabilities(), expected);
  ByteString vu;
  for (std::size_t i = 0; i < u.size(); ++i) vu.insert(vu.end(), {v[i], u[i], 0, 0});
  const Image nv21 = Image::pixels(CATDOG_FORMAT_NV21, luma, 16, 8).chroma(vu);
  EXPECT_NE(classifier.classify(nv21).probabilities(), expected);  // Its rows lie 16 bytes apart unless told.
  vu.resize(2 * u.size());
  for (std::size_t i = 0; i < u.size(); ++i) vu[2 * i] = v[i], vu[2 * i + 1] = u[i];
  EXPECT_EQ(classifier.classify(Image::pixels(CATDOG_FORMAT_NV21, luma, 16, 8).chroma(vu, 16)).probabilities(),
            expected);

  const Result part =
      classifier.classify(Image::pixels(CATDOG_FORMAT_I420, i420, 16, 8).region(2, 2, 6, 4).rotation(90));
  EXPECT_EQ(part.width(), 4);
  EXPECT_EQ(part.height(), 6);
}

TEST(Cpp, ErrorsHaveTheStatusAndSayWhy) {
  const auto classifier = Classifier::open_memory(archive_of());
  const Error missing = error_of([&] { classifier.classify_file("/nowhere/pet.jpg"); });
  EXPECT_EQ(missing.status(), CATDOG_ERROR_NOT_FOUND);
  EXPECT_STREQ(missing.status_name(), "not_found");
  EXPECT_THAT(missing.what(), HasSubstr("/nowhere/pet.jpg"));
  EXPECT_EQ(error_of([&] { classifier.classify(catdog::Bytes(std::string("text"))); }).status(),
            CATDOG_ERROR_UNSUPPORTED);
  EXPECT_EQ(error_of([&] { classifier.classify(shipped_image("tall_cut10.jpg")); }).status(), CATDOG_ERROR_CORRUPT);
  EXPECT_EQ(error_of([&] { classifier.classify(Image::pixels(5, std::string("abc"), 1, 1)); }).status(),
            CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(error_of([&] { Classifier::open("/nowhere/model.pt"); }).status(), CATDOG_ERROR_NOT_FOUND);
  EXPECT_EQ(error_of([&] { Classifier::open_memory(std::string("text")); }).status(), CATDOG_ERROR_MODEL_FORMAT);
  EXPECT_EQ(error_of([&] { classifier.warm_up(-1); }).status(), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_NO_THROW(classifier.warm_up());
}

TEST(Cpp, TryReturnsTheStatusInsteadOfThrowing) {
  const auto classifier = Classifier::open_memory(archive_of());
  const ByteString png = encode_png(make_scene(20, 30));
  const Result good = classifier.try_classify(png);
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(good.probabilities(), classifier.classify(png).probabilities());
  const std::string text = "text";
  const std::pair<Result, catdog_status> failures[] = {
      {classifier.try_classify(catdog::Bytes(text)), CATDOG_ERROR_UNSUPPORTED},
      {classifier.try_classify(Image::pixels(5, text, 1, 1)), CATDOG_ERROR_INVALID_ARGUMENT},
      {classifier.try_classify_file("/nowhere/pet.jpg"), CATDOG_ERROR_NOT_FOUND}};
  for (const auto& [result, status] : failures) {
    EXPECT_FALSE(result);
    EXPECT_EQ(result.status(), status);
    EXPECT_NE(result.message(), "");
    EXPECT_EQ(result.label(), "");
    EXPECT_EQ(result.label_index(), -1);
    EXPECT_EQ(result.reason(), CATDOG_REASON_NONE);
    EXPECT_THAT(result.probabilities(), testing::IsEmpty());
  }
  EXPECT_THAT(failures[2].first.message(), HasSubstr("/nowhere/pet.jpg"));
}

TEST(Cpp, ANulInATextIsRefused) {
  TemporaryFolder folder;
  folder.write("model.pt", text_of(archive_of()));
  const ByteString png = encode_png(make_scene(20, 30));
  folder.write("pet.png", std::string(png.begin(), png.end()));
  const auto cut = [&](const char* name) { return (folder.path / name).string() + '\0' + "more"; };
  const auto classifier = Classifier::open_memory(archive_of());
  EXPECT_EQ(error_of([&] { classifier.classify_file(cut("pet.png")); }).status(), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(classifier.try_classify_file(cut("pet.png")).status(), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(error_of([&] { Classifier::open(cut("model.pt")); }).status(), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(error_of([&] { Options().torch_plugin(cut("x.so")); }).status(), CATDOG_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(error_of([] { Options().engine(std::string("auto\0", 5)); }).status(), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST(Cpp, OptionsCanBeRead) {
  const Options fresh;
  std::int64_t pixels = 0;
  ASSERT_EQ(catdog_options_get_int(&pixels, nullptr, CATDOG_OPTION_MAX_PIXELS), CATDOG_OK);
  EXPECT_EQ(fresh.max_pixels(), pixels);
  EXPECT_EQ(fresh.threads(), 0);
  EXPECT_TRUE(fresh.self_test());
  EXPECT_FALSE(fresh.verify_weights());
  EXPECT_EQ(fresh.abstain_below(), std::nullopt);
  Options options;
  options.threads(3).self_test(false).verify_weights(true).max_encoded_bytes(1).max_pixels(2).max_side(4).max_scans(5);
  options.max_decode_bytes(6).timeout_ms(7).abstain_below(0.25).neither_above(0.5).min_precision(0.75);
  EXPECT_EQ(options.threads(), 3);
  EXPECT_FALSE(options.self_test());
  EXPECT_TRUE(options.verify_weights());
  EXPECT_EQ(options.max_encoded_bytes(), 1);
  EXPECT_EQ(options.max_pixels(), 2);
  EXPECT_EQ(options.max_side(), 4);
  EXPECT_EQ(options.max_scans(), 5);
  EXPECT_EQ(options.max_decode_bytes(), 6);
  EXPECT_EQ(options.timeout_ms(), 7);
  EXPECT_EQ(options.abstain_below(), 0.25);
  EXPECT_EQ(options.neither_above(), 0.5);
  EXPECT_EQ(options.min_precision(), 0.75);
}

TEST(Cpp, OptionsReachTheClassifier) {
  const auto archive = archive_of();
  const ByteString png = encode_png(make_scene(40, 30));
  const auto status_with = [&](const Options& options, const ByteString& image) {
    return error_of([&] { Classifier::open_memory(archive, options).classify(image); }).status();
  };
  EXPECT_EQ(status_with(Options().max_pixels(1199), png), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(status_with(Options().max_side(39), png), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(status_with(Options().max_encoded_bytes(10), png), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(status_with(Options().max_scans(1), shipped_image("progressive.jpg")), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(status_with(Options().max_decode_bytes(10), png), CATDOG_ERROR_LIMIT);
  EXPECT_EQ(status_with(Options().expected_sha256(std::string(64, '0')), png), CATDOG_ERROR_MODEL_CHECKSUM);
  EXPECT_EQ(status_with(Options().engine("torch").torch_plugin("/nowhere/x.so"), png), CATDOG_ERROR_ENGINE_UNAVAILABLE);
  const auto tuned = Classifier::open_memory(
      archive, Options().threads(3).precision("fp32").engine("native").self_test(false).abstain_below(1.0));
  EXPECT_EQ(tuned.integer(CATDOG_INFO_THREADS), 3);
  EXPECT_EQ(tuned.info(CATDOG_INFO_PRECISION), "fp32");
  EXPECT_TRUE(tuned.classify(png).abstained());
  for (const auto& call :
       std::vector<std::function<void()>>{[] { Options().threads(-1); }, [] { Options().abstain_below(2); },
                                          [] { Options().engine("other"); }, [] { Options().precision("fp8"); },
                                          [] { Options().expected_sha256("abc"); }, [] { Options().max_side(0); }}) {
    EXPECT_EQ(error_of(call).status(), CATDOG_ERROR_INVALID_ARGUMENT);
  }
}

TEST(Cpp, ProbeTellsWhatTheHeaderSays) {
  const auto classifier = Classifier::open_memory(archive_of());
  const ImageHeader header = classifier.probe(encode_png(make_scene(40, 30)));
  EXPECT_EQ(header.format, "png");
  EXPECT_EQ(header.width, 40);
  EXPECT_EQ(header.height, 30);
  EXPECT_GT(header.decode_bytes, 40U * 30 * 3);
  EXPECT_EQ(error_of([&] { classifier.probe(catdog::Bytes(std::string("text"))); }).status(), CATDOG_ERROR_UNSUPPORTED);
}

TEST(Cpp, BatchKeepsOrderAndDoesNotThrowForABadImage) {
  const auto classifier = Classifier::open_memory(archive_of());
  const ByteString first = encode_png(make_scene(20, 30));
  const ByteString last = encode_png(make_scene(50, 30));
  const std::string text = "text";
  const auto results = classifier.classify_batch({Image::encoded(first), Image::encoded(text), Image::encoded(last)});
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].probabilities(), classifier.classify(first).probabilities());
  EXPECT_EQ(results[2].probabilities(), classifier.classify(last).probabilities());
  EXPECT_EQ(results[2].width(), 50);
  EXPECT_FALSE(results[1].ok());
  EXPECT_EQ(results[1].status(), CATDOG_ERROR_UNSUPPORTED);
  EXPECT_NE(results[1].message(), "");
  EXPECT_EQ(results[1].label(), "");
  EXPECT_EQ(results[1].label_index(), -1);
  EXPECT_EQ(results[1].confidence(), 0);
  EXPECT_THAT(results[1].probabilities(), testing::IsEmpty());
  EXPECT_THAT(classifier.classify_batch({}), testing::IsEmpty());
}

TEST(Cpp, ClassifiersAndOptionsMove) {
  Options options;
  options.threads(2);
  Options moved_options = std::move(options);
  auto first = Classifier::open_memory(archive_of(), moved_options);
  const catdog_classifier* handle = first.get();
  Classifier second = std::move(first);
  EXPECT_EQ(second.get(), handle);
  ModelRecipe other;
  other.name = "other";
  auto third = Classifier::open_memory(archive_of(other));
  third = std::move(second);  // The one it had is destroyed.
  EXPECT_EQ(third.get(), handle);
  EXPECT_EQ(third.info(CATDOG_INFO_MODEL_NAME), "small");
  EXPECT_EQ(third.integer(CATDOG_INFO_THREADS), 2);
}

TEST(Cpp, ResultsOutliveTheClassifier) {
  auto classifier = std::make_unique<Classifier>(Classifier::open_memory(archive_of()));
  const ByteString png = encode_png(make_scene(20, 30));
  const Result result = classifier->classify(png);
  const auto before = std::pair(result.label(), result.confidence());
  classifier.reset();
  EXPECT_EQ(std::pair(result.label(), result.confidence()), before);
  EXPECT_THAT(before.first, testing::AnyOf("cat", "dog"));
}

TEST(Cpp, LogFunctionsGetMessagesAndMayThrow) {
  std::vector<std::pair<catdog_log_level, std::string>> lines;
  const auto keep = [&](catdog_log_level level, std::string_view message) { lines.emplace_back(level, message); };
  { const auto classifier = Classifier::open_memory(archive_of(), Options().log(CATDOG_LOG_INFO, keep)); }
  EXPECT_THAT(lines, testing::Contains(testing::Pair(CATDOG_LOG_INFO, HasSubstr("native"))));
  int calls = 0;
  const auto throwing = [&](catdog_log_level, std::string_view) {
    ++calls;
    throw std::runtime_error("from the log function");
  };
  EXPECT_NO_THROW(Classifier::open_memory(archive_of(), Options().log(CATDOG_LOG_DEBUG, throwing)));
  EXPECT_GT(calls, 0);
  lines.clear();
  EXPECT_NO_THROW(
      Classifier::open_memory(archive_of(), Options().log(CATDOG_LOG_DEBUG, keep).log(CATDOG_LOG_DEBUG, {})));
  EXPECT_THAT(lines, testing::IsEmpty());
  EXPECT_EQ(error_of([] { Options().log(5, {}); }).status(), CATDOG_ERROR_INVALID_ARGUMENT);
}

TEST(Cpp, TheClassifierKeepsItsLogFunctionAlive) {
  const auto token = std::make_shared<int>(0);
  {
    auto options = std::make_unique<Options>();
    options->log(CATDOG_LOG_DEBUG, [token](catdog_log_level, std::string_view) {});
    auto classifier = Classifier::open_memory(archive_of(), *options);
    options.reset();
    EXPECT_EQ(token.use_count(), 2);
    const Classifier moved = std::move(classifier);
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace catdog::test_support
