// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>

#include "guard.hpp"
#include "handles.hpp"
#include "model/sha256.hpp"
#include "model/signature.hpp"

namespace {

using namespace catdog;
using capi::guard;
using capi::require;
using core::Failure;
using core::Status;

[[noreturn]] void unknown(catdog_option key, const char* type) {
  throw Failure(Status::unknown_option, "this version has no " + std::string(type) + " option with the key " +
                                            std::to_string(key) + " (see CATDOG_OPTION_* in catdog.h)");
}

std::int64_t in_range(std::int64_t value, std::int64_t low, std::int64_t high, const char* name) {
  if (value < low || value > high) {
    throw Failure(Status::invalid_argument, std::string(name) + " must be from " + std::to_string(low) + " to " +
                                                std::to_string(high) + ", not " + std::to_string(value));
  }
  return value;
}

template <typename Value>
Value one_of(const std::string& given, std::initializer_list<std::pair<const char*, Value>> choices, const char* name) {
  std::string names;
  for (const auto& [text, value] : choices) {
    if (given == text) return value;
    names += std::string(names.empty() ? "\"" : ", \"") + text + "\"";
  }
  throw Failure(Status::invalid_argument, std::string(name) + " must be one of " + names + ", not \"" + given + "\"");
}

struct Range {
  std::int64_t low;
  std::int64_t high;
};

// Calls use(field, range, name) for the integer option with that key.
template <typename Options, typename Use>
void use_integer(Options& o, catdog_option key, Use use) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  switch (key) {
    case CATDOG_OPTION_THREADS: return use(o.threads, Range{0, 1024}, "threads");
    case CATDOG_OPTION_SELF_TEST: return use(o.engine.self_test, Range{0, 1}, "self_test");
    case CATDOG_OPTION_VERIFY_WEIGHTS: return use(o.verify_weights, Range{0, 1}, "verify_weights");
    case CATDOG_OPTION_MAX_ENCODED_BYTES: return use(o.limits.max_encoded_bytes, Range{1, most}, "max_encoded_bytes");
    case CATDOG_OPTION_MAX_PIXELS: return use(o.limits.max_pixels, Range{1, most}, "max_pixels");
    case CATDOG_OPTION_MAX_SIDE: return use(o.limits.max_side, Range{1, 65535}, "max_side");
    case CATDOG_OPTION_MAX_SCANS: return use(o.limits.max_scans, Range{1, 1 << 30}, "max_scans");
    case CATDOG_OPTION_MAX_DECODE_BYTES: return use(o.limits.max_decode_bytes, Range{1, most}, "max_decode_bytes");
    case CATDOG_OPTION_TIMEOUT_MS:
      return use(o.timeout_ms, Range{0, std::numeric_limits<std::uint32_t>::max()}, "timeout_ms");
    default: unknown(key, "integer");
  }
}

// Calls use(field, name) for the option with that key, which is a share of 1.
template <typename Options, typename Use>
void use_share(Options& o, catdog_option key, Use use) {
  switch (key) {
    case CATDOG_OPTION_ABSTAIN_BELOW: return use(o.abstain_below, "abstain_below");
    case CATDOG_OPTION_NEITHER_ABOVE: return use(o.neither_above, "neither_above");
    case CATDOG_OPTION_MIN_PRECISION: return use(o.min_precision, "min_precision");
    default: unknown(key, "floating-point");
  }
}

const core::ClassifierOptions& values_of(const catdog_options* options) {
  static const core::ClassifierOptions defaults;
  return options != nullptr ? options->values : defaults;
}

}  // namespace

catdog_status catdog_options_create(catdog_options** out) {
  return capi::create(out, [] { return std::make_unique<catdog_options>(); });
}

void catdog_options_destroy(catdog_options* options) { delete options; }

catdog_status catdog_options_set_int(catdog_options* options, catdog_option key, int64_t value) {
  return guard([&] {
    use_integer(require(options, "options")->values, key, [&](auto& field, Range range, const char* name) {
      field = static_cast<std::decay_t<decltype(field)>>(in_range(value, range.low, range.high, name));
    });
  });
}

catdog_status catdog_options_get_int(int64_t* out, const catdog_options* options, catdog_option key) {
  return guard([&] {
    require(out, "the output argument");
    use_integer(values_of(options), key,
                [out](const auto& field, Range, const char*) { *out = static_cast<int64_t>(field); });
  });
}

catdog_status catdog_options_set_double(catdog_options* options, catdog_option key, double value) {
  return guard([&] {
    use_share(require(options, "options")->values, key, [&](std::optional<double>& field, const char* name) {
      if (!(value >= 0 && value <= 1)) {
        throw Failure(Status::invalid_argument,
                      std::string(name) + " must be from 0 to 1, not " + std::to_string(value));
      }
      if (key == CATDOG_OPTION_MIN_PRECISION && value == 0) {
        throw Failure(Status::invalid_argument, "min_precision must be above 0");
      }
      field = value;
    });
  });
}

catdog_status catdog_options_get_double(double* out, const catdog_options* options, catdog_option key) {
  return guard([&] {
    require(out, "the output argument");
    use_share(values_of(options), key,
              [out](const std::optional<double>& field, const char*) { *out = field.value_or(-1); });
  });
}

catdog_status catdog_options_set_string(catdog_options* options, catdog_option key, const char* value) {
  return guard([&] {
    core::ClassifierOptions& o = require(options, "options")->values;
    const std::string text = require(value, "value");
    using core::EngineKind;
    using core::Precision;
    switch (key) {
      case CATDOG_OPTION_ENGINE:
        o.engine.kind = one_of<EngineKind>(
            text, {{"auto", EngineKind::automatic}, {"native", EngineKind::native}, {"torch", EngineKind::torch}},
            "engine");
        break;
      case CATDOG_OPTION_PRECISION:
        o.engine.precision = one_of<Precision>(text,
                                               {{"auto", Precision::automatic},
                                                {"fp32", Precision::fp32},
                                                {"bf16", Precision::bf16},
                                                {"int8", Precision::int8}},
                                               "precision");
        break;
      case CATDOG_OPTION_EXPECTED_SHA256: o.expected.sha256 = core::checked_sha256(text); break;
      case CATDOG_OPTION_TRUSTED_KEY: o.expected.trusted_key = core::checked_trusted_key(text); break;
      case CATDOG_OPTION_SIGNATURE: o.expected.signature = text; break;
      case CATDOG_OPTION_TORCH_PLUGIN: o.engine.torch_plugin = text; break;
      default: unknown(key, "string");
    }
  });
}

catdog_status catdog_options_set_log(catdog_options* options, catdog_log_level level, catdog_log_function function,
                                     void* user_data) {
  return guard([&] {
    core::ClassifierOptions& o = require(options, "options")->values;
    in_range(level, CATDOG_LOG_DEBUG, CATDOG_LOG_ERROR, "level");
    o.log.level = static_cast<core::LogLevel>(level);
    if (function == nullptr) {
      o.log.sink = nullptr;
      return;
    }
    o.log.sink = [function, user_data](core::LogLevel message_level, const std::string& message) {
      try {
        function(user_data, static_cast<catdog_log_level>(message_level), message.c_str());
      } catch (...) {  // A C++ callback may throw although it must not: a lost message is no reason to fail.
      }
    };
  });
}
