// SPDX-License-Identifier: Apache-2.0
// Errors as responses: application/problem+json, or the Open Inference Protocol's form under /v2. All are rendered
// here.
#pragma once

#include <catdog/catdog.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "message.hpp"

namespace catdog::service {

// The members of a problem document, for responses and for single images of a list.
nlohmann::ordered_json problem_members(const Problem& problem, std::string_view request_id);

// The problem that an exception is to the client: a Problem is itself, a catdog::Error has one, all others are 500.
Problem problem_of(const std::exception_ptr& failure);
// The problem that a status of the library is to the client.
Problem problem_of_library(catdog_status status, std::string message);
// What it says, for the log.
std::string reason_of(const std::exception_ptr& failure);

// The account of memory is full.
Problem out_of_budget();

Response render_problem(const Problem& problem, const Request& request);

}  // namespace catdog::service
