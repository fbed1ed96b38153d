// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config.hpp"

namespace CLI {
class App;  // <CLI/CLI.hpp> takes ten seconds to compile.
}

namespace catdog::service {

// Each setting's flag and environment variable, written to `config` when the program's arguments are parsed.
void add_options(CLI::App& app, Config& config);

}  // namespace catdog::service
