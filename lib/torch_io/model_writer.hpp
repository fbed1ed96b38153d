// SPDX-License-Identifier: Apache-2.0
// Writes the model file: a TorchScript module generated from the layer list, with catdog.json beside it. For the
// trainer and the importer; needs libtorch.
#pragma once

#include <torch/script.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/network.hpp"
#include "model/network_shapes.hpp"

namespace catdog::torch_io {

// Parameters and batch-norm statistics by state-dict name, float32.
using StateDict = std::map<std::string, at::Tensor>;

// The network in evaluation mode as a TorchScript module: N×3×H×W → N×classes. `specs` are those of
// core::state_dict_specs(); its state dict has their names.
torch::jit::Module build_script_module(const core::Network& network, const std::vector<core::TensorSpec>& specs,
                                       const StateDict& state);

// Writes the model file atomically (a temporary file beside it, then rename). `catdog_json` is a whole catdog.json
// (docs/model-format.md) in which "format", "format_version", "golden" and "weights" may be missing: they are filled
// in, the golden logits by running the module in fp32 on eight golden images. The result is read back and checked
// with core::ModelFile before it replaces `path`. Throws core::Failure or c10::Error.
void write_model_file(const std::filesystem::path& path, const std::string& catdog_json, const StateDict& state);

}  // namespace catdog::torch_io
