// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/engine.hpp"

namespace catdog::core {

// The torch plug-in, opened on demand. Throws Failure: engine_unavailable (says which files were looked for),
// model_unsupported, model_format.
std::unique_ptr<Engine> create_torch_engine(const ModelFile& model, const EngineOptions& options);

}  // namespace catdog::core
