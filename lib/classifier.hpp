// SPDX-License-Identifier: Apache-2.0
// The whole way of an image: bytes → pixels → model input → logits → verdict. What capi/ wraps.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "explanation.hpp"
#include "image/decode.hpp"
#include "model/model_file.hpp"
#include "runtime/deadline.hpp"
#include "runtime/log.hpp"
#include "runtime/worker_pool.hpp"
#include "status.hpp"

namespace catdog::core {

struct ClassifierOptions {
  int threads = 0;  // 0: granted_threads().
  ImageLimits limits;
  std::uint32_t timeout_ms = 0;  // Of one call; 0: none.
  // Shares of 1.
  std::optional<double> abstain_below;  // Nothing: the model's own.
  std::optional<double> neither_above;  // Nothing: the model's own.
  std::optional<double> min_precision;  // Chooses abstain_below by the model's curve; not both.
  EngineOptions engine;
  ModelIdentity expected;
  bool verify_weights = false;  // Compare each weight's SHA-256 with the model file's list.
  Logger log;
};

struct Timings {  // Wall-clock milliseconds.
  double read = 0;
  double decode = 0;
  double preprocess = 0;
  double infer = 0;
  double total = 0;
};

// When an answer is no label. In force once a classifier is open.
struct Thresholds {
  double abstain_below = 0;  // Of the trust.
  double neither_above = 1;  // Of the score for neither.
};

// The model's own thresholds where the options say nothing. Throws Failure: invalid_argument for options that
// contradict each other, model_unsupported for a precision that the model's curve doesn't reach.
Thresholds choose_thresholds(const Calibration& calibration, const ClassifierOptions& options);

// Why the answer is what it is. The numbers of catdog_reason in catdog.h.
enum class Reason : std::int32_t { none = 0, label = 10, low_confidence = 20, neither = 30 };

// The verdict on one image, or why there is none.
struct Verdict {
  Status status = Status::ok;
  std::string message;               // Empty when ok.
  std::vector<float> probabilities;  // By label; empty when failed.
  double neither = -1;               // Probability that the image is of no label; -1 where the model can't say.
  double trust = 0;                  // Probability that the first label is right.
  Reason reason = Reason::none;
  bool abstained() const { return reason == Reason::low_confidence || reason == Reason::neither; }
  Size size;  // As displayed.
  ImageFormat format = ImageFormat::unknown;
  Timings timings;
};

// Label indices, most probable first; ties by index.
std::vector<int> ranks(const Verdict& verdict);

class Classifier {
 public:
  Classifier(ModelFile model, ClassifierOptions options);  // Throws Failure.
  ~Classifier();
  Classifier(const Classifier&) = delete;
  Classifier& operator=(const Classifier&) = delete;

  // None of these throws for a bad image: the verdict has the status. Thread-safe. With an explanation, they complete
  // it; a model or a label for which there is none fails as an image does.
  Verdict classify_file(const std::string& path, const Deadline& deadline = {}, Explanation* explanation = {}) const;
  Verdict classify_encoded(std::span<const std::uint8_t> bytes, const Deadline& deadline = {},
                           Explanation* explanation = {}) const;
  Verdict classify_pixels(const RawPixels& pixels, const Deadline& deadline = {}, Explanation* explanation = {}) const;
  // For a call that began at `start` and has a timeout of its own, or 0: the options'.
  Deadline deadline(Deadline::Clock::time_point start = Deadline::Clock::now(), std::uint32_t timeout_ms = 0) const;
  // What the file's header says, with the cost of decoding it for this model. Throws Failure for an image that
  // classify_encoded() would refuse before it decodes.
  ImageHeader probe_encoded(std::span<const std::uint8_t> bytes) const;
  WorkerPool& pool() const;  // The batch threads.
  void warm_up(int threads) const;

  const ModelFile& model() const;
  const Engine& engine() const;
  int threads() const;
  const Thresholds& thresholds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace catdog::core
