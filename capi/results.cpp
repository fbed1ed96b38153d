// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "guard.hpp"
#include "handles.hpp"
#include "images.hpp"

namespace {

using namespace catdog;
using capi::require;
using core::Failure;
using core::Status;
using core::Verdict;

// A single image's failure is the call's failure.
template <typename Classify>
catdog_status classify_one(catdog_result** out, const catdog_classifier* classifier, Classify classify) noexcept {
  Status image = Status::ok;
  const catdog_status call = capi::create(out, [&] {
    const core::Classifier& core_classifier = require(classifier, "classifier")->classifier;
    auto result = std::make_unique<catdog_result>();
    result->labels = core_classifier.model().config().labels;
    Verdict verdict = classify(core_classifier);
    image = verdict.status;
    if (image != Status::ok) {
      capi::set_last_error(verdict.message.c_str());
      return std::unique_ptr<catdog_result>();
    }
    result->items.push_back(std::move(verdict));
    return result;
  });
  return call != CATDOG_OK ? call : static_cast<catdog_status>(image);
}

const Verdict* find(const catdog_result* result, size_t item) {
  return result != nullptr && item < result->items.size() ? &result->items[item] : nullptr;
}

auto best(const Verdict& verdict) {
  return std::max_element(verdict.probabilities.begin(), verdict.probabilities.end());
}

}  // namespace

catdog_status catdog_classifier_classify_file(catdog_result** out, const catdog_classifier* classifier,
                                              const char* path) {
  return classify_one(out, classifier,
                      [&](const core::Classifier& c) { return c.classify_file(require(path, "path"), c.deadline()); });
}

catdog_status catdog_classifier_classify_encoded(catdog_result** out, const catdog_classifier* classifier,
                                                 const void* data, size_t size) {
  return classify_one(out, classifier, [&](const core::Classifier& c) {
    if (size != 0) require(data, "data");
    return c.classify_encoded({static_cast<const std::uint8_t*>(data), size}, c.deadline());
  });
}

catdog_status catdog_classifier_classify_image(catdog_result** out, const catdog_classifier* classifier,
                                               const catdog_image* image) {
  const auto start = core::Deadline::Clock::now();
  return classify_one(out, classifier,
                      [&](const core::Classifier& c) { return capi::classify(c, *require(image, "image"), start); });
}

catdog_status catdog_classifier_classify_batch(catdog_result** out, const catdog_classifier* classifier,
                                               const catdog_image* images, size_t count) {
  return capi::create(out, [&] {
    const core::Classifier& core_classifier = require(classifier, "classifier")->classifier;
    require(images, "images");
    const auto start = core::Deadline::Clock::now();
    if (count == 0) throw Failure(Status::invalid_argument, "the batch is empty: count must be at least 1");
    auto result = std::make_unique<catdog_result>();
    result->labels = core_classifier.model().config().labels;
    if (count > result->items.max_size()) {
      throw Failure(Status::out_of_memory, "a batch of " + std::to_string(count) + " images is larger than memory");
    }
    result->items.resize(count);
    core_classifier.pool().for_each(count, [&](std::size_t i) noexcept {
      try {
        result->items[i] = capi::classify(core_classifier, images[i], start);
      } catch (...) {  // Only when there is no memory even for the verdict.
        result->items[i].status = Status::out_of_memory;
      }
    });
    return result;
  });
}

void catdog_result_destroy(catdog_result* result) { delete result; }

size_t catdog_result_count(const catdog_result* result) { return result != nullptr ? result->items.size() : 0; }

catdog_status catdog_result_status(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  return verdict != nullptr ? static_cast<catdog_status>(verdict->status) : CATDOG_ERROR_INVALID_ARGUMENT;
}

const char* catdog_result_message(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  return verdict != nullptr ? verdict->message.c_str() : nullptr;
}

const char* catdog_result_answer(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  switch (verdict != nullptr ? verdict->reason : core::Reason::none) {
    case core::Reason::label: return catdog_result_label(result, item);
    case core::Reason::low_confidence: return "uncertain";
    case core::Reason::neither: return "neither";
    case core::Reason::none: break;
  }
  return nullptr;
}

catdog_reason catdog_result_reason(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  return verdict != nullptr ? static_cast<catdog_reason>(verdict->reason) : CATDOG_REASON_NONE;
}

const char* catdog_reason_name(catdog_reason reason) {
  switch (reason) {
    case CATDOG_REASON_NONE: return "none";
    case CATDOG_REASON_LABEL: return "label";
    case CATDOG_REASON_LOW_CONFIDENCE: return "low_confidence";
    case CATDOG_REASON_NEITHER: return "neither";
    default: return "unknown";
  }
}

const char* catdog_result_label(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  if (verdict == nullptr || verdict->probabilities.empty()) return nullptr;
  return result->labels[static_cast<std::size_t>(best(*verdict) - verdict->probabilities.begin())].c_str();
}

double catdog_result_confidence(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  return verdict != nullptr && !verdict->probabilities.empty() ? *best(*verdict) : 0;
}

int32_t catdog_result_abstained(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  return verdict != nullptr && verdict->abstained() ? 1 : 0;
}

catdog_status catdog_result_ranked(const catdog_result* result, size_t item, int32_t rank, int32_t* out_label_index,
                                   double* out_probability) {
  return capi::guard([&] {
    const Verdict* verdict = find(result, item);
    if (verdict == nullptr) {
      throw Failure(Status::invalid_argument, "there is no item " + std::to_string(item) + " in this result");
    }
    if (rank < 0 || static_cast<std::size_t>(rank) >= verdict->probabilities.size()) {
      throw Failure(Status::invalid_argument, "rank " + std::to_string(rank) + " is outside the item's " +
                                                  std::to_string(verdict->probabilities.size()) +
                                                  " labels (none when the item failed)");
    }
    const int label = core::ranks(*verdict)[static_cast<std::size_t>(rank)];
    if (out_label_index != nullptr) *out_label_index = label;
    if (out_probability != nullptr) *out_probability = verdict->probabilities[static_cast<std::size_t>(label)];
  });
}

double catdog_result_measure(const catdog_result* result, size_t item, catdog_measure key) {
  const Verdict* verdict = find(result, item);
  if (verdict == nullptr) return -1;
  switch (key) {
    case CATDOG_MEASURE_READ_MS: return verdict->timings.read;
    case CATDOG_MEASURE_DECODE_MS: return verdict->timings.decode;
    case CATDOG_MEASURE_PREPROCESS_MS: return verdict->timings.preprocess;
    case CATDOG_MEASURE_INFER_MS: return verdict->timings.infer;
    case CATDOG_MEASURE_TOTAL_MS: return verdict->timings.total;
    case CATDOG_MEASURE_WIDTH: return verdict->size.width;
    case CATDOG_MEASURE_HEIGHT: return verdict->size.height;
    case CATDOG_MEASURE_NEITHER: return verdict->neither;
    case CATDOG_MEASURE_TRUST: return verdict->trust;
    default: return -1;
  }
}

const char* catdog_result_format(const catdog_result* result, size_t item) {
  const Verdict* verdict = find(result, item);
  return verdict != nullptr ? core::image_format_name(verdict->format) : nullptr;
}
