// SPDX-License-Identifier: Apache-2.0
// Where in an image the network sees a label: a class activation map (Zhou et al., "Learning Deep Features for
// Discriminative Localization", 2016).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/engine.hpp"
#include "image/image.hpp"
#include "model/model_config.hpp"

namespace catdog::core {

struct Explanation {
  int label = -1;          // Index of the label that the map is about. -1 in a request: the most probable one.
  Grid grid;               // Of the map, evenly spread over the image.
  std::vector<float> map;  // Row after row: the trust in the label if all of the image looked as that place does.
  Image seen;              // rgb8, as the network saw it.
};

// The map of a label, of what EngineContext::run_places() gave.
std::vector<float> trust_map(std::span<float> logits, std::size_t label, const ModelConfig& config);

// The seen image in that size, rgb8: as it is where the map is 1, and darker where it is less. Throws
// Failure(out_of_memory).
Image draw(const Explanation& explanation, Size size);

}  // namespace catdog::core
