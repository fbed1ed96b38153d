// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>

#include "guard.hpp"
#include "handles.hpp"
#include "images.hpp"

namespace {

using namespace catdog;
using capi::require;
using core::Failure;
using core::Status;

constexpr int max_drawn_side = 4096;

// `classify(classifier, explanation)` gives the verdict.
template <typename Classify>
catdog_status explain(catdog_explanation** out, const catdog_classifier* classifier, std::int32_t label,
                      Classify classify) noexcept {
  return capi::create(out, [&] {
    const core::Classifier& core_classifier = require(classifier, "classifier")->classifier;
    if (label < -1) {
      throw Failure(Status::invalid_argument, "label must be a label's index or -1, not " + std::to_string(label));
    }
    auto made = std::make_unique<catdog_explanation>();
    made->explanation.label = label;
    made->result.labels = core_classifier.model().config().labels;
    core::Verdict verdict = classify(core_classifier, &made->explanation);
    if (verdict.status != Status::ok) throw Failure(verdict.status, verdict.message);
    made->result.items.push_back(std::move(verdict));
    return made;
  });
}

}  // namespace

catdog_status catdog_classifier_explain(catdog_explanation** out, const catdog_classifier* classifier,
                                        const catdog_image* image, int32_t label) {
  const auto start = core::Deadline::Clock::now();
  return explain(out, classifier, label, [&](const core::Classifier& c, core::Explanation* explanation) {
    return capi::classify(c, *require(image, "image"), start, explanation);
  });
}

catdog_status catdog_classifier_explain_file(catdog_explanation** out, const catdog_classifier* classifier,
                                             const char* path, int32_t label) {
  return explain(out, classifier, label, [&](const core::Classifier& c, core::Explanation* explanation) {
    return c.classify_file(require(path, "path"), c.deadline(), explanation);
  });
}

void catdog_explanation_destroy(catdog_explanation* explanation) { delete explanation; }

const catdog_result* catdog_explanation_result(const catdog_explanation* explanation) {
  return explanation != nullptr ? &explanation->result : nullptr;
}

int32_t catdog_explanation_label(const catdog_explanation* explanation) {
  return explanation != nullptr ? explanation->explanation.label : -1;
}

int32_t catdog_explanation_rows(const catdog_explanation* explanation) {
  return explanation != nullptr ? explanation->explanation.grid.rows : 0;
}

int32_t catdog_explanation_columns(const catdog_explanation* explanation) {
  return explanation != nullptr ? explanation->explanation.grid.columns : 0;
}

const float* catdog_explanation_map(const catdog_explanation* explanation) {
  return explanation != nullptr ? explanation->explanation.map.data() : nullptr;
}

catdog_status catdog_explanation_draw(const catdog_explanation* explanation, uint8_t* rgb, int32_t width,
                                      int32_t height, uint64_t row_stride) {
  return capi::guard([&] {
    require(explanation, "explanation");
    require(rgb, "rgb");
    if (width < 1 || height < 1 || width > max_drawn_side || height > max_drawn_side) {
      throw Failure(Status::invalid_argument, "width and height must be from 1 to " + std::to_string(max_drawn_side) +
                                                  ", not " + std::to_string(width) + " and " + std::to_string(height));
    }
    const std::size_t row_bytes = 3 * static_cast<std::size_t>(width);
    if (row_stride != 0 && row_stride < row_bytes) {
      throw Failure(Status::invalid_argument, "row_stride is " + std::to_string(row_stride) + "; a row has " +
                                                  std::to_string(row_bytes) + " bytes");
    }
    const core::Image drawn = core::draw(explanation->explanation, {width, height});
    for (int y = 0; y < height; ++y, rgb += row_stride != 0 ? row_stride : row_bytes) {
      std::copy_n(drawn.row(y), row_bytes, rgb);
    }
  });
}
