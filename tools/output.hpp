// SPDX-License-Identifier: Apache-2.0
// Rows and reports on standard output.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "session.hpp"

namespace catdog::cli {

// Standard output can't be written any more. Quiet for a closed pipe.
struct OutputClosed {
  bool quiet;
};

void write_out(const std::string& text);    // Throws OutputClosed.
void flush_out();                           // Throws OutputClosed.
void complain(const std::string& message);  // "catdog: message" on standard error.

std::string csv_field(const std::string& text);  // Quoted as RFC 4180 says where needed.
std::string printable(const std::string& text);  // Control characters as \n, \t or \xHH: one row stays one line.
std::string dump_json(const nlohmann::ordered_json& json, int indent = -1);  // Bytes that aren't UTF-8 become U+FFFD.

std::string csv_header(const std::vector<std::string>& labels);
std::string csv_row(const Verdict& verdict, std::size_t labels);
std::string json_row(const Verdict& verdict, const std::vector<std::string>& labels);
std::string text_row(const Verdict& verdict);

}  // namespace catdog::cli
