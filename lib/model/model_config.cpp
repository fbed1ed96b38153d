// SPDX-License-Identifier: Apache-2.0
// catdog.json → ModelConfig.
#include "model/model_config.hpp"

#include <cctype>
#include <cfloat>
#include <set>

#include "model/json_reader.hpp"
#include "model/network_shapes.hpp"
#include "status.hpp"

namespace catdog::core {
namespace {

using json_reader::Json;

constexpr const char* file_name = "catdog.json";
constexpr std::size_t max_labels = 1000;
constexpr std::size_t max_golden = 64;
constexpr std::size_t max_curve = 1000;
constexpr std::size_t max_tensors = 100'000;

std::string in_file(const char* field) { return std::string(file_name) + ": " + field; }

int read_version(const Json& root) {
  if (json_reader::text(root, "format", 1, 64, file_name) != "catdog-model") {
    json_reader::fail(in_file("format"), "must be \"catdog-model\"");
  }
  const std::int64_t version = json_reader::integer(root, "format_version", 1, INT32_MAX, file_name);
  if (version > model_format_version) {
    throw Failure(Status::model_version, "the model file has format version " + std::to_string(version) +
                                             ", but this library reads up to version " +
                                             std::to_string(model_format_version) + ": update the library");
  }
  return static_cast<int>(version);
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

std::vector<OperatingPoint> read_curve(const Json& calibration, const std::string& where) {
  std::vector<OperatingPoint> curve;
  const Json* points = json_reader::find(calibration, "curve");
  if (points == nullptr) return curve;
  json_reader::as_array(*points, 0, max_curve, where);
  for (const Json& item : *points) {
    const std::string field = where + "[" + std::to_string(curve.size()) + "]";
    json_reader::as_object(item, field);
    curve.push_back({json_reader::number(item, "abstain_below", 0.0, 1.0, field),
                     json_reader::number(item, "precision", 0.0, 1.0, field),
                     json_reader::number(item, "coverage", 0.0, 1.0, field)});
    if (curve.size() > 1 && curve.back().abstain_below <= curve[curve.size() - 2].abstain_below) {
      json_reader::fail(field + ".abstain_below", "must be above that of the point before");
    }
  }
  return curve;
}

std::optional<double> read_neither(const Json& calibration, const std::vector<std::string>& labels,
                                   const std::string& where) {
  const Json* neither = json_reader::find(calibration, "neither");
  if (neither == nullptr) return std::nullopt;
  json_reader::as_object(*neither, where);
  const auto count = static_cast<std::int64_t>(labels.size());
  if (json_reader::integer(*neither, "output", 0, INT32_MAX, where) != count) {
    json_reader::fail(where + ".output", "must be the output behind those of the labels, " + std::to_string(count));
  }
  for (const std::string& label : labels) {
    if (label == "neither" || label == "uncertain") {
      json_reader::fail(in_file("labels"), "\"" + label + "\" can't be a label where there is a score for neither");
    }
  }
  return json_reader::number(*neither, "above", 0.0, 1.0, where, 0.5);
}

// Statistics of the training images. Kept in the JSON only, for those who watch for drift.
void check_reference(const Json& calibration, const std::string& where) {
  const Json* reference = json_reader::find(calibration, "reference");
  if (reference == nullptr) return;
  for (const auto& [name, item] : json_reader::as_object(*reference, where).items()) {
    const std::string field = where + "." + name;
    json_reader::as_object(item, field);
    const Json& edges =
        json_reader::as_array(json_reader::require(item, "edges", field), 1, max_curve, field + ".edges");
    const Json& shares = json_reader::as_array(json_reader::require(item, "shares", field), edges.size() + 1,
                                               edges.size() + 1, field + ".shares");
    for (std::size_t i = 0; i < edges.size(); ++i) {
      json_reader::as_number(edges[i], -DBL_MAX, DBL_MAX, field + ".edges");
      if (i > 0 && edges[i] <= edges[i - 1]) json_reader::fail(field + ".edges", "must ascend");
    }
    for (const Json& share : shares) json_reader::as_number(share, 0.0, 1.0, field + ".shares");
  }
}

Calibration read_calibration(const Json& root, int version, const std::vector<std::string>& labels) {
  Calibration calibration;
  const Json* object = json_reader::find(root, "calibration");
  if (object == nullptr) return calibration;
  const std::string where = in_file("calibration");
  json_reader::as_object(*object, where);
  calibration.temperature = json_reader::number(*object, "temperature", 1e-3, 1e3, where, 1.0);
  calibration.abstain_below = json_reader::number(*object, "abstain_below", 0.0, 1.0, where, 0.0);
  if (version < 2) return calibration;
  calibration.neither_above = read_neither(*object, labels, where + ".neither");
  calibration.curve = read_curve(*object, where + ".curve");
  check_reference(*object, where + ".reference");
  return calibration;
}

// One for each layer. Empty without: the network then can't run in int8.
std::vector<float> read_ranges(const Json& root, std::size_t layers) {
  const std::string where = in_file("calibration.quantization");
  const Json* calibration = json_reader::find(root, "calibration");
  const Json* quantization = calibration == nullptr ? nullptr : json_reader::find(*calibration, "quantization");
  if (quantization == nullptr) return {};
  const Json& values = json_reader::require(json_reader::as_object(*quantization, where), "ranges", where);
  std::vector<float> ranges;
  for (const Json& value : json_reader::as_array(values, layers, layers, where + ".ranges")) {
    ranges.push_back(static_cast<float>(json_reader::as_number(value, 1e-6, 1e6, where + ".ranges")));
  }
  return ranges;
}

std::vector<GoldenCase> read_golden(const Json& root, std::size_t outputs) {
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
    if (json_reader::as_array(logits, 0, max_labels + 1, field).size() != outputs) {
      json_reader::fail(field, "must have one value per output (" + std::to_string(outputs) + ")");
    }
    for (const Json& logit : logits) {
      golden.logits.push_back(static_cast<float>(json_reader::as_number(logit, -FLT_MAX, FLT_MAX, field)));
    }
    cases.push_back(std::move(golden));
  }
  return cases;
}

Network read_network(const Json& root, const InputSpec& input, std::size_t outputs) {
  const Json* architecture = json_reader::find(root, "architecture");
  if (architecture == nullptr) return {};
  Network network = parse_network(architecture->dump());
  if (network.layers.empty()) return network;
  const ActivationShape out = infer_shapes(network, input.height, input.width).back();
  if (!out.flat) json_reader::fail(in_file("architecture"), "must end in global_avg_pool or linear");
  if (static_cast<std::size_t>(out.c) != outputs) {
    json_reader::fail(in_file("architecture"), "the last layer has " + std::to_string(out.c) + " outputs instead of " +
                                                   std::to_string(outputs) +
                                                   " (one for each label, and one where calibration.neither is)");
  }
  return network;
}

// A path below the archive's top folder, of plain names.
bool is_entry_path(const std::string& path) {
  std::string part;
  for (const char c : path + "/") {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
    if (c != '/' && !plain) return false;
    if (c != '/') {
      part += c;
    } else if (part.empty() || part == "." || part == "..") {
      return false;
    } else {
      part.clear();
    }
  }
  return true;
}

StoredTensor read_stored(const Json& item, const std::string& where) {
  json_reader::as_object(item, where);
  StoredTensor tensor;
  tensor.entry = json_reader::text(item, "entry", 1, 256, where);
  if (!is_entry_path(tensor.entry)) {
    json_reader::fail(where + ".entry", "must be a path below the archive's top folder, such as \"data/0\"");
  }
  const std::string type = json_reader::text(item, "type", 1, 16, where);
  if (type == "f16") {
    tensor.type = StoredType::f16;
  } else if (type == "bf16") {
    tensor.type = StoredType::bf16;
  } else if (type != "f32") {
    json_reader::fail(where + ".type", "must be \"f32\", \"f16\" or \"bf16\", not \"" + type + "\"");
  }
  for (const Json& side : json_reader::as_array(json_reader::require(item, "shape", where), 0, 8, where + ".shape")) {
    tensor.shape.push_back(json_reader::as_integer(side, 0, INT64_MAX, where + ".shape"));
  }
  tensor.sha256 = json_reader::text(item, "sha256", 64, 64, where);
  if (tensor.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
    json_reader::fail(where + ".sha256", "must be 64 lower-case hexadecimal digits");
  }
  return tensor;
}

std::map<std::string, StoredTensor, std::less<>> read_stored_weights(const Json& root) {
  std::map<std::string, StoredTensor, std::less<>> stored;
  const Json* weights = json_reader::find(root, "weights");
  if (weights == nullptr) return stored;
  const std::string where = in_file("weights");
  if (json_reader::as_object(*weights, where).size() > max_tensors) {
    json_reader::fail(where, "has more than 100,000 tensors");
  }
  for (const auto& [name, item] : weights->items()) stored.emplace(name, read_stored(item, where + "." + name));
  return stored;
}

}  // namespace

ModelConfig parse_model_config(std::string_view json) {
  const Json root = json_reader::parse(json, file_name);
  json_reader::as_object(root, file_name);
  ModelConfig config;
  config.format_version = read_version(root);
  config.name = json_reader::text(root, "name", 0, 256, file_name, "");
  config.version = json_reader::text(root, "version", 0, 256, file_name, "");
  config.labels = read_labels(root);
  config.input = read_input(root);
  config.calibration = read_calibration(root, config.format_version, config.labels);
  config.network = read_network(root, config.input, config.outputs());
  if (config.format_version >= 2) config.calibration.ranges = read_ranges(root, config.network.layers.size());
  config.golden_version = static_cast<int>(json_reader::integer(root, "golden_version", 1, 2, file_name, 1));
  config.golden = read_golden(root, config.outputs());
  if (config.format_version >= 2) config.stored_weights = read_stored_weights(root);
  for (const char* key : {"metrics", "provenance"}) {
    if (const Json* object = json_reader::find(root, key)) json_reader::as_object(*object, in_file(key));
  }
  if (json.find('\0') != std::string_view::npos) json_reader::fail(file_name, "must not contain a NUL character");
  config.json = json;
  return config;
}

}  // namespace catdog::core
