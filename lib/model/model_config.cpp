// SPDX-License-Identifier: Apache-2.0
// catdog.json → ModelConfig.
#include <cfloat>
#include <set>

#include "model/json_reader.hpp"
#include "model/model_file.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

using json_reader::Json;

constexpr const char* file_name = "catdog.json";
constexpr std::size_t max_labels = 1000;
constexpr std::size_t max_golden = 64;

std::string in_file(const char* field) { return std::string(file_name) + ": " + field; }

void check_version(const Json& root) {
  if (json_reader::text(root, "format", 1, 64, file_name) != "catdog-model") {
    json_reader::fail(in_file("format"), "must be \"catdog-model\"");
  }
  const std::int64_t version = json_reader::integer(root, "format_version", 1, INT32_MAX, file_name);
  if (version > model_format_version) {
    throw Failure(Status::model_version, "the model file has format version " + std::to_string(version) +
                                             ", but this library reads up to version " +
                                             std::to_string(model_format_version) + ": update the library");
  }
}

std::vector<std::string> read_labels(const Json& root) {
  const std::string where = in_file("labels");
  const Json& items = json_reader::as_array(json_reader::require(root, "labels", file_name), 2, max_labels, where);
  std::vector<std::string> labels;
  std::set<std::string> seen;
  for (const Json& item : items) {
    labels.push_back(json_reader::as_text(item, 1, 64, where));
    if (!seen.insert(labels.back()).second) json_reader::fail(where, "\"" + labels.back() + "\" occurs twice");
  }
  return labels;
}

std::array<float, 3> read_three(const Json& input, const char* key, double low, double high) {
  const std::string where = in_file("input");
  const std::string field = where + "." + key;
  const Json& items = json_reader::as_array(json_reader::require(input, key, where), 3, 3, field);
  std::array<float, 3> values{};
  for (std::size_t i = 0; i < 3; ++i) {
    values[i] = static_cast<float>(json_reader::as_number(items[i], low, high, field));
  }
  return values;
}

InputSpec read_input(const Json& root) {
  const std::string where = in_file("input");
  const Json& input = json_reader::as_object(json_reader::require(root, "input", file_name), where);
  InputSpec spec;
  spec.width = static_cast<int>(json_reader::integer(input, "width", 8, 1024, where));
  spec.height = static_cast<int>(json_reader::integer(input, "height", 8, 1024, where));
  const std::string colour = json_reader::text(input, "colour", 1, 16, where);
  if (colour != "rgb" && colour != "bgr") json_reader::fail(where + ".colour", "must be \"rgb\" or \"bgr\"");
  spec.rgb = colour == "rgb";
  const std::string resize = json_reader::text(input, "resize", 1, 64, where);
  if (resize != "squash-area") json_reader::fail(where + ".resize", "must be \"squash-area\", not \"" + resize + "\"");
  spec.mean = read_three(input, "mean", -1000.0, 1000.0);
  spec.std_dev = read_three(input, "std", 1e-6, 1000.0);
  return spec;
}

Calibration read_calibration(const Json& root) {
  Calibration calibration;
  const Json* object = json_reader::find(root, "calibration");
  if (object == nullptr) return calibration;
  const std::string where = in_file("calibration");
  json_reader::as_object(*object, where);
  calibration.temperature = json_reader::number(*object, "temperature", 1e-3, 1e3, where, 1.0);
  calibration.abstain_below = json_reader::number(*object, "abstain_below", 0.0, 1.0, where, 0.0);
  return calibration;
}

std::vector<GoldenCase> read_golden(const Json& root, std::size_t labels) {
  std::vector<GoldenCase> cases;
  const Json* items = json_reader::find(root, "golden");
  if (items == nullptr) return cases;
  json_reader::as_array(*items, 0, max_golden, in_file("golden"));
  for (const Json& item : *items) {
    const std::string where = in_file("golden") + "[" + std::to_string(cases.size()) + "]";
    json_reader::as_object(item, where);
    GoldenCase golden;
    golden.seed = static_cast<std::uint32_t>(json_reader::integer(item, "seed", 0, UINT32_MAX, where));
    const std::string field = where + ".logits";
    const Json& logits = json_reader::require(item, "logits", where);
    if (json_reader::as_array(logits, 0, max_labels, field).size() != labels) {
      json_reader::fail(field, "must have one value per label (" + std::to_string(labels) + ")");
    }
    for (const Json& logit : logits) {
      golden.logits.push_back(static_cast<float>(json_reader::as_number(logit, -FLT_MAX, FLT_MAX, field)));
    }
    cases.push_back(std::move(golden));
  }
  return cases;
}

Network read_network(const Json& root, const InputSpec& input, std::size_t labels) {
  const Json* architecture = json_reader::find(root, "architecture");
  if (architecture == nullptr) return {};
  Network network = parse_network(architecture->dump());
  if (network.layers.empty()) return network;
  const ActivationShape out = infer_shapes(network, input.height, input.width).back();
  if (!out.flat) json_reader::fail(in_file("architecture"), "must end in global_avg_pool or linear");
  if (static_cast<std::size_t>(out.c) != labels) {
    json_reader::fail(in_file("architecture"), "the last layer has " + std::to_string(out.c) + " outputs for " +
                                                   std::to_string(labels) + " labels");
  }
  return network;
}

}  // namespace

ModelConfig parse_model_config(std::string_view json) {
  const Json root = json_reader::parse(json, file_name);
  json_reader::as_object(root, file_name);
  check_version(root);
  ModelConfig config;
  config.name = json_reader::text(root, "name", 0, 256, file_name, "");
  config.version = json_reader::text(root, "version", 0, 256, file_name, "");
  config.labels = read_labels(root);
  config.input = read_input(root);
  config.network = read_network(root, config.input, config.labels.size());
  config.calibration = read_calibration(root);
  config.golden = read_golden(root, config.labels.size());
  for (const char* key : {"metrics", "provenance"}) {
    if (const Json* object = json_reader::find(root, key)) json_reader::as_object(*object, in_file(key));
  }
  if (json.find('\0') != std::string_view::npos) json_reader::fail(file_name, "must not contain a NUL character");
  config.json = json;
  return config;
}

}  // namespace catdog::core
