// SPDX-License-Identifier: Apache-2.0
// The layer list computed with plain loops in double precision: slow, obvious, and independent of every engine.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/model_file.hpp"
#include "model/network.hpp"

namespace catdog::test_support {

// `image` is 3×height×width. Returns the logits. `ranges` gets the largest absolute value of each layer's output.
std::vector<double> reference_forward(const core::ModelFile& model, const std::vector<float>& image,
                                      std::vector<double>* ranges = nullptr);

}  // namespace catdog::test_support
