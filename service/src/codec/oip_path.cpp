// SPDX-License-Identifier: Apache-2.0
#include "codec/oip.hpp"

namespace catdog::service {

ModelPath parse_model_path(std::string_view path) {
  constexpr std::string_view prefix = "/v2/models/";
  std::vector<std::string> parts;
  if (path.starts_with(prefix)) {
    path.remove_prefix(prefix.size());
    for (std::size_t slash = 0; slash != std::string_view::npos && parts.size() < 5; path.remove_prefix(slash + 1)) {
      slash = path.find('/');
      parts.emplace_back(path.substr(0, slash));
      if (slash == std::string_view::npos) break;
    }
  }
  ModelPath result;
  const Problem missing(404, "not-found", "the inference protocol has no such path");
  if (parts.empty() || parts[0].empty()) throw Problem(missing);
  result.name = parts[0];
  std::size_t next = 1;
  if (parts.size() > 1 && parts[1] == "versions") {
    if (parts.size() < 3 || parts[2].empty()) throw Problem(missing);
    result.version = parts[2];
    next = 3;
  }
  if (next == parts.size()) return result;
  if (next + 1 != parts.size() || (parts[next] != "ready" && parts[next] != "infer")) throw Problem(missing);
  return result;
}

}  // namespace catdog::service
