// SPDX-License-Identifier: Apache-2.0
// A network compiled for oneDNN: primitives with their weights in the layout each likes best, and the place of every
// activation. Immutable, shared by all contexts.
#pragma once

#include <cstddef>
#include <dnnl.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/native/arena.hpp"
#include "engine/native/graph.hpp"

namespace catdog::core::native {

struct StepArg {
  int index = 0;            // DNNL_ARG_*.
  int buffer = -1;          // Index of Plan::buffers, or -1: `constant`.
  dnnl::memory::desc desc;  // For a buffer.
  dnnl::memory constant;
};

struct Step {
  dnnl::primitive primitive;
  std::vector<StepArg> args;
  std::vector<int> log_sum_exp;  // Not empty: no primitive, but this, of groups of so many floats.
  float sharpness = 1;           // Of log_sum_exp.
};

// The global average pooling, where all that follows works on its result.
struct Pooling {
  std::size_t begin = 0;  // Its steps.
  std::size_t end = 0;
  Grid grid;
  int source = 0;  // Buffer.
  dnnl::memory::desc source_desc;
  int result = 0;  // Buffer: channel after channel, in the source's type.
};

struct Plan {
  dnnl::engine engine;
  std::vector<Step> steps;
  std::vector<Buffer> buffers;
  std::size_t arena_bytes = 0;
  InputTensor input;  // Without memory.
  int input_buffer = 0;
  int output_buffer = 0;  // Logits, float32.
  std::size_t outputs = 0;
  std::optional<Pooling> pooling;
};

// Throws Failure: model_unsupported, model_format, engine_failed. To be called with OpenMP restricted to one thread:
// the primitives are made for the number of threads at that time.
Plan compile(const WeightedNetwork& model, Precision precision);

}  // namespace catdog::core::native
