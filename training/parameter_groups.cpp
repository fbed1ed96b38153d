// SPDX-License-Identifier: Apache-2.0
#include "parameter_groups.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "status.hpp"

namespace catdog::training {

std::vector<ParameterGroup> group_parameters(const TrainableNetwork& network, const TrainOptions& options) {
  std::vector<std::pair<std::string, double>> rates;
  for (const std::string& word : options.rate) {
    const std::size_t sign = word.find('=');
    char* end = nullptr;
    const double rate = sign == std::string::npos ? -1 : std::strtod(word.c_str() + sign + 1, &end);
    if (rate < 0 || *end != '\0') {
      throw core::Failure(core::Status::invalid_argument, "--rate takes LAYER=FACTOR, not \"" + word + "\"");
    }
    rates.emplace_back(word.substr(0, sign), rate);
  }
  std::vector<ParameterGroup> groups;
  for (const std::string& name : network.names()) {
    const at::Tensor& tensor = network.state().at(name);
    if (!tensor.requires_grad()) continue;
    double rate = 1;
    for (const auto& [layer, factor] : rates) {
      if (lies_in(name, layer)) rate = factor;
    }
    const bool decayed = tensor.dim() > 1;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& g) { return g.rate == rate && g.decayed == decayed; });
    if (group == groups.end()) group = groups.insert(groups.end(), {{}, rate, decayed});
    group->parameters.push_back(tensor);
  }
  if (groups.empty()) throw core::Failure(core::Status::invalid_argument, "every layer is frozen: nothing would train");
  return groups;
}

}  // namespace catdog::training
