// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/engine.hpp"

namespace catdog::core {

// Native engine on oneDNN. `precision` must not be automatic. Throws Failure(model_unsupported) for a list that it
// can't run.
std::unique_ptr<Engine> create_native_engine(const ModelFile& model, Precision precision);
// The same for a network without a model file, such as the frozen part of one in training: its run() gives the last
// layer's output, flattened. `weights` are needed during the call only.
std::unique_ptr<Engine> create_native_engine(const Network& network, const InputSpec& input, const WeightMap& weights,
                                             Precision precision);

}  // namespace catdog::core
