// SPDX-License-Identifier: Apache-2.0
#include "formats/multipart.hpp"

#include "formats/media_type.hpp"
#include "formats/text.hpp"

namespace catdog::service {
namespace {

constexpr std::string_view crlf = "\r\n";

std::string at_byte(std::size_t offset) { return " at byte " + std::to_string(offset); }

class MultipartParser {
 public:
  MultipartParser(std::string_view body, std::string_view boundary, const MultipartLimits& limits)
      : body_(body), delimiter_(std::string("\r\n--").append(boundary)), limits_(limits) {}

  // RFC 2046: the text before the first boundary and after the last one is ignored.
  std::vector<FormPart> parse() {
    if (body_.empty()) malformed("the multipart body is empty");
    const std::string_view opening = std::string_view(delimiter_).substr(crlf.size());
    if (body_.starts_with(opening)) {
      at_ = opening.size();
    } else {
      at_ = body_.find(delimiter_);
      if (at_ == std::string_view::npos) malformed("the multipart body lacks the boundary that Content-Type names");
      at_ += delimiter_.size();
    }
    while (!rest().starts_with("--")) parse_part();
    return std::move(parts_);
  }

 private:
  std::string_view rest() const { return body_.substr(at_); }
  std::string part() const { return "part " + std::to_string(parts_.size() + 1); }

  void skip_padding() {
    while (at_ < body_.size() && (body_[at_] == ' ' || body_[at_] == '\t')) ++at_;
  }

  void parse_part() {
    skip_padding();
    if (at_ == body_.size()) malformed("the multipart body ends in a boundary line: it was cut off");
    if (!rest().starts_with(crlf)) {
      malformed("a boundary line of the multipart body isn't followed by CR LF" + at_byte(at_));
    }
    if (parts_.size() >= limits_.max_parts) {
      throw Problem(413, "too-many-parts",
                    "the form has more than " + std::to_string(limits_.max_parts) + " parts: send fewer");
    }
    FormPart part;
    parse_headers(part);
    const std::size_t begin = at_;
    // From the blank line's own CR LF, which an empty part may share with the delimiter.
    const std::size_t end = body_.find(delimiter_, begin - crlf.size());
    if (end == std::string_view::npos) {
      malformed(this->part() + " of the form isn't ended by the boundary: the body was cut off");
    }
    part.bytes = end > begin ? body_.substr(begin, end - begin) : std::string_view();
    at_ = end + delimiter_.size();
    parts_.push_back(std::move(part));
  }

  // Leaves at_ behind the blank line. It stands on the boundary line's CR LF, so that no header at all is seen too.
  void parse_headers(FormPart& part) {
    const std::string_view window = body_.substr(at_, limits_.max_header_bytes + 2 * crlf.size());
    const std::size_t end = window.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      if (window.size() == rest().size())
        malformed("the header of " + this->part() + " has no end: the body was cut off");
      throw Problem(
          413, "header-too-large",
          "the header of " + this->part() + " has more than " + std::to_string(limits_.max_header_bytes) + " bytes");
    }
    bool disposition = false;
    for (std::size_t line = 0; line < end;) {
      line += crlf.size();
      const std::size_t line_end = window.find(crlf, line);
      disposition |= parse_header(window.substr(line, line_end - line), part, disposition);
      line = line_end;
    }
    if (!disposition) malformed(this->part() + " of the form has no Content-Disposition");
    at_ += end + 2 * crlf.size();
  }

  // Whether it was the Content-Disposition.
  bool parse_header(std::string_view line, FormPart& part, bool disposition) const {
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() || !std::all_of(name.begin(), name.end(), is_token_char)) {
      malformed("the header of " + this->part() + " has a line that isn't 'Name: value'");
    }
    const std::string_view value = trim(line.substr(colon + 1));
    if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; })) {
      malformed("the header of " + this->part() + " has a control character");
    }
    if (equal_ignoring_case(name, "Content-Disposition")) {
      if (disposition) malformed(this->part() + " of the form has two Content-Dispositions");
      parse_disposition(value, part);
      return true;
    }
    if (equal_ignoring_case(name, "Content-Type")) {
      if (media_essence(value).starts_with("multipart/")) {
        malformed(this->part() + " of the form is multipart itself: send each image as a 'file' field of its own");
      }
      part.content_type = value;
    } else if (equal_ignoring_case(name, "Content-Transfer-Encoding") && !equal_ignoring_case(value, "binary") &&
               !equal_ignoring_case(value, "8bit") && !equal_ignoring_case(value, "7bit")) {
      malformed(this->part() + " of the form has a Content-Transfer-Encoding: send the bytes as they are");
    }
    return false;
  }

  void parse_disposition(std::string_view value, FormPart& part) const {
    const std::string what = "the Content-Disposition of " + this->part();
    const MediaType parsed = parse_media_type(value, what);
    if (parsed.essence != "form-data") malformed(what + " isn't form-data");
    const std::string* name = parsed.parameter("name");
    if (name == nullptr || name->empty()) malformed(what + " has no name");
    part.name = *name;
    if (const std::string* filename = parsed.parameter("filename")) part.filename = *filename;
  }

  std::string_view body_;
  std::string delimiter_;
  MultipartLimits limits_;
  std::size_t at_ = 0;
  std::vector<FormPart> parts_;
};

}  // namespace

std::string multipart_boundary(std::string_view content_type) {
  const MediaType type = parse_media_type(content_type, "Content-Type");
  const std::string* boundary = type.parameter("boundary");
  if (boundary == nullptr || boundary->empty())
    malformed("Content-Type has no boundary: multipart/form-data needs one");
  constexpr std::string_view others = "'()+_,-./:=? ";  // bchars of RFC 2046, beside letters and digits.
  const auto fits = [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || others.find(c) != std::string_view::npos;
  };
  if (boundary->size() > 70 || boundary->back() == ' ' || !std::all_of(boundary->begin(), boundary->end(), fits)) {
    malformed("the boundary in Content-Type isn't 1 to 70 of the characters that RFC 2046 allows");
  }
  return *boundary;
}

std::vector<FormPart> parse_multipart(std::string_view body, std::string_view boundary, const MultipartLimits& limits) {
  return MultipartParser(body, boundary, limits).parse();
}

}  // namespace catdog::service
