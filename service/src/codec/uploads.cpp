// SPDX-License-Identifier: Apache-2.0
// The pictures of POST /predict, in each of the forms that clients send them.
#include <algorithm>

#include "codec/base64.hpp"
#include "codec/json_body.hpp"
#include "codec/multipart.hpp"
#include "codec/text.hpp"
#include "exchange.hpp"

namespace catdog::service {
namespace {

void check_count(std::size_t count, std::size_t max_pictures) {
  if (count <= max_pictures) return;
  throw Problem(413, "too-many-pictures",
                "at most " + std::to_string(max_pictures) + " pictures a request: send the others in another one");
}

Upload decoded(const nlohmann::json& text, const std::string& what) {
  if (!text.is_string()) malformed(what + " must be a base64 string");
  Upload upload;
  upload.owned = decode_base64_picture(text.get_ref<const std::string&>(), what);
  if (upload.owned.empty()) malformed(what + " is empty");
  upload.bytes = upload.owned;
  return upload;
}

std::vector<Upload> from_json(const Request& request, std::size_t max_pictures) {
  const nlohmann::json document = parse_json_object(request.body, "the body");
  const auto image = document.find("image");
  const auto images = document.find("images");
  if ((image == document.end()) == (images == document.end())) {
    malformed("the body must have either 'image' (a base64 string) or 'images' (a list of them)");
  }
  std::vector<Upload> uploads;
  if (image != document.end()) {
    uploads.push_back(decoded(*image, "'image'"));
    return uploads;
  }
  if (!images->is_array() || images->empty()) malformed("'images' must be a list of base64 strings that isn't empty");
  check_count(images->size(), max_pictures);
  for (std::size_t i = 0; i < images->size(); ++i) {
    uploads.push_back(decoded((*images)[i], "'images[" + std::to_string(i) + "]'"));
  }
  return uploads;
}

std::vector<Upload> from_form(const Request& request, std::size_t max_pictures) {
  MultipartLimits limits;
  limits.max_parts = std::max(limits.max_parts, max_pictures + 64);
  std::vector<FormPart> parts =
      parse_multipart(request.body, multipart_boundary(request.header("Content-Type")), limits);
  std::erase_if(parts, [](const FormPart& part) { return part.name != "file"; });
  if (parts.empty()) malformed("the form has no field 'file'");
  // So a browser sends a file field in which nothing was chosen.
  std::erase_if(parts, [](const FormPart& part) { return part.filename.empty() && part.bytes.empty(); });
  if (parts.empty()) malformed("field 'file' is empty: choose a picture");
  check_count(parts.size(), max_pictures);
  std::vector<Upload> uploads;
  for (FormPart& part : parts) {
    if (part.bytes.empty()) malformed("field 'file' number " + std::to_string(uploads.size() + 1) + " is empty");
    uploads.push_back({std::move(part.filename), {}, part.bytes});
  }
  return uploads;
}

}  // namespace

std::vector<Upload> read_uploads(const Request& request, std::size_t max_pictures) {
  refuse_content_encoding(request);
  const std::string type = media_essence(request.header("Content-Type"));
  if (type == "multipart/form-data") return from_form(request, max_pictures);
  if (type == "application/json") return from_json(request, max_pictures);
  // No type at all: RFC 9110 lets the receiver take it for bytes.
  if (type.empty() || type == "application/octet-stream" || type.starts_with("image/")) {
    if (request.body.empty()) malformed("the body is empty: send a picture");
    std::vector<Upload> uploads;
    uploads.push_back({{}, {}, request.body});
    return uploads;
  }
  const std::string accepted = "multipart/form-data, application/json, image/*, application/octet-stream";
  throw Problem(415, "unsupported-media-type", "the Content-Type must be one of: " + accepted,
                {{"Accept-Post", accepted}});
}

}  // namespace catdog::service
