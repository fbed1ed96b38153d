// SPDX-License-Identifier: Apache-2.0
// The calls that classify: Python objects in, tuples out, and no GIL in between.

#include <chrono>
#include <utility>
#include <vector>

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

py::tuple failed(catdog_status status, const std::string& message) {
  return py::make_tuple(status, text(message), "", "", py::none(), 0.0, "", 0.0, py::dict(), false, 0, 0, "",
                        py::make_tuple(0.0, 0.0, 0.0, 0.0, 0.0));
}

py::tuple to_python(const Result& result, const py::tuple& labels, double read_ms = 0) {
  const Timings& times = result.timings();
  const auto timings = py::make_tuple(times.read_ms + read_ms, times.decode_ms, times.preprocess_ms, times.infer_ms,
                                      times.total_ms + read_ms);
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

// What became of one item of a batch.
struct Item {
  std::optional<Input> input;  // Nothing when the object isn't an image; then, or when it failed alone:
  catdog_status status = CATDOG_OK;
  std::string message;
  double read_ms = 0;
  std::optional<Result> result;

  void fail(const Error& error) {
    status = error.status();
    message = error.what();
  }
};

void classify_items(const Classifier& classifier, std::vector<Item>& items, const Limits& limits) {
  std::vector<Image> images;
  std::vector<Item*> owners;
  images.reserve(items.size());
  owners.reserve(items.size());
  for (Item& item : items) {
    if (!item.input) continue;
    const auto start = std::chrono::steady_clock::now();
    if (item.input->is_path() && !item.input->read_file(limits)) {
      try {
        item.result.emplace(item.input->classify(classifier));
      } catch (const Error& error) {
        item.fail(error);
      }
      continue;
    }
    if (item.input->is_path()) {
      item.read_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    }
    images.push_back(item.input->image());
    owners.push_back(&item);
  }
  std::vector<Result> results = classifier.classify_batch(images);
  for (std::size_t i = 0; i < results.size(); ++i) owners[i]->result.emplace(std::move(results[i]));
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

py::list Core::classify_batch(const py::list& images, const std::vector<bool>& bgr) const {
  if (bgr.size() != images.size()) throw wrong_value("as many channel orders as images are needed");
  auto classifier = in_use();
  std::vector<Item> items(images.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    try {
      items[i].input.emplace(images[i], bgr[i], limits_);
    } catch (const Error& error) {
      items[i].fail(error);
    }
  }
  without_gil([&] {
    const auto mine = std::move(classifier);
    classify_items(*mine, items, limits_);
  });
  py::list answers;
  for (const Item& item : items) {
    answers.append(item.result ? to_python(*item.result, labels_, item.read_ms) : failed(item.status, item.message));
  }
  return answers;
}

}  // namespace catdog::python
