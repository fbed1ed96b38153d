// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "guard.hpp"
#include "handles.hpp"

namespace {

using namespace catdog;
using core::ModelFile;

std::unique_ptr<catdog_classifier> open(ModelFile model, const catdog_options* options) {
  const core::InputSpec& input = model.config().input;
  std::string size = std::to_string(input.width) + "x" + std::to_string(input.height);
  // The classifier can't be moved: it is made in its place.
  std::unique_ptr<catdog_classifier> opened(new catdog_classifier{
      {std::move(model), options != nullptr ? options->values : core::ClassifierOptions{}}, std::move(size), {}});
  opened->threads = std::to_string(opened->classifier.threads());
  return opened;
}

std::string expected_sha256(const catdog_options* options) {
  return options != nullptr ? options->values.expected_sha256 : std::string();
}

}  // namespace

catdog_status catdog_classifier_open_file(catdog_classifier** out, const char* path, const catdog_options* options) {
  return capi::create(out, [&] {
    const std::string file = path != nullptr ? std::string(path) : core::find_default_model();
    return open(ModelFile::from_file(file, expected_sha256(options)), options);
  });
}

catdog_status catdog_classifier_open_memory(catdog_classifier** out, const void* data, size_t size,
                                            const catdog_options* options) {
  return capi::create(out, [&] {
    const auto* bytes = static_cast<const std::uint8_t*>(capi::require(data, "data"));
    return open(ModelFile::from_memory({bytes, size}, expected_sha256(options)), options);
  });
}

void catdog_classifier_destroy(catdog_classifier* classifier) { delete classifier; }

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
    case CATDOG_INFO_INPUT_SIZE: return classifier->input_size.c_str();
    case CATDOG_INFO_THREADS: return classifier->threads.c_str();
    default: return nullptr;
  }
}
