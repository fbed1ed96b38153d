// SPDX-License-Identifier: Apache-2.0
#include "support/model_maker.hpp"

#include <zip.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "model/network.hpp"
#include "model/network_shapes.hpp"
#include "model/safetensors.hpp"
#include "model/sha256.hpp"

namespace catdog::test_support {
namespace {

// Uniform in [-1, 1).
class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  float operator()() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 32U)) / 2147483648.0F;
  }

 private:
  std::uint64_t state_;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("model_maker: ") + what);
}

}  // namespace

std::string small_architecture(int outputs) {
  return R"({"name": "small", "layers": [
    {"op": "conv2d", "name": "conv1.0", "out_channels": 8, "kernel": 3, "padding": 1},
    {"op": "batch_norm", "name": "conv1.1"},
    {"op": "relu"},
    {"op": "max_pool", "kernel": 2},
    {"op": "conv2d", "name": "conv2.0", "out_channels": 8, "kernel": 3, "padding": 1, "groups": 8},
    {"op": "global_avg_pool"},
    {"op": "linear", "name": "fc.1", "out_features": )" +
         std::to_string(outputs) + "}]}";
}

namespace {

Weights edited_weights(const ModelRecipe& recipe) {
  Weights weights = make_weights(recipe);
  if (recipe.edit_weights) recipe.edit_weights(weights);
  return weights;
}

Bytes stored_bytes(const std::vector<float>& values, core::StoredType type) {
  if (type == core::StoredType::f32) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(values.data());
    return {begin, begin + values.size() * sizeof(float)};
  }
  Bytes bytes;
  for (const float value : values) {
    // Values without a rest: what is cut off is zero.
    const auto bits = std::bit_cast<std::uint32_t>(value);
    std::uint32_t half = bits >> 16U;
    if (type == core::StoredType::f16) {
      const std::uint32_t exponent = (bits >> 23U) & 255U;
      half = ((bits >> 16U) & 0x8000U) | (exponent == 0 ? 0 : ((exponent - 112U) << 10U) | ((bits >> 13U) & 1023U));
    }
    bytes.push_back(static_cast<std::uint8_t>(half));
    bytes.push_back(static_cast<std::uint8_t>(half >> 8U));
  }
  return bytes;
}

nlohmann::ordered_json list_weights(const ModelRecipe& recipe) {
  static const char* const names[] = {"f32", "f16", "bf16"};
  nlohmann::ordered_json list = nlohmann::ordered_json::object();
  for (const auto& [name, tensor] : edited_weights(recipe)) {
    list[name] = {{"entry", "data/" + std::to_string(list.size())},
                  {"type", names[static_cast<std::size_t>(recipe.stored)]},
                  {"shape", tensor.first},
                  {"sha256", core::sha256_hex(stored_bytes(tensor.second, recipe.stored))}};
  }
  return list;
}

}  // namespace

std::string make_catdog_json(const ModelRecipe& recipe) {
  if (recipe.catdog_json) return *recipe.catdog_json;
  nlohmann::ordered_json json{
      {"format", "catdog-model"},
      {"format_version", recipe.format_version},
      {"name", recipe.name},
      {"version", recipe.version},
      {"labels", recipe.labels},
      {"input",
       {{"width", recipe.width},
        {"height", recipe.height},
        {"colour", "rgb"},
        {"resize", "squash-area"},
        {"mean", {0.485, 0.456, 0.406}},
        {"std", {0.229, 0.224, 0.225}}}},
      {"calibration", {{"temperature", recipe.temperature}, {"abstain_below", recipe.abstain_below}}},
      {"golden_version", recipe.golden_version},
      {"golden", nlohmann::ordered_json::array()},
      {"metrics", nlohmann::ordered_json::object()},
      {"provenance", {{"made_by", "model_maker"}}}};
  if (!recipe.architecture.empty()) json["architecture"] = nlohmann::ordered_json::parse(recipe.architecture);
  const bool lists_weights = recipe.format_version == 2 && recipe.with_weights && !recipe.architecture.empty();
  if (lists_weights) json["weights"] = list_weights(recipe);
  for (const core::GoldenCase& golden : recipe.golden) {
    json["golden"].push_back({{"seed", golden.seed}, {"logits", golden.logits}});
  }
  if (!recipe.json_patch.empty()) json.merge_patch(nlohmann::ordered_json::parse(recipe.json_patch));
  return json.dump(1);
}

Weights make_weights(const ModelRecipe& recipe) {
  Weights weights;
  if (recipe.architecture.empty()) return weights;
  Random random(recipe.seed);
  const core::Network network = core::parse_network(recipe.architecture);
  for (const core::TensorSpec& spec : core::state_dict_specs(network, recipe.height, recipe.width)) {
    std::int64_t count = 1;
    for (const std::int64_t side : spec.shape) count *= side;
    float scale = 0.1F;  // Biases and running means.
    float centre = 0.0F;
    if (spec.shape.size() > 1) {
      const std::int64_t fan_in = count / spec.shape[0];
      scale = std::sqrt(6.0F / static_cast<float>(fan_in));
    } else if (ends_with(spec.name, ".running_var") || ends_with(spec.name, ".weight")) {
      scale = 0.5F;
      centre = 1.0F;
    }
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = centre + scale * random();
    weights[spec.name] = {spec.shape, std::move(values)};
  }
  return weights;
}

Bytes make_safetensors(const Weights& weights) {
  std::vector<core::NamedTensor> tensors;
  tensors.reserve(weights.size());
  for (const auto& [name, tensor] : weights) tensors.push_back({name, tensor.first, tensor.second});
  return core::write_safetensors(tensors);
}

Bytes make_zip(const std::vector<std::pair<std::string, Bytes>>& entries, bool deflate) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
  require(source != nullptr, "no zip buffer");
  zip_source_keep(source);
  zip_t* archive = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  require(archive != nullptr, "no zip archive");
  for (const auto& [name, bytes] : entries) {
    zip_source_t* data = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), data, ZIP_FL_ENC_UTF_8);
    require(index >= 0, "entry not added");
    const auto entry = static_cast<zip_uint64_t>(index);
    zip_set_file_compression(archive, entry, deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    zip_file_set_mtime(archive, entry, 315'532'800, 0);  // 1980: the same bytes at any time.
  }
  require(zip_close(archive) == 0, "zip not written");
  zip_stat_t stat;
  zip_stat_init(&stat);
  require(zip_source_stat(source, &stat) == 0, "zip has no size");
  Bytes bytes(stat.size);
  require(zip_source_open(source) == 0, "zip can't be read back");
  const zip_int64_t got = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  zip_source_free(source);
  require(got == static_cast<zip_int64_t>(bytes.size()), "zip read back short");
  return bytes;
}

Bytes make_model_archive(const ModelRecipe& recipe) {
  std::vector<std::pair<std::string, Bytes>> entries;
  if (recipe.with_json) {
    const std::string json = make_catdog_json(recipe);
    entries.emplace_back(recipe.top + "/extra/catdog.json", Bytes(json.begin(), json.end()));
  }
  if (recipe.with_weights && recipe.format_version == 1) {
    entries.emplace_back(recipe.top + "/extra/weights.safetensors",
                         recipe.weights ? *recipe.weights : make_safetensors(edited_weights(recipe)));
  } else if (recipe.with_weights) {
    int number = 0;
    for (const auto& [name, tensor] : edited_weights(recipe)) {
      entries.emplace_back(recipe.top + "/data/" + std::to_string(number++),
                           stored_bytes(tensor.second, recipe.stored));
    }
  }
  entries.insert(entries.end(), recipe.more_entries.begin(), recipe.more_entries.end());
  return make_zip(entries, recipe.deflate);
}

}  // namespace catdog::test_support
