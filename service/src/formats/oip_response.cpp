// SPDX-License-Identifier: Apache-2.0
#include "formats/oip_response.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "formats/json_body.hpp"

namespace catdog::service {
namespace {

using nlohmann::ordered_json;

void append_little_endian(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xffU);
}

// One output: of each image either a text or numbers.
struct Output {
  std::string name;
  std::string (*text)(const Prediction&);
  std::vector<double> (*numbers)(const Result&);
  double otherwise;  // Each number beside a problem.

  const char* datatype() const { return text != nullptr ? "BYTES" : "FP32"; }
};

const std::vector<Output> outputs{
    {"label", [](const Prediction& item) { return item.result() != nullptr ? item.result()->label() : ""; }, {}, 0},
    {"probabilities", {}, [](const Result& result) { return result.probabilities(); }, 0},
    {"confidence", {}, [](const Result& result) { return std::vector{result.confidence()}; }, 0},
    {"status", [](const Prediction& item) { return item.result() != nullptr ? "ok" : item.problem()->type(); }, {}, 0},
    {"answer", [](const Prediction& item) { return item.result() != nullptr ? item.result()->answer() : ""; }, {}, 0},
    {"reason",
     [](const Prediction& item) { return std::string(item.result() != nullptr ? item.result()->reason_name() : ""); },
     {},
     0},
    {"neither", {}, [](const Result& result) { return std::vector{result.neither().value_or(-1)}; }, -1}};

const Output& output_named(const std::string& name) {
  return *std::find_if(outputs.begin(), outputs.end(), [&](const Output& output) { return output.name == name; });
}

// Numbers of one image.
std::size_t width_of(const Output& output, const Classifier& classifier) {
  return output.name == "probabilities" ? classifier.labels().size() : 1;
}

struct Tensor {
  std::vector<std::string> texts;
  std::vector<float> numbers;
};

Tensor make_tensor(const Output& output, const std::vector<Prediction>& items, std::size_t width) {
  Tensor tensor;
  for (const Prediction& item : items) {
    if (output.text != nullptr) {
      tensor.texts.push_back(output.text(item));
    } else if (item.result() == nullptr) {
      tensor.numbers.insert(tensor.numbers.end(), width, static_cast<float>(output.otherwise));
    } else {
      for (const double number : output.numbers(*item.result())) tensor.numbers.push_back(static_cast<float>(number));
    }
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
  for (const float value : tensor.numbers) append_little_endian(out, std::bit_cast<std::uint32_t>(value));
  return out;
}

}  // namespace

const std::vector<std::string>& infer_outputs() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Output& output : outputs) list.push_back(output.name);
    return list;
  }();
  return names;
}

Response render_infer(const InferRequest& request, const Predictions& predictions, const Classifier& classifier) {
  const std::vector<Prediction>& items = predictions.items;
  if (std::none_of(items.begin(), items.end(), [](const Prediction& item) { return item.result() != nullptr; })) {
    throw Problem(*items.at(0).problem());
  }
  ordered_json document = {{"model_name", classifier.info(CATDOG_INFO_MODEL_NAME)},
                           {"model_version", classifier.info(CATDOG_INFO_MODEL_VERSION)}};
  if (!request.id.empty()) document["id"] = request.id;
  ordered_json& members = document["outputs"] = ordered_json::array();
  std::string binary;
  bool any_binary = false;
  for (const WantedOutput& wanted : request.outputs) {
    const Output& output = output_named(wanted.name);
    const std::size_t width = width_of(output, classifier);
    const Tensor tensor = make_tensor(output, items, width);
    ordered_json shape = {items.size()};
    if (output.name == "probabilities") shape.push_back(width);
    ordered_json member = {{"name", output.name}, {"datatype", output.datatype()}, {"shape", std::move(shape)}};
    if (wanted.binary) {
      const std::string bytes = to_binary(tensor);
      member["parameters"] = {{"binary_data_size", bytes.size()}};
      binary += bytes;
      any_binary = true;
    } else if (output.text != nullptr) {
      member["data"] = tensor.texts;
    } else {
      member["data"] = tensor.numbers;
    }
    members.push_back(std::move(member));
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
  const ordered_json inputs =
      ordered_json::array({{{"name", "image"}, {"datatype", "BYTES"}, {"shape", ordered_json::array({-1})}}});
  ordered_json members = ordered_json::array();
  for (const Output& output : outputs) {
    ordered_json shape = ordered_json::array({-1});
    if (output.name == "probabilities") shape.push_back(width_of(output, classifier));
    members.push_back({{"name", output.name}, {"datatype", output.datatype()}, {"shape", std::move(shape)}});
  }
  return dump_json({{"name", classifier.info(CATDOG_INFO_MODEL_NAME)},
                    {"versions", ordered_json::array({classifier.info(CATDOG_INFO_MODEL_VERSION)})},
                    {"platform", "catdog_" + classifier.info(CATDOG_INFO_ENGINE)},
                    {"inputs", inputs},
                    {"outputs", std::move(members)}});
}

}  // namespace catdog::service
