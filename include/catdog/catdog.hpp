/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * libcatdog: is it a cat or a dog? The C++ interface: C++17, header-only over the C ABI of catdog.h.
 *
 * Usage:
 *
 *   const auto classifier = catdog::Classifier::open();  // The installed model.
 *   const catdog::Result result = classifier.classify_file("pet.jpg");
 *   std::cout << result.answer() << ' ' << result.trust() << '\n';  // A label, "neither" or "uncertain".
 *
 * Whatever fails throws catdog::Error, which has the status and says what is wrong and what to do; try_classify() and
 * try_classify_file() return a Result with the status instead, for programs that meet many bad images. The threading
 * contract is the one of catdog.h: a Classifier may be used from any number of threads at once, Options, results and
 * streams belong to one. All declarations are available since version 0.1.0.
 */
#ifndef CATDOG_CATDOG_HPP
#define CATDOG_CATDOG_HPP

#if __cplusplus < 201703L
#error "catdog.hpp needs C++17: compile with -std=c++17 or later, or include catdog.h."
#else

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catdog/catdog.h"

namespace catdog {

/** A failed call: status() says which kind, what() says why and what to do about it. */
class Error : public std::runtime_error {
 public:
  /** One with that status and message. */
  Error(catdog_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  /** One of CATDOG_ERROR_*. */
  catdog_status status() const noexcept { return status_; }
  /** Its stable name, such as "corrupt". */
  const char* status_name() const noexcept { return catdog_status_name(status_); }

 private:
  catdog_status status_;
};

namespace detail {

inline void check(catdog_status status) {
  if (status != CATDOG_OK) throw Error(status, catdog_last_error());
}

/** `text` as C reads it; throws Error where a NUL would cut it short. */
inline const char* c_string(const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    throw Error(CATDOG_ERROR_INVALID_ARGUMENT, "there is a NUL character after \"" + std::string(text.c_str()) + '"');
  }
  return text.c_str();
}

inline std::string to_string(const char* text) { return text != nullptr ? text : ""; }

/** For overloads that take what could be a path. */
template <typename Text>
using IfText = std::enable_if_t<std::is_convertible_v<const Text&, std::string_view>, int>;

struct Destroy {
  void operator()(catdog_options* options) const noexcept { catdog_options_destroy(options); }
  void operator()(catdog_classifier* classifier) const noexcept { catdog_classifier_destroy(classifier); }
  void operator()(catdog_result* result) const noexcept { catdog_result_destroy(result); }
  void operator()(catdog_stream* stream) const noexcept { catdog_stream_destroy(stream); }
  void operator()(catdog_explanation* explanation) const noexcept { catdog_explanation_destroy(explanation); }
};

}  // namespace detail

/** Bytes that somebody else owns: a pointer and a size, or anything contiguous with data() and size(). */
class Bytes {
 public:
  /** `size` bytes from `data` on. */
  Bytes(const void* data, std::size_t size) noexcept : data_(data), size_(size) {}
  /** From std::string, std::string_view, std::vector<std::uint8_t>, std::span and their like: one byte an element. */
  template <typename Container, typename = std::enable_if_t<sizeof(*std::declval<const Container&>().data()) == 1 &&
                                                            !std::is_same_v<std::decay_t<Container>, Bytes> > >
  Bytes(const Container& container) noexcept  // NOLINT(google-explicit-constructor): a view, like std::span.
      : data_(container.data()), size_(container.size()) {}
  /** First byte. */
  const void* data() const noexcept { return data_; }
  /** Number of bytes. */
  std::size_t size() const noexcept { return size_; }

 private:
  const void* data_;
  std::size_t size_;
};

/** One image to classify, encoded or raw. A view: the bytes must outlive the call that it is given to. */
class Image {
 public:
  /** A JPEG, PNG, WebP or GIF file in memory. */
  static Image encoded(Bytes bytes) noexcept { return Image(CATDOG_FORMAT_ENCODED, bytes, 0, 0, 0); }
  /** Raw pixels, CATDOG_FORMAT_GRAY8 and those after it. `row_stride` is in bytes, 0 = packed. */
  static Image pixels(catdog_format format, Bytes bytes, std::int32_t width, std::int32_t height,
                      std::uint64_t row_stride = 0) noexcept {
    return Image(format, bytes, width, height, row_stride);
  }
  /** The plane of U and V of CATDOG_FORMAT_NV12 and _NV21, where it doesn't follow the luma. Stride in bytes, 0 =
   *  packed. */
  Image& chroma(Bytes plane, std::uint64_t row_stride = 0) noexcept {
    set_chroma(0, plane, row_stride);
    return *this;
  }
  /** The planes of U and V of CATDOG_FORMAT_I420. */
  Image& chroma(Bytes u, Bytes v, std::uint64_t row_stride = 0) noexcept {
    set_chroma(0, u, row_stride);
    set_chroma(1, v, row_stride);
    return *this;
  }
  /** The part of raw pixels to look at, such as a detector's box, in pixels of the image as it lies in memory. */
  Image& region(std::int32_t x, std::int32_t y, std::int32_t width, std::int32_t height) noexcept {
    image_.region_x = x;
    image_.region_y = y;
    image_.region_width = width;
    image_.region_height = height;
    return *this;
  }
  /** Degrees clockwise that make raw pixels upright: 0, 90, 180 or 270. */
  Image& rotation(std::uint32_t degrees) noexcept {
    image_.rotation = degrees;
    return *this;
  }
  /** Milliseconds that classifying it may take, from the start of the call; 0 = as the options say. */
  Image& timeout_ms(std::uint32_t milliseconds) noexcept {
    image_.timeout_ms = milliseconds;
    return *this;
  }
  /** The C struct, for calls of the C interface. */
  const catdog_image& get() const noexcept { return image_; }

 private:
  Image(catdog_format format, Bytes bytes, std::int32_t width, std::int32_t height, std::uint64_t row_stride) noexcept {
    image_.format = format;
    image_.data = bytes.data();
    image_.data_size = bytes.size();
    image_.width = width;
    image_.height = height;
    image_.row_stride = row_stride;
  }
  void set_chroma(std::size_t index, Bytes plane, std::uint64_t row_stride) noexcept {
    image_.chroma[index] = plane.data();
    image_.chroma_size[index] = plane.size();
    image_.chroma_stride[index] = row_stride;
  }
  catdog_image image_{};
};

/** Settings for opening a classifier. Setters return the object, so that they can be chained; each throws Error
 *  (invalid_argument) for a value out of range. The method of the same name without an argument reads the option: on a
 *  fresh object, the library's default. */
class Options {
 public:
  /** Receives a CATDOG_LOG_* level and a message; may be called from several threads at once. What it throws is
   * dropped. */
  using LogFunction = std::function<void(catdog_log_level, std::string_view)>;

  Options() {
    catdog_options* made = nullptr;
    detail::check(catdog_options_create(&made));
    options_.reset(made);
  }

  /** Threads of a batch call or a stream; 0 = the CPU quota of the control group. */
  Options& threads(int count) { return set(CATDOG_OPTION_THREADS, std::int64_t{count}); }
  /** Whether opening runs the model file's golden self-test; on by default. */
  Options& self_test(bool on) { return set(CATDOG_OPTION_SELF_TEST, std::int64_t{on ? 1 : 0}); }
  /** Whether opening compares the SHA-256 of each weight with the model file's list; off by default. */
  Options& verify_weights(bool on) { return set(CATDOG_OPTION_VERIFY_WEIGHTS, std::int64_t{on ? 1 : 0}); }
  /** Most bytes of one encoded image. */
  Options& max_encoded_bytes(std::int64_t bytes) { return set(CATDOG_OPTION_MAX_ENCODED_BYTES, bytes); }
  /** Most pixels of one image. */
  Options& max_pixels(std::int64_t pixels) { return set(CATDOG_OPTION_MAX_PIXELS, pixels); }
  /** Longest side of one image in pixels. */
  Options& max_side(std::int64_t pixels) { return set(CATDOG_OPTION_MAX_SIDE, pixels); }
  /** Most scans of a progressive JPEG. */
  Options& max_scans(std::int64_t scans) { return set(CATDOG_OPTION_MAX_SCANS, scans); }
  /** Most bytes of memory that decoding one image may take. See Classifier::probe(). */
  Options& max_decode_bytes(std::int64_t bytes) { return set(CATDOG_OPTION_MAX_DECODE_BYTES, bytes); }
  /** Milliseconds that one classifying call may take; 0 (default) = any. A longer one is CATDOG_ERROR_LIMIT. */
  Options& timeout_ms(std::int64_t milliseconds) { return set(CATDOG_OPTION_TIMEOUT_MS, milliseconds); }
  /** Less trust is answered "uncertain"; default: the model's own. 0..1. */
  Options& abstain_below(double trust) { return set(CATDOG_OPTION_ABSTAIN_BELOW, trust); }
  /** A higher score for neither is answered "neither"; default: the model's own. 0..1, 1 = never. */
  Options& neither_above(double score) { return set(CATDOG_OPTION_NEITHER_ABOVE, score); }
  /** Instead of abstain_below(): the share of answers that must be right, by the model's own figures. Above 0, to 1. */
  Options& min_precision(double share) { return set(CATDOG_OPTION_MIN_PRECISION, share); }
  /** "auto" (default: the native engine), "native" or "torch", which executes the program in the model file: only for
   *  files that you trust. */
  Options& engine(const std::string& name) { return set(CATDOG_OPTION_ENGINE, name); }
  /** "auto" (default), "fp32", "bf16" or "int8". */
  Options& precision(const std::string& name) { return set(CATDOG_OPTION_PRECISION, name); }
  /** 64 hex digits that the model file's SHA-256 must equal; "" = any. */
  Options& expected_sha256(const std::string& hex) { return set(CATDOG_OPTION_EXPECTED_SHA256, hex); }
  /** A public key of minisign, or the text of minisign.pub: the model file must have a signature of it; "" = any. */
  Options& trusted_key(const std::string& key) { return set(CATDOG_OPTION_TRUSTED_KEY, key); }
  /** The text of that signature; "" = the file beside the model that is named like it with ".minisig" at the end. */
  Options& signature(const std::string& text) { return set(CATDOG_OPTION_SIGNATURE, text); }
  /** Path of libcatdog-torch.so; "" = beside the library, in the folder catdog beside it, then the loader's search
   * path. */
  Options& torch_plugin(const std::string& path) { return set(CATDOG_OPTION_TORCH_PLUGIN, path); }
  /** Sends messages of `level` and above to `function`; classifiers opened with these options keep it alive. */
  Options& log(catdog_log_level level, LogFunction function) {
    auto shared = function ? std::make_shared<LogFunction>(std::move(function)) : nullptr;
    detail::check(catdog_options_set_log(options_.get(), level, shared ? &forward_log : nullptr, shared.get()));
    log_ = std::move(shared);
    return *this;
  }

  /** The option as it stands. */
  int threads() const { return static_cast<int>(integer(CATDOG_OPTION_THREADS)); }
  /** The option as it stands. */
  bool self_test() const { return integer(CATDOG_OPTION_SELF_TEST) != 0; }
  /** The option as it stands. */
  bool verify_weights() const { return integer(CATDOG_OPTION_VERIFY_WEIGHTS) != 0; }
  /** The option as it stands. */
  std::int64_t max_encoded_bytes() const { return integer(CATDOG_OPTION_MAX_ENCODED_BYTES); }
  /** The option as it stands. */
  std::int64_t max_pixels() const { return integer(CATDOG_OPTION_MAX_PIXELS); }
  /** The option as it stands. */
  std::int64_t max_side() const { return integer(CATDOG_OPTION_MAX_SIDE); }
  /** The option as it stands. */
  std::int64_t max_scans() const { return integer(CATDOG_OPTION_MAX_SCANS); }
  /** The option as it stands. */
  std::int64_t max_decode_bytes() const { return integer(CATDOG_OPTION_MAX_DECODE_BYTES); }
  /** The option as it stands. */
  std::int64_t timeout_ms() const { return integer(CATDOG_OPTION_TIMEOUT_MS); }
  /** Empty: the model's own. */
  std::optional<double> abstain_below() const { return share(CATDOG_OPTION_ABSTAIN_BELOW); }
  /** Empty: the model's own. */
  std::optional<double> neither_above() const { return share(CATDOG_OPTION_NEITHER_ABOVE); }
  /** Empty: abstain_below() counts. */
  std::optional<double> min_precision() const { return share(CATDOG_OPTION_MIN_PRECISION); }

  /** The C object, for calls of the C interface; owned by this one. */
  const catdog_options* get() const noexcept { return options_.get(); }
  /** What log() was given, shared with the classifiers opened since; empty when nothing was. */
  std::shared_ptr<LogFunction> log_function() const noexcept { return log_; }

 private:
  Options& set(catdog_option key, std::int64_t value) {
    detail::check(catdog_options_set_int(options_.get(), key, value));
    return *this;
  }
  Options& set(catdog_option key, double value) {
    detail::check(catdog_options_set_double(options_.get(), key, value));
    return *this;
  }
  Options& set(catdog_option key, const std::string& value) {
    detail::check(catdog_options_set_string(options_.get(), key, detail::c_string(value)));
    return *this;
  }
  std::int64_t integer(catdog_option key) const {
    std::int64_t value = 0;
    detail::check(catdog_options_get_int(&value, options_.get(), key));
    return value;
  }
  std::optional<double> share(catdog_option key) const {
    double value = -1;
    detail::check(catdog_options_get_double(&value, options_.get(), key));
    return value < 0 ? std::nullopt : std::optional<double>(value);
  }
  static void forward_log(void* user_data, catdog_log_level level, const char* message) {
    try {
      (*static_cast<LogFunction*>(user_data))(level, message);
    } catch (...) {  // Nothing may cross the C ABI.
    }
  }

  std::unique_ptr<catdog_options, detail::Destroy> options_;
  std::shared_ptr<LogFunction> log_;
};

/** Where one image's time went: wall-clock milliseconds. */
struct Timings {
  double read_ms = 0;       /**< Reading the file; 0 for an image in memory. */
  double decode_ms = 0;     /**< Decoding, or taking over raw pixels. */
  double preprocess_ms = 0; /**< Resizing, turning, normalising. */
  double infer_ms = 0;      /**< Running the network. */
  double total_ms = 0;      /**< All of it. */
};

/** What the header of an encoded image says. */
struct ImageHeader {
  std::string format;             /**< "jpeg", "png", "webp", "gif" or "other". */
  int width = 0;                  /**< Pixels from left to right as a viewer shows the image. */
  int height = 0;                 /**< Pixels from top to bottom, likewise. */
  std::uint64_t decode_bytes = 0; /**< Most memory that decoding it takes at once, the file's bytes not included. */
};

/** The verdict on one image: a plain value, independent of the classifier. */
class Result {
 public:
  /** Whether the image was classified. Always true for what classify() and classify_file() return: they throw instead.
   */
  bool ok() const noexcept { return status_ == CATDOG_OK; }
  /** The same as ok(). */
  explicit operator bool() const noexcept { return ok(); }
  /** CATDOG_OK, or the CATDOG_ERROR_* that this image met. */
  catdog_status status() const noexcept { return status_; }
  /** Why it wasn't; "" when it was. */
  const std::string& message() const noexcept { return message_; }
  /** The answer: a label, "neither" or "uncertain"; "" when not ok(). */
  const std::string& answer() const noexcept { return answer_; }
  /** Why it is that, CATDOG_REASON_*; CATDOG_REASON_NONE when not ok(). */
  catdog_reason reason() const noexcept { return reason_; }
  /** The reason's stable name, such as "low_confidence". */
  const char* reason_name() const noexcept { return catdog_reason_name(reason_); }
  /** Probability that the label is right: confidence() · (1 − neither()). */
  double trust() const noexcept { return trust_; }
  /** Probability that the image is of no label; empty where the model can't say. */
  std::optional<double> neither() const noexcept { return neither_; }
  /** Most probable label, whatever the answer is; "" when not ok(). */
  const std::string& label() const noexcept { return label_; }
  /** Its index; -1 when not ok(). */
  int label_index() const noexcept { return ranked_.empty() ? -1 : ranked_.front(); }
  /** Its calibrated probability, given that the image is one of the labels; 0 when not ok(). */
  double confidence() const noexcept { return confidence_; }
  /** Calibrated probabilities by label index; they add up to 1. */
  const std::vector<double>& probabilities() const noexcept { return probabilities_; }
  /** Label indices, most probable first. */
  const std::vector<int>& ranked() const noexcept { return ranked_; }
  /** Whether the answer is no label: the label is then a guess. */
  bool abstained() const noexcept { return abstained_; }
  /** Pixels from left to right as a viewer shows the image; 0 when the call failed before that was known. */
  int width() const noexcept { return width_; }
  /** Pixels from top to bottom, likewise. */
  int height() const noexcept { return height_; }
  /** "jpeg", "png", "webp", "gif", "raw" or "other". */
  const std::string& format() const noexcept { return format_; }
  /** Where the time went. */
  const Timings& timings() const noexcept { return timings_; }

 private:
  friend class Classifier;
  friend class Explanation;
  friend class Stream;
  Result(catdog_status status, std::string message) : status_(status), message_(std::move(message)) {}
  Result(const catdog_result* result, std::size_t item, int labels)
      : status_(catdog_result_status(result, item)),
        message_(detail::to_string(catdog_result_message(result, item))),
        label_(detail::to_string(catdog_result_label(result, item))),
        confidence_(catdog_result_confidence(result, item)),
        abstained_(catdog_result_abstained(result, item) != 0),
        answer_(detail::to_string(catdog_result_answer(result, item))),
        reason_(catdog_result_reason(result, item)),
        trust_(catdog_result_measure(result, item, CATDOG_MEASURE_TRUST)),
        width_(static_cast<int>(catdog_result_measure(result, item, CATDOG_MEASURE_WIDTH))),
        height_(static_cast<int>(catdog_result_measure(result, item, CATDOG_MEASURE_HEIGHT))),
        format_(detail::to_string(catdog_result_format(result, item))) {
    if (const double score = catdog_result_measure(result, item, CATDOG_MEASURE_NEITHER); score >= 0) neither_ = score;
    if (ok()) {
      probabilities_.resize(static_cast<std::size_t>(labels));
      for (int rank = 0; rank < labels; ++rank) {
        std::int32_t index = 0;
        double probability = 0;
        detail::check(catdog_result_ranked(result, item, rank, &index, &probability));
        ranked_.push_back(index);
        probabilities_[static_cast<std::size_t>(index)] = probability;
      }
    }
    timings_.read_ms = catdog_result_measure(result, item, CATDOG_MEASURE_READ_MS);
    timings_.decode_ms = catdog_result_measure(result, item, CATDOG_MEASURE_DECODE_MS);
    timings_.preprocess_ms = catdog_result_measure(result, item, CATDOG_MEASURE_PREPROCESS_MS);
    timings_.infer_ms = catdog_result_measure(result, item, CATDOG_MEASURE_INFER_MS);
    timings_.total_ms = catdog_result_measure(result, item, CATDOG_MEASURE_TOTAL_MS);
  }

  catdog_status status_;
  std::string message_;
  std::string label_;
  double confidence_ = 0;
  bool abstained_ = false;
  std::string answer_;
  catdog_reason reason_ = CATDOG_REASON_NONE;
  double trust_ = 0;
  std::optional<double> neither_;
  int width_ = 0;
  int height_ = 0;
  std::string format_;
  std::vector<double> probabilities_;
  std::vector<int> ranked_;
  Timings timings_;
};

/** Images one after another, results in the same order: what Classifier::classify_stream() is made of, for programs
 * that get their images bit by bit. Movable, not copyable; must not outlive its Classifier. */
class Stream {
 public:
  /** How many images may be added before the next result must be taken. */
  std::size_t room() const noexcept { return catdog_stream_room(stream_.get()); }
  /** Whether take() won't wait. */
  bool ready() const noexcept { return catdog_stream_ready(stream_.get()) != 0; }
  /** Adds an image file, which is read later. Throws Error when there is no room. */
  void add_file(const std::string& path) {
    detail::check(catdog_stream_add_file(stream_.get(), detail::c_string(path)));
  }
  /** Adds an image. Its bytes must stay until its result has been taken. Throws Error when there is no room. */
  void add(const Image& image) { detail::check(catdog_stream_add_image(stream_.get(), &image.get())); }
  /** Waits for the next result. A bad image doesn't throw: its result has the status. Throws Error when every result
   *  was taken. */
  Result take() {
    catdog_result* result = nullptr;
    detail::check(catdog_stream_take(&result, stream_.get()));
    const std::unique_ptr<catdog_result, detail::Destroy> owner(result);
    return Result(result, 0, labels_);
  }

 private:
  friend class Classifier;
  Stream(catdog_stream* stream, int labels) : stream_(stream), labels_(labels) {}
  std::unique_ptr<catdog_stream, detail::Destroy> stream_;
  int labels_;
};

/** Where in an image the network sees a label: a class activation map. Movable, not copyable; independent of the
 *  classifier. */
class Explanation {
 public:
  /** The verdict, as classify() gives it. */
  const Result& result() const noexcept { return result_; }
  /** Index of the label that the map is about. */
  int label_index() const noexcept { return catdog_explanation_label(explanation_.get()); }
  /** Rows of the map. */
  int rows() const noexcept { return catdog_explanation_rows(explanation_.get()); }
  /** Columns of the map. */
  int columns() const noexcept { return catdog_explanation_columns(explanation_.get()); }
  /** The trust in the label, 0..1, if all of the image looked as the place in that row and column does. The places are
   *  evenly spread over the upright image or its region. No check of the range. */
  float at(int row, int column) const noexcept {
    return catdog_explanation_map(explanation_.get())[row * columns() + column];
  }
  /** All of them, row after row. */
  std::vector<std::vector<float> > map() const {
    const float* first = catdog_explanation_map(explanation_.get());
    std::vector<std::vector<float> > rows_of_map;
    for (int row = 0; row < rows(); ++row, first += columns()) rows_of_map.emplace_back(first, first + columns());
    return rows_of_map;
  }
  /** What the network saw in that size, 1..4096 pixels a side: packed CATDOG_FORMAT_RGB8, as it is where the map is 1,
   *  darker where it is less. */
  std::vector<std::uint8_t> draw(int width, int height) const {
    const bool possible = width > 0 && height > 0 && width <= 4096 && height <= 4096;
    std::vector<std::uint8_t> rgb(
        possible ? std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height) : 1);
    detail::check(catdog_explanation_draw(explanation_.get(), rgb.data(), width, height, 0));
    return rgb;
  }

 private:
  friend class Classifier;
  Explanation(catdog_explanation* explanation, int labels)
      : explanation_(explanation), result_(catdog_explanation_result(explanation), 0, labels) {}
  std::unique_ptr<catdog_explanation, detail::Destroy> explanation_;
  Result result_;
};

/** A model that is ready to classify. Movable, not copyable; any number of threads may use one at once. */
class Classifier {
 public:
  /** Opens the installed model: CATDOG_MODEL, the library's folder, the install prefix. */
  static Classifier open(const Options& options = Options()) { return open_path(nullptr, options); }
  /** Opens a model file, or a shipped model by its name, such as "simple_cnn". */
  static Classifier open(const std::string& path, const Options& options = Options()) {
    return open_path(detail::c_string(path), options);
  }
  /** Opens a model file that is in memory. */
  static Classifier open_memory(Bytes bytes, const Options& options = Options()) {
    catdog_classifier* opened = nullptr;
    detail::check(catdog_classifier_open_memory(&opened, bytes.data(), bytes.size(), options.get()));
    return Classifier(opened, options);
  }

  /** Classifies an image file; throws Error when that fails. */
  Result classify_file(const std::string& path) const { return or_throw(try_classify_file(path)); }
  /** Classifies a JPEG, PNG, WebP or GIF file that is in memory; throws Error when that fails. */
  Result classify(Bytes bytes) const { return or_throw(try_classify(bytes)); }
  /** Classifies one image, encoded or raw; throws Error when that fails. */
  Result classify(const Image& image) const { return or_throw(try_classify(image)); }
  /** Deleted, so that a path isn't taken for an image's bytes. */
  template <typename Text, detail::IfText<Text> = 0>
  Result classify(const Text&) const = delete;  // A path: classify_file(). Bytes: classify(catdog::Bytes(s)).

  /** As classify_file(), but a failure is the result's status() and message(). */
  [[nodiscard]] Result try_classify_file(const std::string& path) const {
    if (path.find('\0') != std::string::npos) return Result(CATDOG_ERROR_INVALID_ARGUMENT, "the path contains a NUL");
    catdog_result* result = nullptr;
    const catdog_status status = catdog_classifier_classify_file(&result, classifier_.get(), path.c_str());
    return one(status, result);
  }
  /** As classify(), but a failure is the result's status() and message(). */
  [[nodiscard]] Result try_classify(Bytes bytes) const {
    catdog_result* result = nullptr;
    const catdog_status status =
        catdog_classifier_classify_encoded(&result, classifier_.get(), bytes.data(), bytes.size());
    return one(status, result);
  }
  /** Likewise. */
  [[nodiscard]] Result try_classify(const Image& image) const {
    catdog_result* result = nullptr;
    const catdog_status status = catdog_classifier_classify_image(&result, classifier_.get(), &image.get());
    return one(status, result);
  }
  /** Deleted, as for classify(). */
  template <typename Text, detail::IfText<Text> = 0>
  Result try_classify(const Text&) const = delete;  // A path: try_classify_file(). Bytes: catdog::Bytes(s).

  /** Reads the header of a file that is in memory without decoding the image; throws Error when classify() would refuse
   *  the image before it decodes. */
  ImageHeader probe(Bytes bytes) const {
    ImageHeader header;
    const char* format = nullptr;
    detail::check(catdog_classifier_probe_encoded(&format, &header.width, &header.height, &header.decode_bytes,
                                                  classifier_.get(), bytes.data(), bytes.size()));
    header.format = format;
    return header;
  }
  /** Deleted, as for classify(). */
  template <typename Text, detail::IfText<Text> = 0>
  ImageHeader probe(const Text&) const = delete;  // Bytes in a string: probe(catdog::Bytes(s)).

  /** Classifies images on the batch threads; results in order, each with its own status: a bad image doesn't throw.
   */
  [[nodiscard]] std::vector<Result> classify_batch(const std::vector<Image>& images) const {
    std::vector<Result> results;
    if (images.empty()) return results;
    std::vector<catdog_image> views;
    views.reserve(images.size());
    for (const Image& image : images) views.push_back(image.get());
    catdog_result* batch = nullptr;
    detail::check(catdog_classifier_classify_batch(&batch, classifier_.get(), views.data(), views.size()));
    const std::unique_ptr<catdog_result, detail::Destroy> owner(batch);
    results.reserve(views.size());
    for (std::size_t i = 0; i < views.size(); ++i) results.push_back(Result(batch, i, label_count()));
    return results;
  }

  /** Classifies a range of paths or of Images, however long, on the batch threads and holds only a few at a time. Calls
   *  `callback(std::size_t index, const Result&)` on this thread for each in order: a bad image has its status there.
   *  When the callback returns false, the call ends; so it does when the callback or the range throws, and the
   * exception comes out here. Returns how many results were handed over. */
  template <typename Sources, typename Callback>
  std::size_t classify_stream(Sources&& sources, Callback&& callback) const {
    Stream images = stream();
    std::size_t added = 0;
    std::size_t done = 0;
    const auto hand_over = [&] {
      const Result result = images.take();
      ++done;
      if constexpr (std::is_same_v<std::invoke_result_t<Callback&, std::size_t, const Result&>, bool>) {
        return callback(done - 1, result);
      } else {
        callback(done - 1, result);
        return true;
      }
    };
    for (const auto& source : sources) {
      if constexpr (std::is_same_v<std::decay_t<decltype(source)>, Image>) {
        images.add(source);
      } else {
        images.add_file(source);
      }
      ++added;
      while (images.room() == 0 || images.ready()) {
        if (!hand_over()) return done;
      }
    }
    while (done < added) {
      if (!hand_over()) return done;
    }
    return done;
  }
  /** A stream of images for this classifier. */
  Stream stream() const {
    catdog_stream* created = nullptr;
    detail::check(catdog_stream_create(&created, classifier_.get()));
    return Stream(created, label_count());
  }

  /** Classifies one image and says where in it the network sees a label: the one with that index, or the most probable.
   *  Throws Error as classify() does; CATDOG_ERROR_MODEL_UNSUPPORTED where the model or the engine can't say. */
  Explanation explain(const Image& image, int label = -1) const {
    catdog_explanation* made = nullptr;
    detail::check(catdog_classifier_explain(&made, classifier_.get(), &image.get(), label));
    return Explanation(made, label_count());
  }
  /** As explain(), for an image file. */
  Explanation explain_file(const std::string& path, int label = -1) const {
    catdog_explanation* made = nullptr;
    detail::check(catdog_classifier_explain_file(&made, classifier_.get(), detail::c_string(path), label));
    return Explanation(made, label_count());
  }

  /** Runs the model until memory and caches are warm for that many callers at once; 0 = the batch threads. */
  void warm_up(int threads = 0) const { detail::check(catdog_classifier_warm_up(classifier_.get(), threads)); }

  /** Labels by index. */
  std::vector<std::string> labels() const {
    const int count = label_count();
    std::vector<std::string> labels;
    labels.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) labels.push_back(detail::to_string(label(i)));
    return labels;
  }
  /** A fact, CATDOG_INFO_*; "" for a key that the library doesn't know. */
  std::string info(catdog_info key) const { return detail::to_string(catdog_classifier_info(classifier_.get(), key)); }

  /** A fact that is an integer, such as CATDOG_INFO_THREADS; negative for any other key. */
  std::int64_t integer(catdog_info key) const noexcept { return catdog_classifier_integer(classifier_.get(), key); }
  /** A fact that is a double, such as CATDOG_INFO_ABSTAIN_BELOW; negative for any other key. */
  double number(catdog_info key) const noexcept { return catdog_classifier_number(classifier_.get(), key); }

  /** The C object, for calls of the C interface; owned by this one. */
  const catdog_classifier* get() const noexcept { return classifier_.get(); }

 private:
  Classifier(catdog_classifier* classifier, const Options& options)
      : log_(options.log_function()), classifier_(classifier) {}
  static Classifier open_path(const char* path, const Options& options) {
    catdog_classifier* opened = nullptr;
    detail::check(catdog_classifier_open_file(&opened, path, options.get()));
    return Classifier(opened, options);
  }
  int label_count() const noexcept { return catdog_classifier_label_count(classifier_.get()); }
  const char* label(int index) const noexcept { return catdog_classifier_label(classifier_.get(), index); }
  Result one(catdog_status status, catdog_result* result) const {
    if (status != CATDOG_OK) return Result(status, catdog_last_error());
    const std::unique_ptr<catdog_result, detail::Destroy> owner(result);
    return Result(result, 0, label_count());
  }
  static Result or_throw(Result result) {
    if (!result) throw Error(result.status(), result.message());
    return result;
  }

  // The log function must outlive the classifier that calls it.
  std::shared_ptr<Options::LogFunction> log_;
  std::unique_ptr<catdog_classifier, detail::Destroy> classifier_;
};

}  // namespace catdog

#endif /* C++17 */
#endif /* CATDOG_CATDOG_HPP */
