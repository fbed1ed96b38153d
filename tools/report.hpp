// SPDX-License-Identifier: Apache-2.0
// An evaluation as one HTML page that needs no other file, no network and no script.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "evaluation.hpp"
#include "session.hpp"

namespace catdog::cli {

// `images` is how many were to be evaluated: more than there are records when the run was interrupted. Reads the
// files of the worst mistakes again, to embed them.
std::string report_page(const Session& session, const Evaluation& evaluation, std::size_t images);

}  // namespace catdog::cli
