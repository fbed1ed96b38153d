// SPDX-License-Identifier: Apache-2.0
#include "formats/upload.hpp"

#include <algorithm>

#include "formats/base64.hpp"
#include "formats/json_body.hpp"
#include "formats/multipart.hpp"
#include "formats/text.hpp"

namespace catdog::service {
namespace {

void check_count(std::size_t count, std::size_t max_images) {
  if (count <= max_images) return;
  throw Problem(413, "too-many-pictures",
                "at most " + std::to_string(max_images) + (max_images == 1 ? " image" : " images") +
                    " a request: send the others in another one");
}

Upload decoded(const nlohmann::json& text, const std::string& what) {
  if (!text.is_string()) malformed(what + " must be a base64 string");
  Upload upload;
  upload.owned = decode_base64_image(text.get_ref<const std::string&>(), what);
  upload.bytes = upload.owned;
  return upload;
}

std::vector<Upload> from_json(const Request& request, std::size_t max_images) {
  const nlohmann::json document = parse_json_object(request.body, "the body");
  const auto image = document.find("image");
  const auto images = document.find("images");
  if ((image == document.end()) == (images == document.end())) {
    malformed("the body must have either 'image' (a base64 string) or 'images' (a list of them)");
  }
  std::vector<Upload> uploads;
  if (image != document.end()) {
    uploads.push_back(decoded(*image, "'image'"));
    if (uploads.front().bytes.empty()) malformed("'image' is empty");
    return uploads;
  }
  if (!images->is_array() || images->empty()) malformed("'images' must be a list of base64 strings that isn't empty");
  check_count(images->size(), max_images);
  for (std::size_t i = 0; i < images->size(); ++i) {
    uploads.push_back(decoded((*images)[i], "'images[" + std::to_string(i) + "]'"));
  }
  return uploads;
}

std::vector<Upload> from_form(const Request& request, std::size_t max_images) {
  MultipartLimits limits;
  limits.max_parts = std::max(limits.max_parts, max_images + 64);
  std::vector<FormPart> parts =
      parse_multipart(request.body, multipart_boundary(request.header("Content-Type")), limits);
  std::erase_if(parts, [](const FormPart& part) { return part.name != "file"; });
  if (parts.empty()) malformed("the form has no field 'file'");
  // So a browser sends a file field in which nothing was chosen.
  std::erase_if(parts, [](const FormPart& part) { return part.filename.empty() && part.bytes.empty(); });
  if (parts.empty()) malformed("field 'file' is empty: choose an image");
  check_count(parts.size(), max_images);
  std::vector<Upload> uploads;
  if (parts.size() == 1 && parts.front().bytes.empty()) malformed("field 'file' is empty: choose an image");
  for (FormPart& part : parts) {  // An empty one among several gets a status of its own.
    uploads.push_back({std::move(part.filename), {}, part.bytes});
  }
  return uploads;
}

}  // namespace

std::vector<Upload> read_uploads(const Request& request, std::size_t max_images) {
  const std::string type = media_essence(request.header("Content-Type"));
  if (type == "multipart/form-data") return from_form(request, max_images);
  if (type == "application/json") return from_json(request, max_images);
  if (type.starts_with("multipart/")) {
    throw Problem(415, "unsupported-media-type", "a form's Content-Type must be multipart/form-data",
                  {{"Accept-Post", "multipart/form-data, application/json, image/*, application/octet-stream"}});
  }
  // The bytes decide what an image is. curl --data-binary calls it application/x-www-form-urlencoded.
  if (request.body.empty()) malformed("the body is empty: send an image");
  std::vector<Upload> uploads;
  uploads.push_back({{}, {}, request.body});
  return uploads;
}

}  // namespace catdog::service
