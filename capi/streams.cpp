// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "guard.hpp"
#include "handles.hpp"
#include "images.hpp"

using namespace catdog;
using capi::require;

catdog_status catdog_stream_create(catdog_stream** out, const catdog_classifier* classifier) {
  return capi::create(out,
                      [&] { return std::make_unique<catdog_stream>(require(classifier, "classifier")->classifier); });
}

void catdog_stream_destroy(catdog_stream* stream) {
  // As catdog_classifier_destroy().
  if (stream != nullptr && stream->owner == getpid()) delete stream;
}

size_t catdog_stream_room(const catdog_stream* stream) { return stream != nullptr ? stream->stream.room() : 0; }

int32_t catdog_stream_ready(const catdog_stream* stream) { return stream != nullptr && stream->stream.ready() ? 1 : 0; }

catdog_status catdog_stream_add_file(catdog_stream* stream, const char* path) {
  return capi::guard([&] {
    const core::Classifier& classifier = require(stream, "stream")->classifier;
    stream->stream.add([&classifier, file = std::string(require(path, "path"))] {
      return classifier.classify_file(file, classifier.deadline());
    });
  });
}

catdog_status catdog_stream_add_image(catdog_stream* stream, const catdog_image* image) {
  return capi::guard([&] {
    const core::Classifier& classifier = require(stream, "stream")->classifier;
    stream->stream.add([&classifier, copy = *require(image, "image")] {
      return capi::classify(classifier, copy, core::Deadline::Clock::now());
    });
  });
}

catdog_status catdog_stream_take(catdog_result** out, catdog_stream* stream) {
  return capi::create(out, [&] {
    require(stream, "stream");
    auto result = std::make_unique<catdog_result>();
    result->labels = stream->classifier.model().config().labels;
    result->items.reserve(1);  // What is taken isn't lost.
    result->items.push_back(stream->stream.take());
    return result;
  });
}
