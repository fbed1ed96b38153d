// SPDX-License-Identifier: Apache-2.0
#include "formats/media_type.hpp"

#include "formats/text.hpp"

namespace catdog::service {
namespace {

class MediaTypeParser {
 public:
  MediaTypeParser(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  MediaType parse() {
    MediaType result;
    result.essence = to_lower(token("a type"));
    if (take('/')) result.essence += '/' + to_lower(token("a subtype"));
    skip_space();
    while (take(';')) {
      skip_space();
      if (done()) break;  // A semicolon at the end: clients do send it, and it means one thing only.
      std::string name = to_lower(token("a parameter's name"));
      if (!take('=')) fail("has no '=' after parameter '" + name + "'");
      if (result.parameter(name) != nullptr) fail("has parameter '" + name + "' twice");
      std::string value = take('"') ? quoted(name) : unquoted(name);
      result.parameters.emplace_back(std::move(name), std::move(value));
      skip_space();
    }
    if (!done()) fail("has something that is no parameter at byte " + std::to_string(at_));
    return result;
  }

 private:
  bool done() const { return at_ == text_.size(); }
  void skip_space() {
    while (!done() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view token(const std::string& meaning) {
    const std::size_t begin = at_;
    while (!done() && is_token_char(text_[at_])) ++at_;
    if (at_ == begin) fail("lacks " + meaning + " at byte " + std::to_string(at_));
    return text_.substr(begin, at_ - begin);
  }
  // More than a token may hold: clients leave the quotes off boundaries such as "===1700000000===".
  std::string unquoted(const std::string& name) {
    const std::size_t begin = at_;
    while (!done() && text_[at_] != ';' && text_[at_] != '"' && text_[at_] != ' ' && !is_control(text_[at_])) ++at_;
    if (at_ == begin) fail("lacks the value of '" + name + "' at byte " + std::to_string(at_));
    return std::string(text_.substr(begin, at_ - begin));
  }
  // A backslash escapes quotes and itself only: some clients send the paths of Windows as they are.
  std::string quoted(const std::string& name) {
    std::string value;
    while (!done() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) ++at_;
      if (is_control(text_[at_]) && text_[at_] != '\t') fail("has a control character in parameter '" + name + "'");
      value += text_[at_++];
    }
    if (!take('"')) fail("has no closing quote after parameter '" + name + "'");
    return value;
  }
  [[noreturn]] void fail(const std::string& why) const { malformed(std::string(what_) + " " + why); }

  std::string_view text_;
  std::string_view what_;
  std::size_t at_ = 0;
};

}  // namespace

const std::string* MediaType::parameter(std::string_view name) const noexcept {
  for (const auto& [key, value] : parameters) {
    if (key == name) return &value;
  }
  return nullptr;
}

MediaType parse_media_type(std::string_view value, std::string_view what) {
  return MediaTypeParser(trim(value), what).parse();
}

}  // namespace catdog::service
