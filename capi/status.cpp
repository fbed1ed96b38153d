// SPDX-License-Identifier: Apache-2.0
#include "status.hpp"

#include <cstddef>

#include "catdog/catdog.h"

namespace {

using catdog::core::Status;

constexpr bool same(Status inside, catdog_status outside) { return static_cast<catdog_status>(inside) == outside; }

static_assert(same(Status::ok, CATDOG_OK));
static_assert(same(Status::invalid_argument, CATDOG_ERROR_INVALID_ARGUMENT));
static_assert(same(Status::unknown_option, CATDOG_ERROR_UNKNOWN_OPTION));
static_assert(same(Status::not_found, CATDOG_ERROR_NOT_FOUND));
static_assert(same(Status::io, CATDOG_ERROR_IO));
static_assert(same(Status::unsupported, CATDOG_ERROR_UNSUPPORTED));
static_assert(same(Status::corrupt, CATDOG_ERROR_CORRUPT));
static_assert(same(Status::limit, CATDOG_ERROR_LIMIT));
static_assert(same(Status::model_format, CATDOG_ERROR_MODEL_FORMAT));
static_assert(same(Status::model_version, CATDOG_ERROR_MODEL_VERSION));
static_assert(same(Status::model_checksum, CATDOG_ERROR_MODEL_CHECKSUM));
static_assert(same(Status::model_unsupported, CATDOG_ERROR_MODEL_UNSUPPORTED));
static_assert(same(Status::engine_unavailable, CATDOG_ERROR_ENGINE_UNAVAILABLE));
static_assert(same(Status::engine_failed, CATDOG_ERROR_ENGINE_FAILED));
static_assert(same(Status::out_of_memory, CATDOG_ERROR_OUT_OF_MEMORY));
static_assert(same(Status::internal, CATDOG_ERROR_INTERNAL));

}  // namespace

const char* catdog_status_name(catdog_status status) { return catdog::core::status_name(static_cast<Status>(status)); }

const char* catdog_version() { return CATDOG_VERSION; }

int32_t catdog_abi_version() { return CATDOG_ABI_VERSION; }
