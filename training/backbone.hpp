// SPDX-License-Identifier: Apache-2.0
// A trained network as the frozen start of one for other classes.
#pragma once

#include <cstddef>
#include <string>

#include "options.hpp"

namespace catdog::training {

// With options.backbone: sets the options that follow from that model file, which are the input, the start weights and
// the frozen layers, and 4 views where none are set. Throws core::Failure: as opening the file does; invalid_argument
// when its network has no global average pooling.
void use_backbone(TrainOptions& options);

// The layer list of that network up to its global average pooling, and a linear layer of so many outputs. JSON.
std::string backbone_architecture(const std::string& model, std::size_t outputs);

}  // namespace catdog::training
