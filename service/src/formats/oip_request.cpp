// SPDX-License-Identifier: Apache-2.0
#include "formats/oip_request.hpp"

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "formats/base64.hpp"
#include "formats/json_body.hpp"
#include "formats/oip_response.hpp"
#include "formats/text.hpp"

namespace catdog::service {
namespace {

using nlohmann::json;

constexpr std::string_view length_header = "Inference-Header-Content-Length";

std::string image(std::size_t index) { return "image " + std::to_string(index) + " of input 'image'"; }

// The `parameters` of a request, an input or an output; an empty object when there are none.
json parameters_of(const json& object, const std::string& what) {
  const auto found = object.find("parameters");
  if (found == object.end()) return json::object();
  if (!found->is_object()) malformed("'parameters' of " + what + " must be an object");
  return *found;
}

bool flag(const json& parameters, const char* name, bool otherwise, const std::string& what) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return otherwise;
  if (!found->is_boolean()) malformed("'" + std::string(name) + "' of " + what + " must be true or false");
  return found->get<bool>();
}

const json& only_input(const json& document) {
  const auto inputs = document.find("inputs");
  if (inputs == document.end() || !inputs->is_array()) malformed("the request must have 'inputs', a list");
  if (inputs->size() != 1) malformed("the model has one input, 'image': 'inputs' must be a list of one");
  const json& input = inputs->front();
  if (!input.is_object()) malformed("'inputs[0]' must be an object");
  if (input.value("name", json()) != "image") malformed("the model's only input is named 'image'");
  if (input.value("datatype", json()) != "BYTES") malformed("input 'image' has the datatype BYTES: encoded images");
  return input;
}

// Images that the shape announces: [n] or [n, 1].
std::size_t count_of(const json& input, std::size_t max_images) {
  const json shape = input.value("shape", json());
  const bool fits = shape.is_array() && (shape.size() == 1 || (shape.size() == 2 && shape[1] == 1));
  const std::uint64_t count = fits ? whole_number(shape[0]).value_or(0) : 0;
  if (count == 0) malformed("input 'image' has the shape [n] or [n, 1], n at least 1");
  if (count > max_images) {
    throw Problem(413, "too-many-pictures", "at most " + std::to_string(max_images) + " images a request");
  }
  return static_cast<std::size_t>(count);
}

// The protocol lets data be flat or nested as the shape is.
void collect(const json& data, std::size_t count, std::vector<Upload>& images) {
  for (const json& element : data) {
    if (element.is_array()) {
      collect(element, count, images);
      continue;
    }
    if (!element.is_string()) malformed("'data' of input 'image' must be a list of base64 strings");
    if (images.size() == count) malformed("'data' of input 'image' has more elements than its shape says");
    Upload upload;
    upload.owned = decode_base64_image(element.get_ref<const std::string&>(), image(images.size()));
    upload.bytes = upload.owned;
    images.push_back(std::move(upload));
  }
}

std::vector<Upload> split_binary(std::string_view bytes, std::size_t count) {
  std::vector<Upload> images;
  while (!bytes.empty()) {
    const std::string which = image(images.size());
    if (images.size() == count) malformed("the binary data of input 'image' has more elements than its shape says");
    if (bytes.size() < 4) malformed("the binary data ends within the length of " + which);
    std::uint32_t length = 0;
    for (unsigned i = 0; i < 4; ++i) length |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << 8U * i;
    bytes.remove_prefix(4);
    if (length > bytes.size()) {
      malformed(which + " claims " + std::to_string(length) + " bytes, but only " + std::to_string(bytes.size()) +
                " are left");
    }
    images.push_back({{}, {}, bytes.substr(0, length)});
    bytes.remove_prefix(length);
  }
  return images;
}

std::vector<Upload> read_images(const json& document, std::optional<std::string_view> binary, std::size_t max_images) {
  const json& input = only_input(document);
  const std::size_t count = count_of(input, max_images);
  const json parameters = parameters_of(input, "input 'image'");
  const auto data = input.find("data");
  const auto size = parameters.find("binary_data_size");
  if ((data == input.end()) == (size == parameters.end())) {
    malformed("input 'image' needs either 'data' or the parameter 'binary_data_size'");
  }
  std::vector<Upload> images;
  if (size != parameters.end()) {
    if (!binary) malformed("'binary_data_size' needs the header " + std::string(length_header));
    if (whole_number(*size) != binary->size()) {
      malformed("'binary_data_size' must be the number of bytes after the JSON, " + std::to_string(binary->size()));
    }
    images = split_binary(*binary, count);
  } else {
    if (binary && !binary->empty()) malformed("bytes follow the JSON, but no input has 'binary_data_size'");
    if (!data->is_array()) malformed("'data' of input 'image' must be a list");
    collect(*data, count, images);
  }
  if (images.size() != count) {
    malformed("input 'image' has " + std::to_string(images.size()) + " elements, its shape says " +
              std::to_string(count));
  }
  if (count == 1 && images.front().bytes.empty()) malformed(image(0) + " is empty");  // Among several: its status.
  return images;
}

std::string output_named(const json& name) {
  std::string known;
  for (const std::string& output : infer_outputs()) {
    if (name == output) return output;
    known += (known.empty() ? "'" : ", '") + output + "'";
  }
  malformed("the model's outputs are " + known);
}

std::vector<WantedOutput> read_outputs(const json& document) {
  const bool binary = flag(parameters_of(document, "the request"), "binary_data_output", false, "the request");
  const auto outputs = document.find("outputs");
  std::vector<WantedOutput> wanted;
  if (outputs == document.end() || (outputs->is_array() && outputs->empty())) {
    for (const std::string& name : infer_outputs()) wanted.push_back({name, binary});
    return wanted;
  }
  if (!outputs->is_array()) malformed("'outputs' must be a list");
  for (const json& output : *outputs) {
    if (!output.is_object()) malformed("each of 'outputs' must be an object");
    const std::string which = output_named(output.value("name", json()));
    const json parameters = parameters_of(output, "an output");
    if (parameters.contains("classification"))
      malformed("the parameter 'classification' isn't supported: ask for 'label'");
    for (const WantedOutput& earlier : wanted) {
      if (earlier.name == which) malformed("an output is asked for twice");
    }
    wanted.push_back({which, flag(parameters, "binary_data", binary, "an output")});
  }
  return wanted;
}

// Bytes of JSON before the binary data.
std::size_t json_size(std::string_view header, std::size_t body) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), size);
  if (error != std::errc() || end != header.data() + header.size() || size > body) {
    malformed(std::string(length_header) + " must be a number of bytes, at most the body's " + std::to_string(body));
  }
  return size;
}

}  // namespace

InferRequest parse_infer(const Request& request, std::size_t max_images) {
  const std::string type = media_essence(request.header("Content-Type"));
  const bool framed = request.has_header(length_header);
  const std::string_view header = trim(request.header(length_header));
  if (!type.empty() && type != "application/json" && (type != "application/octet-stream" || !framed)) {
    throw Problem(415, "unsupported-media-type",
                  "the Content-Type must be application/json, or application/octet-stream with the header " +
                      std::string(length_header));
  }
  const std::string_view body = request.body;
  const std::size_t size = framed ? json_size(header, body.size()) : body.size();
  InferRequest result;
  if (framed && size == 0) {
    if (body.empty()) malformed(image(0) + " is empty");
    result.images.push_back({{}, {}, body});
    result.outputs = read_outputs(json::object());
    return result;
  }
  const json document = parse_json_object(body.substr(0, size), "the request");
  if (const auto id = document.find("id"); id != document.end()) {
    if (!id->is_string()) malformed("'id' must be a string");
    result.id = id->get<std::string>();
  }
  const std::optional<std::string_view> binary = framed ? std::optional(body.substr(size)) : std::nullopt;
  result.outputs = read_outputs(document);
  result.images = read_images(document, binary, max_images);
  return result;
}

}  // namespace catdog::service
