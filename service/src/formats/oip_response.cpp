// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstdint>

#include "formats/json_body.hpp"
#include "formats/oip.hpp"

namespace catdog::service {
namespace {

using nlohmann::ordered_json;

void append_little_endian(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xffU);
}

// One output tensor: either texts or floats.
struct Tensor {
  std::string name;
  std::string datatype;
  std::vector<std::size_t> shape;
  std::vector<std::string> texts;
  std::vector<float> floats;
};

Tensor make_tensor(InferOutput output, const std::vector<Prediction>& items, std::size_t classes) {
  Tensor tensor{"", "FP32", {items.size()}, {}, {}};
  switch (output) {
    case InferOutput::label:
      tensor.name = "label";
      tensor.datatype = "BYTES";
      for (const Prediction& item : items)
        tensor.texts.push_back(item.result() != nullptr ? item.result()->label() : "");
      break;
    case InferOutput::status:
      tensor.name = "status";
      tensor.datatype = "BYTES";
      for (const Prediction& item : items) {
        tensor.texts.push_back(item.result() != nullptr ? "ok" : item.problem()->type());
      }
      break;
    case InferOutput::confidence:
      tensor.name = "confidence";
      for (const Prediction& item : items) {
        tensor.floats.push_back(item.result() != nullptr ? static_cast<float>(item.result()->confidence()) : 0);
      }
      break;
    case InferOutput::probabilities:
      tensor.name = "probabilities";
      tensor.shape.push_back(classes);
      for (const Prediction& item : items) {
        for (std::size_t i = 0; i < classes; ++i) {
          const Result* result = item.result();
          tensor.floats.push_back(result != nullptr ? static_cast<float>(result->probabilities()[i]) : 0);
        }
      }
      break;
  }
  return tensor;
}

// Its bytes in the binary-data extension.
std::string to_binary(const Tensor& tensor) {
  std::string out;
  for (const std::string& text : tensor.texts) {
    append_little_endian(out, static_cast<std::uint32_t>(text.size()));
    out += text;
  }
  for (const float value : tensor.floats) append_little_endian(out, std::bit_cast<std::uint32_t>(value));
  return out;
}

ordered_json tensor_metadata(const char* name, const char* datatype, std::vector<std::int64_t> shape) {
  return {{"name", name}, {"datatype", datatype}, {"shape", std::move(shape)}};
}

}  // namespace

Response render_infer(const InferRequest& request, const Predictions& predictions, const Classifier& classifier) {
  const std::vector<Prediction>& items = predictions.items;
  if (std::none_of(items.begin(), items.end(), [](const Prediction& item) { return item.result() != nullptr; })) {
    throw Problem(*items.at(0).problem());
  }
  ordered_json document = {{"model_name", classifier.info(CATDOG_INFO_MODEL_NAME)},
                           {"model_version", classifier.info(CATDOG_INFO_MODEL_VERSION)}};
  if (!request.id.empty()) document["id"] = request.id;
  ordered_json& outputs = document["outputs"] = ordered_json::array();
  std::string binary;
  bool any_binary = false;
  for (const WantedOutput& wanted : request.outputs) {
    const Tensor tensor = make_tensor(wanted.output, items, classifier.labels().size());
    ordered_json output = {{"name", tensor.name}, {"datatype", tensor.datatype}, {"shape", tensor.shape}};
    if (wanted.binary) {
      const std::string bytes = to_binary(tensor);
      output["parameters"] = {{"binary_data_size", bytes.size()}};
      binary += bytes;
      any_binary = true;
    } else if (tensor.datatype == "BYTES") {
      output["data"] = tensor.texts;
    } else {
      output["data"] = tensor.floats;
    }
    outputs.push_back(std::move(output));
  }
  Response response;
  response.body = dump_json(document);
  if (any_binary) {
    response.content_type = "application/octet-stream";
    response.headers.push_back({"Inference-Header-Content-Length", std::to_string(response.body.size())});
    response.body += binary;
  }
  return response;
}

std::string oip_server_metadata(std::string_view server_version) {
  return dump_json({{"name", "catdog-server"},
                    {"version", server_version},
                    {"extensions", ordered_json::array({"binary_tensor_data"})}});
}

std::string oip_model_metadata(const Classifier& classifier) {
  const auto classes = static_cast<std::int64_t>(classifier.labels().size());
  const ordered_json inputs = ordered_json::array({tensor_metadata("image", "BYTES", {-1})});
  const ordered_json outputs = ordered_json::array(
      {tensor_metadata("label", "BYTES", {-1}), tensor_metadata("probabilities", "FP32", {-1, classes}),
       tensor_metadata("confidence", "FP32", {-1}), tensor_metadata("status", "BYTES", {-1})});
  return dump_json({{"name", classifier.info(CATDOG_INFO_MODEL_NAME)},
                    {"versions", ordered_json::array({classifier.info(CATDOG_INFO_MODEL_VERSION)})},
                    {"platform", "catdog_" + classifier.info(CATDOG_INFO_ENGINE)},
                    {"inputs", inputs},
                    {"outputs", outputs}});
}

}  // namespace catdog::service
