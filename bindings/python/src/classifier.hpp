// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <catdog/catdog.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "input.hpp"

namespace catdog::python {

// All that decides how a classifier is opened.
struct Settings {
  std::optional<std::string> path;  // Neither path nor data: the shipped model.
  std::optional<pybind11::bytes> data;
  std::int64_t threads = 0;
  bool self_test = true;
  // Nothing: the library's default.
  std::optional<std::int64_t> max_encoded_bytes;
  std::optional<std::int64_t> max_pixels;
  std::optional<std::int64_t> max_side;
  std::optional<std::int64_t> max_scans;
  std::optional<std::int64_t> max_decode_bytes;
  std::optional<std::int64_t> timeout_ms;
  std::optional<double> abstain_below;
  std::optional<double> neither_above;
  std::optional<double> min_precision;
  std::string engine;
  std::string precision;
  std::string expected_sha256;
  std::string trusted_key;
  std::string signature;
  std::string torch_plugin;
  pybind11::object log;  // A callable (level, message), or None.
  int log_level = CATDOG_LOG_INFO;
};

// Counts the fork() calls between the start of the first process and this one.
unsigned fork_generation() noexcept;
void watch_forks();
// Throws in a child of the process that had this count.
void refuse_after_fork(unsigned generation);

// A stream that keeps what Python gave until its result is there. For one thread at a time.
class ImageStream {
 public:
  ImageStream(std::shared_ptr<const Classifier> classifier, pybind11::tuple labels, const Limits& limits);
  ~ImageStream();
  ImageStream(const ImageStream&) = delete;
  ImageStream& operator=(const ImageStream&) = delete;

  void add(pybind11::handle image, bool bgr);  // Throws for what isn't an image, and adds nothing then.
  pybind11::tuple take();                      // A bad image doesn't throw.
  std::size_t room() const noexcept { return stream_->room(); }
  bool ready() const noexcept { return stream_->ready(); }

 private:
  unsigned generation_ = fork_generation();
  std::shared_ptr<const Classifier> classifier_;
  std::optional<Stream> stream_;
  std::deque<Input> inputs_;
  pybind11::tuple labels_;
  Limits limits_;
};

// Where in an image the network sees a label.
class ImageExplanation {
 public:
  ImageExplanation(Explanation explanation, pybind11::tuple labels);
  pybind11::tuple raw() const;  // The verdict.
  int label() const noexcept { return explanation_.label_index(); }
  std::vector<std::vector<float>> map() const { return explanation_.map(); }
  pybind11::bytes draw(std::int64_t width, std::int64_t height) const;

 private:
  Explanation explanation_;
  pybind11::tuple labels_;
};

// A classifier in a Python process: closable while other threads use it, and useless in a forked child.
class Core {
 public:
  explicit Core(const Settings& settings);
  ~Core() { close(); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // See from_raw() in catdog/_prediction.py for what the tuples hold.
  pybind11::tuple classify(pybind11::handle image, bool bgr) const;
  // Label index, or -1 for the most probable one.
  std::unique_ptr<ImageExplanation> explain(pybind11::handle image, bool bgr, int label) const;
  std::unique_ptr<ImageStream> stream() const;
  void warm_up(std::int64_t threads) const;
  void close();
  bool closed() const noexcept { return classifier_ == nullptr; }
  std::string info(catdog_info key) const { return in_use()->info(key); }
  std::int64_t integer(catdog_info key) const { return in_use()->integer(key); }
  const Limits& limits() const noexcept { return limits_; }
  pybind11::tuple labels() const noexcept { return labels_; }

 private:
  std::shared_ptr<const Classifier> in_use() const;  // Throws when it is closed or this is a forked child.

  std::shared_ptr<const Classifier> classifier_;
  unsigned generation_;  // Of the process, see fork_generation().
  Limits limits_;
  pybind11::tuple labels_;
};

}  // namespace catdog::python
