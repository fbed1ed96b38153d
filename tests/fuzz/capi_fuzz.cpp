// SPDX-License-Identifier: Apache-2.0
// A sequence of C API calls, driven by the input. Pointers and sizes are true; everything else is anything.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "catdog/catdog.h"
#include "support/images.hpp"
#include "support/model_maker.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

void require(bool promise) {
  if (!promise) std::abort();  // What catdog.h promises does not hold: a finding.
}

const Bytes& model() {
  static const Bytes bytes = catdog::test_support::make_model_archive();
  return bytes;
}

const Bytes& jpeg() {
  static const Bytes bytes = catdog::test_support::encode_jpeg(catdog::test_support::make_scene(40, 30));
  return bytes;
}

template <typename Handle>
void check(catdog_status status, const Handle* out) {
  require((status == CATDOG_OK) == (out != nullptr));
  if (status != CATDOG_OK) require(*catdog_last_error() != '\0' && *catdog_status_name(status) != '\0');
}

void read_result(FuzzedDataProvider& input, const catdog_result* result) {
  for (std::size_t item = 0; item < catdog_result_count(result); ++item) {
    const catdog_status status = catdog_result_status(result, item);
    require((*catdog_result_message(result, item) == '\0') == (status == CATDOG_OK));
    require((catdog_result_label(result, item) != nullptr) == (status == CATDOG_OK));
    require(catdog_result_format(result, item) != nullptr);
    double sum = 0;
    for (int rank = 0; rank < 2; ++rank) {
      double probability = 0;
      std::int32_t index = 0;
      require((catdog_result_ranked(result, item, rank, &index, &probability) == CATDOG_OK) == (status == CATDOG_OK));
      sum += probability;
    }
    require(status == CATDOG_OK ? sum > 0.999 && sum < 1.001 : sum == 0);
  }
  const auto item = input.ConsumeIntegral<std::size_t>();
  const auto key = input.ConsumeIntegral<std::int32_t>();
  static_cast<void>(catdog_result_ranked(result, item, key, nullptr, nullptr));
  catdog_result_measure(result, item, key);
  catdog_result_abstained(result, item);
  catdog_result_confidence(result, item);
}

catdog_image make_image(FuzzedDataProvider& input, Bytes& storage) {
  catdog_image image{};
  const bool sound = input.ConsumeBool();
  storage = input.ConsumeBool() ? jpeg() : input.ConsumeBytes<std::uint8_t>(input.ConsumeIntegralInRange(0, 4096));
  image.format = input.PickValueInArray<catdog_format>(
      {0, 0, 10, 20, 21, 30, 31, 34, 40, 41, 42, input.ConsumeIntegral<std::int8_t>()});
  image.data = storage.data();
  image.data_size = sound ? storage.size() : input.ConsumeIntegralInRange<std::uint64_t>(0, storage.size());
  if (image.format != CATDOG_FORMAT_ENCODED || !sound) {
    image.width = sound ? input.ConsumeIntegralInRange(1, 64) : input.ConsumeIntegral<std::int32_t>();
    image.height = sound ? input.ConsumeIntegralInRange(1, 64) : input.ConsumeIntegral<std::int32_t>();
    image.row_stride = sound ? 0 : input.ConsumeIntegral<std::uint64_t>();
    image.rotation = sound ? 90U * input.ConsumeIntegralInRange(0U, 3U) : input.ConsumeIntegral<std::uint32_t>();
  }
  if (!sound) {
    image.region_x = input.ConsumeIntegral<std::int32_t>();
    image.region_y = input.ConsumeIntegral<std::int32_t>();
    image.region_width = input.ConsumeIntegral<std::int32_t>();
    image.region_height = input.ConsumeIntegral<std::int32_t>();
    for (std::size_t i = 0; i < 2; ++i) {
      if (input.ConsumeBool()) image.chroma[i] = storage.data();
      image.chroma_size[i] = input.ConsumeIntegralInRange<std::uint64_t>(0, storage.size());
      image.chroma_stride[i] = input.ConsumeIntegral<std::uint64_t>();
    }
    image.flags = input.ConsumeIntegralInRange(0U, 1U);
    image.reserved[input.ConsumeIntegralInRange(0, 3)] = input.ConsumeIntegralInRange(0U, 1U);
  }
  return image;
}

void set_some_option(FuzzedDataProvider& input, catdog_options* options) {
  const auto key = input.PickValueInArray<catdog_option>(
      {10, 11, 20, 21, 22, 23, 40, 50, 51, 52, 53, input.ConsumeIntegral<std::int32_t>()});
  switch (input.ConsumeIntegralInRange(0, 2)) {
    case 0:
      // More threads would only be slow.
      static_cast<void>(catdog_options_set_int(
          options, key,
          key == CATDOG_OPTION_THREADS ? input.ConsumeIntegralInRange(-1, 2) : input.ConsumeIntegral<std::int64_t>()));
      break;
    case 1: static_cast<void>(catdog_options_set_double(options, key, input.ConsumeFloatingPoint<double>())); break;
    default: {
      std::string text = input.ConsumeRandomLengthString(80);
      // Never a library that somebody else put there.
      if (key == CATDOG_OPTION_TORCH_PLUGIN) text = "/nowhere.so";
      static_cast<void>(catdog_options_set_string(options, key, text.c_str()));
    }
  }
}

class Session {
 public:
  Session() {
    require(catdog_options_create(&options_) == CATDOG_OK);
    open(model());
    require(classifier_ != nullptr);
  }
  ~Session() {
    catdog_options_destroy(options_);
    catdog_classifier_destroy(classifier_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void step(FuzzedDataProvider& input) {
    catdog_result* result = reinterpret_cast<catdog_result*>(8);
    switch (input.ConsumeIntegralInRange(0, 6)) {
      case 0: set_some_option(input, options_); return;
      case 1: {
        Bytes damaged = model();
        if (input.ConsumeBool()) damaged[input.ConsumeIntegralInRange<std::size_t>(0, damaged.size() - 1)] ^= 0x40U;
        open(damaged);
        return;
      }
      case 2: {
        const Bytes bytes = input.ConsumeBytes<std::uint8_t>(input.ConsumeIntegralInRange(0, 4096));
        check(catdog_classifier_classify_encoded(&result, classifier_, bytes.data(), bytes.size()), result);
        break;
      }
      case 3: {
        Bytes storage;
        const catdog_image image = make_image(input, storage);
        check(catdog_classifier_classify_image(&result, classifier_, &image), result);
        break;
      }
      case 4: {
        std::array<Bytes, 3> storage;
        std::array<catdog_image, 3> images{};
        for (std::size_t i = 0; i < 3; ++i) images[i] = make_image(input, storage[i]);
        const auto count = input.ConsumeIntegralInRange<std::size_t>(0, 3);
        check(catdog_classifier_classify_batch(&result, classifier_, images.data(), count), result);
        break;
      }
      case 5: static_cast<void>(catdog_classifier_warm_up(classifier_, input.ConsumeIntegralInRange(-1, 3))); return;
      default:
        catdog_classifier_info(classifier_, input.ConsumeIntegralInRange(-1, 40));
        catdog_classifier_label(classifier_, input.ConsumeIntegral<std::int32_t>());
        return;
    }
    read_result(input, result);
    catdog_result_destroy(result);
  }

 private:
  void open(const Bytes& bytes) {
    catdog_classifier_destroy(classifier_);
    check(catdog_classifier_open_memory(&classifier_, bytes.data(), bytes.size(), options_), classifier_);
  }

  catdog_options* options_ = nullptr;
  catdog_classifier* classifier_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Session session;
  for (int steps = 0; steps < 12 && input.remaining_bytes() > 0; ++steps) session.step(input);
  return 0;
}
