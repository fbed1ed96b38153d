// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "guard.hpp"
#include "handles.hpp"
#include "runtime/model_locator.hpp"

namespace {

using namespace catdog;
using core::ModelFile;

std::unique_ptr<catdog_classifier> open(ModelFile model, const catdog_options* options) {
  if (options != nullptr && options->values.verify_weights) model.verify_weights();
  // The classifier can't be moved: it is made in its place, as clang 14's make_unique can't.
  // NOLINTNEXTLINE(modernize-make-unique)
  return std::unique_ptr<catdog_classifier>(
      new catdog_classifier{{std::move(model), options != nullptr ? options->values : core::ClassifierOptions{}}});
}

core::ModelIdentity expected(const catdog_options* options) {
  return options != nullptr ? options->values.expected : core::ModelIdentity();
}

}  // namespace

catdog_status catdog_classifier_open_file(catdog_classifier** out, const char* path, const catdog_options* options) {
  return capi::create(out, [&] {
    const std::string file = path != nullptr ? core::find_model(path) : core::find_default_model();
    return open(ModelFile::from_file(file, expected(options)), options);
  });
}

catdog_status catdog_classifier_open_memory(catdog_classifier** out, const void* data, size_t size,
                                            const catdog_options* options) {
  return capi::create(out, [&] {
    const auto* bytes = static_cast<const std::uint8_t*>(capi::require(data, "data"));
    return open(ModelFile::from_memory({bytes, size}, expected(options)), options);
  });
}

void catdog_classifier_destroy(catdog_classifier* classifier) {
  // In a forked child the destructor would wait for threads that only the parent has.
  if (classifier != nullptr && classifier->owner == getpid()) delete classifier;
}

catdog_status catdog_classifier_warm_up(const catdog_classifier* classifier, int32_t threads) {
  return capi::guard([&] {
    capi::require(classifier, "classifier");
    if (threads < 0 || threads > 1024) {
      throw core::Failure(core::Status::invalid_argument,
                          "threads must be from 0 to 1024, not " + std::to_string(threads));
    }
    classifier->classifier.warm_up(threads);
  });
}

int32_t catdog_classifier_label_count(const catdog_classifier* classifier) {
  return classifier != nullptr ? static_cast<int32_t>(classifier->classifier.model().config().labels.size()) : 0;
}

const char* catdog_classifier_label(const catdog_classifier* classifier, int32_t index) {
  if (index < 0 || index >= catdog_classifier_label_count(classifier)) return nullptr;
  return classifier->classifier.model().config().labels[static_cast<std::size_t>(index)].c_str();
}

const char* catdog_classifier_info(const catdog_classifier* classifier, catdog_info key) {
  if (classifier == nullptr) return nullptr;
  const ModelFile& model = classifier->classifier.model();
  switch (key) {
    case CATDOG_INFO_MODEL_NAME: return model.config().name.c_str();
    case CATDOG_INFO_MODEL_VERSION: return model.config().version.c_str();
    case CATDOG_INFO_MODEL_SHA256: return model.sha256().c_str();
    case CATDOG_INFO_MODEL_PATH: return model.path().c_str();
    case CATDOG_INFO_MODEL_JSON: return model.config().json.c_str();
    case CATDOG_INFO_ENGINE: return classifier->classifier.engine().name();
    case CATDOG_INFO_PRECISION: return core::precision_name(classifier->classifier.engine().precision());
    case CATDOG_INFO_PRECISION_REASON: return classifier->classifier.engine().precision_reason().c_str();
    default: return nullptr;
  }
}

catdog_status catdog_classifier_probe_encoded(const char** out_format, int32_t* out_width, int32_t* out_height,
                                              uint64_t* out_decode_bytes, const catdog_classifier* classifier,
                                              const void* data, size_t size) {
  return capi::guard([&] {
    capi::require(classifier, "classifier");
    if (size != 0) capi::require(data, "data");
    const core::ImageHeader header =
        classifier->classifier.probe_encoded({static_cast<const std::uint8_t*>(data), size});
    const core::Size displayed = header.displayed_size();
    if (out_format != nullptr) *out_format = core::image_format_name(header.format);
    if (out_width != nullptr) *out_width = displayed.width;
    if (out_height != nullptr) *out_height = displayed.height;
    if (out_decode_bytes != nullptr) *out_decode_bytes = header.decode_bytes;
  });
}

int64_t catdog_classifier_integer(const catdog_classifier* classifier, catdog_info key) {
  if (classifier == nullptr) return -1;
  const core::InputSpec& input = classifier->classifier.model().config().input;
  switch (key) {
    case CATDOG_INFO_THREADS: return classifier->classifier.threads();
    case CATDOG_INFO_INPUT_WIDTH: return input.width;
    case CATDOG_INFO_INPUT_HEIGHT: return input.height;
    default: return -1;
  }
}

double catdog_classifier_number(const catdog_classifier* classifier, catdog_info key) {
  if (classifier == nullptr) return -1;
  const core::Thresholds& thresholds = classifier->classifier.thresholds();
  switch (key) {
    case CATDOG_INFO_ABSTAIN_BELOW: return thresholds.abstain_below;
    case CATDOG_INFO_NEITHER_ABOVE: return thresholds.neither_above;
    default: return -1;
  }
}
