// SPDX-License-Identifier: Apache-2.0
#include "classifier.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <new>
#include <numeric>
#include <thread>
#include <utility>

#include "image/sniff.hpp"
#include "model/golden.hpp"
#include "runtime/file_reader.hpp"
#include "runtime/threads.hpp"

namespace catdog::core {
namespace {

class Stopwatch {
 public:
  // Milliseconds since the last lap (or the start).
  double lap() {
    const auto now = Clock::now();
    const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return ms;
  }
  double total() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

std::string in_words(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", share);
  return text;
}

}  // namespace

struct Classifier::Impl {
  ModelFile model;
  ClassifierOptions options;
  Thresholds thresholds;
  std::unique_ptr<Engine> engine;
  WorkerPool pool;
  // One scratch memory for each caller that was ever in here at the same time; the one used last is the warmest.
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<EngineContext>> idle;

  Impl(ModelFile file, ClassifierOptions given)
      : model(std::move(file)),
        options(std::move(given)),
        thresholds(choose_thresholds(model.config().calibration, options)),
        engine(create_engine(model, options.engine, options.log)),
        pool(options.threads > 0 ? options.threads : granted_threads()) {
    model.release_archive();
  }

  class ContextLease {
   public:
    explicit ContextLease(const Impl& owner) : owner_(owner) {
      {
        const std::lock_guard lock(owner.mutex);
        if (!owner.idle.empty()) {
          context_ = std::move(owner.idle.back());
          owner.idle.pop_back();
        }
      }
      if (!context_) context_ = owner.engine->create_context();
    }
    ~ContextLease() {
      const std::lock_guard lock(owner_.mutex);
      try {
        owner_.idle.push_back(std::move(context_));
      } catch (const std::bad_alloc&) {  // Then the next caller makes a new one.
      }
    }
    ContextLease(const ContextLease&) = delete;
    ContextLease& operator=(const ContextLease&) = delete;
    EngineContext* operator->() const { return context_.get(); }
    EngineContext& operator*() const { return *context_; }

   private:
    const Impl& owner_;
    std::unique_ptr<EngineContext> context_;
  };

  Size input_size() const { return {model.config().input.width, model.config().input.height}; }

  void infer(const DecodedImage& image, const Deadline& deadline, Stopwatch& watch, Verdict& verdict,
             Explanation* explanation) const {
    deadline.check();
    const ContextLease context(*this);
    const InputTensor input = context->input();
    const Image seen = resize_and_orient(image, input_size());
    normalise(seen, model.config().input, input);
    verdict.timings.preprocess = watch.lap();
    std::vector<float> scores(model.config().outputs());
    deadline.check();
    context->run(scores, deadline);
    require_finite(scores);
    verdict.timings.infer = watch.lap();
    calibrate_in_place(scores, model.config());
    const std::size_t labels = model.config().labels.size();
    if (labels < scores.size()) verdict.neither = scores[labels];
    scores.resize(labels);
    verdict.probabilities = std::move(scores);
    decide(verdict);
    if (explanation != nullptr) explain(*context, seen, deadline, verdict, *explanation);
  }

  // Of the input that `context` still has.
  void explain(EngineContext& context, const Image& seen, const Deadline& deadline, const Verdict& verdict,
               Explanation& explanation) const {
    const int labels = static_cast<int>(verdict.probabilities.size());
    if (explanation.label >= labels) {
      throw Failure(Status::invalid_argument, "there is no label " + std::to_string(explanation.label) +
                                                  " to explain: the model has " + std::to_string(labels));
    }
    const Grid grid = engine->grid();
    if (grid.size() == 0) {
      throw Failure(Status::model_unsupported,
                    "an explanation needs the native engine and a network that ends with one global average pooling "
                    "and layers on its result");
    }
    if (explanation.label < 0) explanation.label = ranks(verdict).front();
    std::vector<float> logits(grid.size() * model.config().outputs());
    context.run_places(logits, deadline);
    require_finite(logits);
    explanation.grid = grid;
    explanation.map = trust_map(logits, static_cast<std::size_t>(explanation.label), model.config());
    explanation.seen = convert_to_rgb(seen);  // A copy: the pixels may be the caller's.
  }

  void decide(Verdict& verdict) const {
    const double confidence = *std::max_element(verdict.probabilities.begin(), verdict.probabilities.end());
    verdict.trust = verdict.neither < 0 ? confidence : confidence * (1.0 - verdict.neither);
    verdict.reason = Reason::label;
    if (verdict.trust < thresholds.abstain_below) verdict.reason = Reason::low_confidence;
    if (verdict.neither > thresholds.neither_above) verdict.reason = Reason::neither;
  }

  // Runs `fill(verdict, watch)` and turns whatever it throws into the verdict's status.
  template <typename Fill>
  Verdict attempt(Fill fill) const {
    Verdict verdict;
    Stopwatch watch;
    try {
      fill(verdict, watch);
    } catch (const Failure& failure) {
      fail(verdict, failure.status(), failure.what());
    } catch (const std::bad_alloc&) {
      fail(verdict, Status::out_of_memory, "out of memory while classifying an image");
    } catch (const std::exception& error) {
      fail(verdict, Status::internal, error.what());
    }
    verdict.timings.total = watch.total();
    return verdict;
  }

  static void fail(Verdict& verdict, Status status, const std::string& message) {
    verdict.status = status;
    verdict.message = message;
    verdict.probabilities.clear();
    verdict.neither = -1;
    verdict.trust = 0;
    verdict.reason = Reason::none;
  }

  void decode_and_infer(std::span<const std::uint8_t> bytes, const Deadline& deadline, Verdict& verdict,
                        Stopwatch& watch, Explanation* explanation) const {
    verdict.format = sniff_format(bytes);
    const DecodedImage image = decode_image(bytes, input_size(), options.limits, deadline);
    verdict.format = image.format;
    verdict.size = image.displayed_size();
    verdict.timings.decode = watch.lap();
    infer(image, deadline, watch, verdict, explanation);
  }
};

Thresholds choose_thresholds(const Calibration& calibration, const ClassifierOptions& options) {
  Thresholds chosen{options.abstain_below.value_or(calibration.abstain_below), 1.0};
  if (calibration.neither_above) chosen.neither_above = options.neither_above.value_or(*calibration.neither_above);
  if (!options.min_precision) return chosen;
  if (options.abstain_below) {
    throw Failure(Status::invalid_argument,
                  "min_precision and abstain_below can't both be set: the one chooses the other");
  }
  if (calibration.curve.empty()) {
    throw Failure(Status::model_unsupported,
                  "min_precision needs a model with a precision–coverage curve (calibration.curve), which this one "
                  "hasn't; set abstain_below instead");
  }
  double best = 0;
  for (const OperatingPoint& point : calibration.curve) {
    if (point.precision >= *options.min_precision) {
      chosen.abstain_below = point.abstain_below;
      return chosen;
    }
    best = std::max(best, point.precision);
  }
  throw Failure(Status::model_unsupported, "this model reaches no precision of " + in_words(*options.min_precision) +
                                               " at any threshold; the best is " + in_words(best));
}

std::vector<int> ranks(const Verdict& verdict) {
  std::vector<int> order(verdict.probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  const auto probability = [&verdict](int label) { return verdict.probabilities[static_cast<std::size_t>(label)]; };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return probability(a) > probability(b); });
  return order;
}

Classifier::Classifier(ModelFile model, ClassifierOptions options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(options))) {}
Classifier::~Classifier() = default;

Verdict Classifier::classify_file(const std::string& path, const Deadline& deadline, Explanation* explanation) const {
  return impl_->attempt([&](Verdict& verdict, Stopwatch& watch) {
    const std::vector<std::uint8_t> bytes =
        read_file(path, impl_->options.limits.max_encoded_bytes, "image", "max_encoded_bytes");
    verdict.timings.read = watch.lap();
    impl_->decode_and_infer(bytes, deadline, verdict, watch, explanation);
  });
}

Verdict Classifier::classify_encoded(std::span<const std::uint8_t> bytes, const Deadline& deadline,
                                     Explanation* explanation) const {
  return impl_->attempt([&](Verdict& verdict, Stopwatch& watch) {
    impl_->decode_and_infer(bytes, deadline, verdict, watch, explanation);
  });
}

Verdict Classifier::classify_pixels(const RawPixels& pixels, const Deadline& deadline, Explanation* explanation) const {
  return impl_->attempt([&](Verdict& verdict, Stopwatch& watch) {
    const DecodedImage image = import_pixels(pixels, impl_->options.limits);
    verdict.format = image.format;
    verdict.size = image.displayed_size();
    verdict.timings.decode = watch.lap();
    impl_->infer(image, deadline, watch, verdict, explanation);
  });
}

Deadline Classifier::deadline(Deadline::Clock::time_point start, std::uint32_t timeout_ms) const {
  if (timeout_ms == 0) timeout_ms = impl_->options.timeout_ms;
  return timeout_ms == 0 ? Deadline() : Deadline(start, std::chrono::milliseconds(timeout_ms));
}

ImageHeader Classifier::probe_encoded(std::span<const std::uint8_t> bytes) const {
  return probe_image(bytes, impl_->input_size(), impl_->options.limits);
}

void Classifier::warm_up(int threads) const {
  const int callers = threads > 0 ? threads : impl_->pool.threads();
  // All contexts at once: leasing one after the other would warm the same one again and again.
  std::vector<std::unique_ptr<Impl::ContextLease>> leases;
  std::vector<float> logits(impl_->model.config().outputs());
  const Image image = golden_image(1, impl_->input_size(), 2);
  for (int i = 0; i < callers; ++i) {
    const auto& lease = leases.emplace_back(std::make_unique<Impl::ContextLease>(*impl_));
    normalise(image, impl_->model.config().input, (*lease)->input());
    (*lease)->run(logits);
  }
}

const ModelFile& Classifier::model() const { return impl_->model; }
const Engine& Classifier::engine() const { return *impl_->engine; }
WorkerPool& Classifier::pool() const { return impl_->pool; }
int Classifier::threads() const { return impl_->pool.threads(); }
const Thresholds& Classifier::thresholds() const { return impl_->thresholds; }

}  // namespace catdog::core
