// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

namespace catdog::cli {
namespace {

std::string number(double value, int digits) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, value);
  return buffer.data();
}

}  // namespace

void write_out(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) throw OutputClosed{errno == EPIPE};
}

void flush_out() {
  if (std::fflush(stdout) != 0) throw OutputClosed{errno == EPIPE};
}

void complain(const std::string& message) { std::fprintf(stderr, "catdog: %s\n", printable(message).c_str()); }

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\x%02x", byte);
      out += buffer.data();
    } else {
      out += c;
    }
  }
  return out;
}

std::string dump_json(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string csv_header(const std::vector<std::string>& labels) {
  std::string row = "path,status,answer,reason,label,confidence,trust,neither,abstained";
  for (const std::string& label : labels) row += "," + csv_field("p_" + label);
  return row + ",width,height,format,message\r\n";
}

std::string csv_row(const Verdict& verdict, std::size_t labels) {
  const bool ok = verdict.result.ok();
  std::string row = csv_field(verdict.path) + "," + catdog_status_name(verdict.result.status());
  if (ok) {
    row += "," + csv_field(verdict.result.answer()) + "," + verdict.result.reason_name() + "," +
           csv_field(verdict.result.label()) + "," + number(verdict.result.confidence(), 6) + "," +
           number(verdict.result.trust(), 6) + "," +
           (verdict.result.neither() ? number(*verdict.result.neither(), 6) : "") +
           (verdict.result.abstained() ? ",1" : ",0");
  } else {
    row += ",,,,,,,";
  }
  for (std::size_t i = 0; i < labels; ++i) row += ok ? "," + number(verdict.result.probabilities()[i], 6) : ",";
  row += ok ? "," + std::to_string(verdict.result.width()) + "," + std::to_string(verdict.result.height()) : ",,";
  return row + "," + verdict.result.format() + "," + csv_field(verdict.result.message()) + "\r\n";
}

std::string json_row(const Verdict& verdict, const std::vector<std::string>& labels) {
  nlohmann::ordered_json row;
  row["path"] = verdict.path;
  row["status"] = catdog_status_name(verdict.result.status());
  if (!verdict.result) {
    row["message"] = verdict.result.message();
    return dump_json(row);
  }
  row["answer"] = verdict.result.answer();
  row["reason"] = verdict.result.reason_name();
  row["trust"] = verdict.result.trust();
  row["neither"] =
      verdict.result.neither() ? nlohmann::ordered_json(*verdict.result.neither()) : nlohmann::ordered_json(nullptr);
  row["label"] = verdict.result.label();
  row["confidence"] = verdict.result.confidence();
  row["abstained"] = verdict.result.abstained();
  for (std::size_t i = 0; i < labels.size(); ++i) row["probabilities"][labels[i]] = verdict.result.probabilities()[i];
  row["width"] = verdict.result.width();
  row["height"] = verdict.result.height();
  row["format"] = verdict.result.format();
  row["total_ms"] = verdict.result.timings().total_ms;
  return dump_json(row);
}

std::string text_row(const Verdict& verdict) {
  const std::string path = printable(verdict.path);
  if (!verdict.result) {
    return path + ": " + catdog_status_name(verdict.result.status()) + ": " + printable(verdict.result.message()) +
           "\n";
  }
  // The score behind the answer; where the answer is "uncertain", what it is most likely to be.
  std::string row = path + ": " + printable(verdict.result.answer()) + " ";
  switch (verdict.result.reason()) {
    case CATDOG_REASON_NEITHER: row += number(verdict.result.neither().value_or(0), 3); break;
    case CATDOG_REASON_LOW_CONFIDENCE:
      row += "(" + printable(verdict.result.label()) + " " + number(verdict.result.trust(), 3) + ")";
      break;
    default: row += number(verdict.result.trust(), 3);
  }
  return row + "\n";
}

}  // namespace catdog::cli
