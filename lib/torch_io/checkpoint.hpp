// SPDX-License-Identifier: Apache-2.0
// Reads the weights out of a PyTorch checkpoint (torch.save's zip format) without running anything that is in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "torch_io/model_writer.hpp"

namespace catdog::torch_io {

// The tensors of `model_state_dict`, of `state_dict`, or of the top-level dict itself, as float32 on the CPU. A common
// `module.` prefix is dropped, integer tensors such as num_batches_tracked are left out.
// Throws core::Failure: not_found, io, model_format.
StateDict read_checkpoint(const std::filesystem::path& path);
StateDict read_checkpoint(std::span<const std::uint8_t> bytes);

// Throws core::Failure(model_format) that lists every missing and unexpected tensor and every wrong shape.
void check_state_dict(const core::Network& network, int height, int width, const StateDict& state);

}  // namespace catdog::torch_io
