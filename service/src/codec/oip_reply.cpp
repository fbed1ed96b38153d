// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstdint>

#include "codec/json_body.hpp"
#include "codec/oip.hpp"

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

Tensor make_tensor(InferOutput output, const std::vector<Verdict>& verdicts, std::size_t classes) {
  Tensor tensor{"", "FP32", {verdicts.size()}, {}, {}};
  switch (output) {
    case InferOutput::label:
      tensor.name = "label";
      tensor.datatype = "BYTES";
      for (const Verdict& verdict : verdicts) tensor.texts.push_back(verdict.status == 200 ? verdict.label : "");
      break;
    case InferOutput::status:
      tensor.name = "status";
      tensor.datatype = "BYTES";
      for (const Verdict& verdict : verdicts)
        tensor.texts.push_back(verdict.status == 200 ? "ok" : verdict.problem_type);
      break;
    case InferOutput::confidence:
      tensor.name = "confidence";
      for (const Verdict& verdict : verdicts) {
        tensor.floats.push_back(verdict.status == 200 ? static_cast<float>(verdict.confidence) : 0);
      }
      break;
    case InferOutput::probabilities:
      tensor.name = "probabilities";
      tensor.shape.push_back(classes);
      for (const Verdict& verdict : verdicts) {
        for (std::size_t i = 0; i < classes; ++i) {
          const bool known = verdict.status == 200 && i < verdict.probabilities.size();
          tensor.floats.push_back(known ? static_cast<float>(verdict.probabilities[i].second) : 0);
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

Response oip_error(const Problem& problem) {
  Response response;
  response.status = problem.status();
  response.headers = problem.headers();
  ordered_json document = ordered_json::object();
  document["error"] = problem.detail();
  response.body = dump_json(document);
  return response;
}

Response render_infer(const InferRequest& request, const std::vector<Verdict>& verdicts, const ModelInfo& model) {
  if (std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) { return verdict.status != 200; })) {
    const Verdict& first = verdicts.at(0);
    return oip_error(Problem(first.status, first.problem_type, first.problem_detail));
  }
  ordered_json document = {{"model_name", model.name}, {"model_version", model.version}};
  if (!request.id.empty()) document["id"] = request.id;
  ordered_json& outputs = document["outputs"] = ordered_json::array();
  std::string binary;
  bool any_binary = false;
  for (const WantedOutput& wanted : request.outputs) {
    const Tensor tensor = make_tensor(wanted.output, verdicts, model.labels.size());
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

std::string oip_model_metadata(const ModelInfo& model) {
  const auto classes = static_cast<std::int64_t>(model.labels.size());
  const ordered_json inputs = ordered_json::array({tensor_metadata("image", "BYTES", {-1})});
  const ordered_json outputs = ordered_json::array(
      {tensor_metadata("label", "BYTES", {-1}), tensor_metadata("probabilities", "FP32", {-1, classes}),
       tensor_metadata("confidence", "FP32", {-1}), tensor_metadata("status", "BYTES", {-1})});
  return dump_json({{"name", model.name},
                    {"versions", ordered_json::array({model.version})},
                    {"platform", "catdog_" + model.engine},
                    {"inputs", inputs},
                    {"outputs", outputs}});
}

}  // namespace catdog::service
