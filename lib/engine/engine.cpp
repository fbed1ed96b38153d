// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "engine/cpu_features.hpp"
#include "engine/native/native_engine.hpp"
#include "engine/torch_loader.hpp"
#include "model/golden.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

constexpr const char* torch_is_opt_in =
    "; engine \"torch\" may run it, but it executes the TorchScript program in the file: choose it only for a file "
    "that "
    "you trust";

std::string in_words(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

// Largest deviation from a golden case, in probability.
double tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::bf16: return 0.02;
    case Precision::int8: return 0.1;  // Golden images are no photos: more of their values lie outside the ranges.
    default: return 1e-3;
  }
}

std::size_t best(std::span<const float> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

// What is wrong with the engine's answers to the golden cases; empty when nothing is.
std::optional<std::string> self_test(const Engine& engine, const ModelConfig& config) {
  if (config.golden.empty()) return std::nullopt;
  const bool exact = engine.precision() == Precision::fp32;
  const double tolerance = tolerance_of(engine.precision());
  const auto context = engine.create_context();
  const InputTensor input = context->input();
  std::vector<float> actual(config.outputs());
  for (const GoldenCase& golden : config.golden) {
    normalise(golden_image(golden.seed, Size{input.width, input.height}, config.golden_version), config.input, input);
    context->run(actual);
    calibrate_in_place(actual, config);
    std::vector<float> expected = golden.logits;
    calibrate_in_place(expected, config);
    double deviation = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const double difference = std::abs(static_cast<double>(actual[i]) - expected.at(i));
      if (!(difference <= deviation)) deviation = difference;  // Keeps a NaN.
      if (std::isnan(difference)) break;
    }
    const std::string which = "golden case " + std::to_string(golden.seed);
    if (!(deviation <= tolerance)) return which + " is off by " + in_words(deviation) + " in probability";
    const std::size_t labels = config.labels.size();
    if (!exact && best({actual.data(), labels}) != best({expected.data(), labels}))
      return which + " gets another label";
  }
  return std::nullopt;
}

std::unique_ptr<Engine> create(EngineKind kind, const ModelFile& model, const EngineOptions& options,
                               Precision precision) {
  if (kind == EngineKind::native) {
    try {
      return create_native_engine(model, precision);
    } catch (const Failure& failure) {
      if (failure.status() != Status::model_unsupported) throw;
      throw Failure(failure.status(), std::string(failure.what()) + torch_is_opt_in);
    }
  }
  EngineOptions exact = options;
  exact.precision = precision;
  return create_torch_engine(model, exact);
}

std::string title(const Engine& engine) {
  return std::string(engine.name()) + " engine in " + precision_name(engine.precision());
}

// An engine in a precision below fp32 that "auto" may take; null when it isn't exact enough for this model, and why is
// added to `reasons`.
std::unique_ptr<Engine> try_precision(Precision precision, const ModelFile& model, const EngineOptions& options,
                                      const Logger& log, std::vector<std::string>& reasons) {
  const std::string name = precision_name(precision);
  try {
    auto engine = create(EngineKind::native, model, options, precision);
    if (!options.self_test) return engine;
    const auto problem = self_test(*engine, model.config());
    if (!problem) return engine;
    reasons.push_back(name + " isn't exact enough for this model: " + *problem);
  } catch (const Failure& failure) {
    if (failure.status() != Status::model_unsupported) throw;
    reasons.push_back(name + " isn't possible for this model: " + failure.what());
  }
  log(LogLevel::warning, reasons.back());
  return nullptr;
}

std::unique_ptr<Engine> choose_precision(EngineKind kind, const ModelFile& model, const EngineOptions& options,
                                         const Logger& log) {
  std::unique_ptr<Engine> engine;
  std::vector<std::string> reasons;
  if (kind == EngineKind::torch) {
    reasons.emplace_back("the torch engine has no other");
  } else {
    if (!cpu_has_fast_int8()) {
      reasons.emplace_back("for int8 the CPU lacks AVX512-VNNI and AMX");
    } else if (model.config().calibration.ranges.empty()) {
      reasons.emplace_back("for int8 the model file lacks ranges (catdog-train quantize)");
    } else {
      engine = try_precision(Precision::int8, model, options, log, reasons);
    }
    if (!engine && cpu_has_fast_bf16()) {
      engine = try_precision(Precision::bf16, model, options, log, reasons);
    } else if (!engine) {
      reasons.emplace_back("for bf16 the CPU lacks AVX512-BF16 and AMX");
    }
  }
  if (!engine) engine = create(kind, model, options, Precision::fp32);
  std::string all = reasons.empty() ? "the fastest of this CPU" : "";
  for (const std::string& reason : reasons) all += (all.empty() ? "" : "; ") + reason;
  engine->set_precision_reason(std::move(all));
  return engine;
}

std::unique_ptr<Engine> create_checked(EngineKind kind, const ModelFile& model, const EngineOptions& options,
                                       const Logger& log) {
  std::unique_ptr<Engine> engine;
  if (options.precision == Precision::automatic) {
    engine = choose_precision(kind, model, options, log);
  } else {
    engine = create(kind, model, options, options.precision);
    engine->set_precision_reason("it was asked for");
  }
  // What "auto" takes below fp32 has passed.
  const bool untested =
      options.self_test && (options.precision != Precision::automatic || engine->precision() == Precision::fp32);
  const auto problem = untested ? self_test(*engine, model.config()) : std::nullopt;
  if (problem && engine->precision() == Precision::fp32) {
    throw Failure(Status::model_format, "the model file fails its own self-test with the " + title(*engine) + ": " +
                                            *problem + "; it is damaged or was written wrongly");
  }
  if (problem) {
    throw Failure(Status::model_unsupported, "this model isn't exact enough in " +
                                                 std::string(precision_name(engine->precision())) + ": " + *problem +
                                                 "; use precision \"auto\" or \"fp32\"");
  }
  const bool tested = options.self_test && !model.config().golden.empty();
  log(LogLevel::info, "using the " + title(*engine) + (tested ? "; self-test passed" : ""));
  return engine;
}

}  // namespace

const char* precision_name(Precision precision) noexcept {
  switch (precision) {
    case Precision::automatic: return "auto";
    case Precision::fp32: return "fp32";
    case Precision::bf16: return "bf16";
    case Precision::int8: return "int8";
  }
  return "unknown";
}

void EngineContext::run_places(std::span<float> /*logits*/, const Deadline& /*deadline*/) {
  throw Failure(Status::internal, "this engine can't run the network for each place of an image");
}

void softmax_in_place(std::span<float> logits, double temperature) {
  if (logits.empty()) return;
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp((logit - largest) / temperature);
  for (float& logit : logits) logit = static_cast<float>(std::exp((logit - largest) / temperature) / sum);
}

void calibrate_in_place(std::span<float> outputs, const ModelConfig& config) {
  softmax_in_place(outputs.first(config.labels.size()), config.calibration.temperature);
  for (float& logit : outputs.subspan(config.labels.size())) {
    logit = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
  }
}

void require_finite(std::span<const float> outputs) {
  if (std::all_of(outputs.begin(), outputs.end(), [](float value) { return std::isfinite(value); })) return;
  throw Failure(Status::engine_failed,
                "the network gave a number that is not finite for this image: its model file is broken");
}

std::unique_ptr<Engine> create_engine(const ModelFile& model, const EngineOptions& options, const Logger& log) {
  const bool torch = options.kind == EngineKind::torch;
  return create_checked(torch ? EngineKind::torch : EngineKind::native, model, options, log);
}

}  // namespace catdog::core
