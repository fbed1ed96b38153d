// SPDX-License-Identifier: Apache-2.0
#include "start_weights.hpp"

#include <charconv>
#include <sstream>

#include "status.hpp"
#include "torch_io/checkpoint.hpp"

namespace catdog::training {
namespace {

[[noreturn]] void refuse(const std::string& copy, const std::string& why) {
  throw core::Failure(core::Status::invalid_argument, "--init-rows " + copy + ": " + why);
}

std::int64_t number(std::string_view text, const std::string& copy) {
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    refuse(copy, "\"" + std::string(text) + "\" is no row; write LAYER=SOURCE:ROWS, such as head.0=_fc:281-285,7");
  }
  return value;
}

std::vector<std::int64_t> parse_rows(const std::string& text, const std::string& copy) {
  std::vector<std::int64_t> rows;
  std::istringstream ranges(text);
  for (std::string range; std::getline(ranges, range, ',');) {
    const std::size_t dash = range.find('-');
    const std::int64_t first = number(std::string_view(range).substr(0, dash), copy);
    const std::int64_t last =
        dash == std::string::npos ? first : number(std::string_view(range).substr(dash + 1), copy);
    if (last < first || last - first > 1'000'000) refuse(copy, "\"" + range + "\" is no range of rows");
    for (std::int64_t row = first; row <= last; ++row) rows.push_back(row);
  }
  return rows;
}

}  // namespace

StateDict state_of(const core::ModelFile& model) {
  StateDict state;
  for (const auto& [name, view] : model.weights()) {
    state[name] = torch::from_blob(const_cast<float*>(view.values.data()), view.shape).clone();
  }
  return state;
}

StateDict read_start_weights(const std::string& path) {
  try {
    const core::ModelFile model = core::ModelFile::from_file(path);
    if (model.has_native_part()) return state_of(model);
  } catch (const core::Failure& failure) {
    if (failure.status() != core::Status::model_format) throw;  // Else a checkpoint, perhaps.
  }
  return torch_io::read_checkpoint(std::filesystem::path(path));
}

void copy_rows(const std::vector<std::string>& copies, const TrainableNetwork& network, StateDict& start) {
  for (const std::string& copy : copies) {
    const std::size_t equal = copy.find('=');
    const std::size_t colon = copy.rfind(':');
    if (equal == std::string::npos || colon == std::string::npos || colon < equal) {
      refuse(copy, "write LAYER=SOURCE:ROWS, such as head.0=_fc:281-285,151-268");
    }
    const std::string layer = copy.substr(0, equal);
    const std::string source = copy.substr(equal + 1, colon - equal - 1);
    const std::vector<std::int64_t> rows = parse_rows(copy.substr(colon + 1), copy);
    for (const char* leaf : {".weight", ".bias"}) {
      const auto from = start.find(source + leaf);
      if (from == start.end()) refuse(copy, "the start weights have no tensor \"" + source + leaf + "\"");
      if (!network.state().contains(layer + leaf)) refuse(copy, "the network has no tensor \"" + layer + leaf + "\"");
      at::Tensor to = network.state().at(layer + leaf).detach().clone();
      if (to.dim() != from->second.dim() || to.sizes().slice(1) != from->second.sizes().slice(1) ||
          to.size(0) < static_cast<std::int64_t>(rows.size())) {
        refuse(copy, "\"" + layer + leaf + "\" can't hold these rows of \"" + source + leaf + "\"");
      }
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] >= from->second.size(0)) {
          refuse(copy, "\"" + source + leaf + "\" has " + std::to_string(from->second.size(0)) + " rows");
        }
        to[static_cast<std::int64_t>(i)].copy_(from->second[rows[i]]);
      }
      start[layer + leaf] = to;
    }
  }
}

}  // namespace catdog::training
