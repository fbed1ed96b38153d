// SPDX-License-Identifier: Apache-2.0
// The whole way of a picture: bytes → pixels → model input → logits → verdict. What capi/ wraps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "image/image.hpp"
#include "model/model_file.hpp"
#include "runtime/log.hpp"
#include "runtime/threads.hpp"
#include "status.hpp"

namespace catdog::core {

struct ClassifierOptions {
  int threads = 0;  // 0: granted_threads().
  ImageLimits limits;
  double abstain_below = -1.0;  // Negative: the model's own.
  EngineOptions engine;
  std::string expected_sha256;
  Logger log;
};

struct Timings {  // Wall-clock milliseconds.
  double read = 0;
  double decode = 0;
  double preprocess = 0;
  double infer = 0;
  double total = 0;
};

struct RankedLabel {
  int index = 0;
  float probability = 0;
};

// The verdict on one picture, or why there is none.
struct Verdict {
  Status status = Status::ok;
  std::string message;              // Empty when ok.
  std::vector<RankedLabel> ranked;  // All labels, most probable first; ties by index. Empty when failed.
  bool abstained = false;
  Size size;  // As displayed.
  ImageFormat format = ImageFormat::unknown;
  Timings timings;
};

class Classifier {
 public:
  Classifier(ModelFile model, ClassifierOptions options);  // Throws Failure.
  ~Classifier();
  Classifier(const Classifier&) = delete;
  Classifier& operator=(const Classifier&) = delete;

  // None of these throws for a bad picture: the verdict has the status. Thread-safe.
  Verdict classify_file(const std::string& path) const;
  Verdict classify_encoded(std::span<const std::uint8_t> bytes) const;
  Verdict classify_pixels(const RawPixels& pixels) const;
  // Calls classify(i) on the batch threads.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& work) const;
  void warm_up(int threads) const;

  const ModelFile& model() const;
  const Engine& engine() const;
  int threads() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The model that is used when none is named: CATDOG_MODEL, beside the library, the install prefix's share/catdog.
// Throws Failure(not_found) that lists what was tried.
std::string find_default_model();

}  // namespace catdog::core
