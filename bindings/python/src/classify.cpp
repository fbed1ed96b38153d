// SPDX-License-Identifier: Apache-2.0
// The calls that classify: Python objects in, tuples out, and no GIL in between.

#include <algorithm>
#include <climits>
#include <utility>

#include "classifier.hpp"
#include "errors.hpp"
#include "gil.hpp"

namespace py = pybind11;

namespace catdog::python {
namespace {

py::str text(const std::string& bytes) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "backslashreplace"));
}

py::tuple to_python(const Result& result, const py::tuple& labels) {
  const Timings& times = result.timings();
  const auto timings =
      py::make_tuple(times.read_ms, times.decode_ms, times.preprocess_ms, times.infer_ms, times.total_ms);
  py::dict probabilities;
  const auto label = [&labels](int index) { return py::object(labels[static_cast<std::size_t>(index)]); };
  for (std::size_t i = 0; i < result.probabilities().size(); ++i) {
    probabilities[label(static_cast<int>(i))] = result.probabilities()[i];
  }
  const py::object best = result.ok() ? label(result.label_index()) : py::object(py::str(""));
  const py::object neither = result.neither() ? py::object(py::float_(*result.neither())) : py::object(py::none());
  return py::make_tuple(result.status(), text(result.message()), text(result.ok() ? result.answer() : ""),
                        result.ok() ? result.reason_name() : "", neither, result.trust(), best, result.confidence(),
                        probabilities, result.abstained(), result.width(), result.height(), result.format(), timings);
}

}  // namespace

py::tuple Core::classify(py::handle image, bool bgr) const {
  auto classifier = in_use();
  Input input(image, bgr, limits_);
  const Result result = without_gil([&] {
    const auto mine = std::move(classifier);  // Whoever drops it last waits for its threads: not with the GIL.
    return input.classify(*mine);
  });
  return to_python(result, labels_);
}

std::unique_ptr<ImageStream> Core::stream() const { return std::make_unique<ImageStream>(in_use(), labels_, limits_); }

std::unique_ptr<ImageExplanation> Core::explain(py::handle image, bool bgr, int label) const {
  auto classifier = in_use();
  Input input(image, bgr, limits_);
  Explanation explanation = without_gil([&] {
    const auto mine = std::move(classifier);
    return input.explain(*mine, label);
  });
  return std::make_unique<ImageExplanation>(std::move(explanation), labels_);
}

ImageExplanation::ImageExplanation(Explanation explanation, py::tuple labels)
    : explanation_(std::move(explanation)), labels_(std::move(labels)) {}

py::tuple ImageExplanation::raw() const { return to_python(explanation_.result(), labels_); }

py::bytes ImageExplanation::draw(std::int64_t width, std::int64_t height) const {
  const auto side = [](std::int64_t pixels) { return static_cast<int>(std::clamp<std::int64_t>(pixels, 0, INT_MAX)); };
  const std::vector<std::uint8_t> rgb = without_gil([&] { return explanation_.draw(side(width), side(height)); });
  return {reinterpret_cast<const char*>(rgb.data()), rgb.size()};
}

ImageStream::ImageStream(std::shared_ptr<const Classifier> classifier, py::tuple labels, const Limits& limits)
    : classifier_(std::move(classifier)), stream_(classifier_->stream()), labels_(std::move(labels)), limits_(limits) {}

ImageStream::~ImageStream() {
  without_gil([&] {  // It waits for what is under way.
    stream_.reset();
    classifier_.reset();
  });
}

void ImageStream::add(py::handle image, bool bgr) {
  refuse_after_fork(generation_);
  Input& input = inputs_.emplace_back(image, bgr, limits_);
  try {
    without_gil([&] { input.add_to(*stream_); });
  } catch (...) {
    inputs_.pop_back();
    throw;
  }
}

py::tuple ImageStream::take() {
  refuse_after_fork(generation_);
  const Result result = without_gil([&] { return stream_->take(); });
  inputs_.pop_front();
  return to_python(result, labels_);
}

}  // namespace catdog::python
