// SPDX-License-Identifier: Apache-2.0
#include "status.hpp"

namespace catdog::core {

const char* status_name(Status status) noexcept {
  switch (status) {
    case Status::ok: return "ok";
    case Status::invalid_argument: return "invalid_argument";
    case Status::unknown_option: return "unknown_option";
    case Status::not_found: return "not_found";
    case Status::io: return "io";
    case Status::unsupported: return "unsupported";
    case Status::corrupt: return "corrupt";
    case Status::limit: return "limit";
    case Status::model_format: return "model_format";
    case Status::model_version: return "model_version";
    case Status::model_checksum: return "model_checksum";
    case Status::model_unsupported: return "model_unsupported";
    case Status::engine_unavailable: return "engine_unavailable";
    case Status::engine_failed: return "engine_failed";
    case Status::out_of_memory: return "out_of_memory";
    case Status::internal: return "internal";
  }
  return "unknown";
}

}  // namespace catdog::core
