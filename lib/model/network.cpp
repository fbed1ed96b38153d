// SPDX-License-Identifier: Apache-2.0
// Parses and checks the layer list. What a list means for shapes is in network_shapes.cpp.
#include "model/network.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "model/json_reader.hpp"

namespace catdog::core {
namespace {

using json_reader::Json;

constexpr std::size_t max_layers = 1000;
constexpr std::int64_t max_extent = 65'536;
constexpr std::size_t max_name_bytes = 200;

// `kernel` and `stride`: a number or [height, width].
Pair read_pair(const Json& layer, const char* key, std::int64_t low, std::optional<Pair> fallback,
               const std::string& where) {
  if (fallback && json_reader::find(layer, key) == nullptr) return *fallback;
  const Json& value = json_reader::require(layer, key, where);
  const std::string field = where + "." + key;
  if (!value.is_array()) {
    const int side = static_cast<int>(json_reader::as_integer(value, low, max_extent, field));
    return {side, side};
  }
  json_reader::as_array(value, 2, 2, field);
  return {static_cast<int>(json_reader::as_integer(value[0], low, max_extent, field + "[0]")),
          static_cast<int>(json_reader::as_integer(value[1], low, max_extent, field + "[1]"))};
}

// `padding`: a number, [height, width] or [top, left, bottom, right].
Padding read_padding(const Json& layer, const std::string& where) {
  const Json* value = json_reader::find(layer, "padding");
  if (value == nullptr) return {};
  if (!value->is_array() || value->size() != 4) {
    const Pair both = read_pair(layer, "padding", 0, std::nullopt, where);
    return {both.h, both.w, both.h, both.w};
  }
  const auto side = [&](std::size_t i) {
    const std::string field = where + ".padding[" + std::to_string(i) + "]";
    return static_cast<int>(json_reader::as_integer((*value)[i], 0, max_extent, field));
  };
  return {side(0), side(1), side(2), side(3)};
}

// State-dict prefixes are dotted identifiers: they become attribute paths of the TorchScript module.
std::string read_name(const Json& layer, const std::string& where) {
  std::string name = json_reader::text(layer, "name", 1, max_name_bytes, where);
  char before = '.';
  for (const char c : name) {
    const bool is_dot = c == '.';
    const bool fits = is_dot || c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (!fits || (is_dot && before == '.')) json_reader::fail(where + ".name", "must be a dotted identifier");
    before = c;
  }
  if (before == '.') json_reader::fail(where + ".name", "must be a dotted identifier");
  return name;
}

ConvLayer read_conv(const Json& layer, const std::string& where) {
  ConvLayer conv;
  conv.name = read_name(layer, where);
  conv.out_channels = static_cast<int>(json_reader::integer(layer, "out_channels", 1, max_extent, where));
  conv.kernel = read_pair(layer, "kernel", 1, std::nullopt, where);
  conv.stride = read_pair(layer, "stride", 1, Pair{1, 1}, where);
  conv.padding = read_padding(layer, where);
  conv.groups = static_cast<int>(json_reader::integer(layer, "groups", 1, max_extent, where, 1));
  conv.bias = json_reader::boolean(layer, "bias", where, true);
  if (conv.out_channels % conv.groups != 0) json_reader::fail(where + ".groups", "must divide out_channels");
  return conv;
}

PoolLayer read_pool(const Json& layer, bool max, const std::string& where) {
  PoolLayer pool;
  pool.max = max;
  pool.kernel = read_pair(layer, "kernel", 1, std::nullopt, where);
  pool.stride = read_pair(layer, "stride", 1, pool.kernel, where);
  pool.padding = read_padding(layer, where);
  // More would make windows that hold padding only.
  if (std::max(pool.padding.top, pool.padding.bottom) > pool.kernel.h / 2 ||
      std::max(pool.padding.left, pool.padding.right) > pool.kernel.w / 2) {
    json_reader::fail(where + ".padding", "must be at most half of the kernel");
  }
  return pool;
}

LogSumExpLayer read_log_sum_exp(const Json& layer, const std::string& where) {
  const std::string field = where + ".groups";
  LogSumExpLayer result;
  for (const Json& size : json_reader::as_array(json_reader::require(layer, "groups", where), 1, max_extent, field)) {
    result.groups.push_back(static_cast<int>(json_reader::as_integer(size, 1, max_extent, field)));
  }
  result.sharpness = json_reader::number(layer, "sharpness", 0.01, 100.0, where, 1.0);
  return result;
}

ConcatLayer read_concat(const Json& layer, const std::string& where) {
  ConcatLayer concat;
  const std::string field = where + ".from";
  for (const Json& id : json_reader::as_array(json_reader::require(layer, "from", where), 1, max_layers, field)) {
    concat.from.push_back(json_reader::as_text(id, 1, max_name_bytes, field));
  }
  return concat;
}

LayerOp read_op(const Json& layer, const std::string& op, const std::string& where) {
  if (op == "conv2d") return read_conv(layer, where);
  if (op == "batch_norm") {
    return BatchNormLayer{read_name(layer, where), json_reader::number(layer, "eps", 1e-12, 1.0, where, 1e-5)};
  }
  if (op == "relu" || op == "relu6") return ReluLayer{op == "relu6"};
  if (op == "add") return AddLayer{json_reader::text(layer, "from", 1, max_name_bytes, where)};
  if (op == "max_pool" || op == "avg_pool") return read_pool(layer, op == "max_pool", where);
  if (op == "global_avg_pool") return GlobalAvgPoolLayer{};
  if (op == "linear") {
    return LinearLayer{read_name(layer, where),
                       static_cast<int>(json_reader::integer(layer, "out_features", 1, max_extent, where)),
                       json_reader::boolean(layer, "bias", where, true)};
  }
  if (op == "concat") return read_concat(layer, where);
  if (op == "log_sum_exp") return read_log_sum_exp(layer, where);
  if (op == "dropout") return DropoutLayer{json_reader::number(layer, "p", 0.0, 1.0, where, 0.5)};
  json_reader::fail(where + ".op", "unknown layer \"" + op + "\"");
}

const std::string* weight_prefix(const LayerOp& op) {
  if (const auto* conv = std::get_if<ConvLayer>(&op)) return &conv->name;
  if (const auto* norm = std::get_if<BatchNormLayer>(&op)) return &norm->name;
  if (const auto* linear = std::get_if<LinearLayer>(&op)) return &linear->name;
  return nullptr;
}

}  // namespace

std::vector<std::string> ids_read_by(const Layer& layer) {
  std::vector<std::string> ids;
  if (!layer.input.empty()) ids.push_back(layer.input);
  if (const auto* add = std::get_if<AddLayer>(&layer.op)) ids.push_back(add->from);
  if (const auto* concat = std::get_if<ConcatLayer>(&layer.op)) {
    ids.insert(ids.end(), concat->from.begin(), concat->from.end());
  }
  return ids;
}

Network parse_network(std::string_view json) {
  const std::string top = "architecture";
  const Json object = json_reader::parse(json, top);
  json_reader::as_object(object, top);
  Network network;
  if (object.empty()) return network;
  network.name = json_reader::text(object, "name", 0, max_name_bytes, top, "");
  const Json& layers =
      json_reader::as_array(json_reader::require(object, "layers", top), 0, max_layers, top + ".layers");
  std::set<std::string, std::less<>> ids;
  std::set<std::string, std::less<>> prefixes;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::string where = top + ".layers[" + std::to_string(i) + "]";
    const Json& item = json_reader::as_object(layers[i], where);
    const std::string op = json_reader::text(item, "op", 1, 64, where);
    where += " (" + op + ")";
    Layer layer{read_op(item, op, where), json_reader::text(item, "id", 1, max_name_bytes, where, ""),
                json_reader::text(item, "input", 1, max_name_bytes, where, "")};
    for (const std::string& id : ids_read_by(layer)) {
      if (ids.contains(id)) continue;
      json_reader::fail(where + (id == layer.input ? ".input" : ".from"), "no earlier layer has the id \"" + id + "\"");
    }
    if (!layer.id.empty() && !ids.insert(layer.id).second) {
      json_reader::fail(where + ".id", "\"" + layer.id + "\" is used twice");
    }
    if (const std::string* prefix = weight_prefix(layer.op); prefix != nullptr && !prefixes.insert(*prefix).second) {
      json_reader::fail(where + ".name", "\"" + *prefix + "\" is used twice");
    }
    network.layers.push_back(std::move(layer));
  }
  return network;
}

}  // namespace catdog::core
