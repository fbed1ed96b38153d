// SPDX-License-Identifier: Apache-2.0
// One function a command: adds it to the program; its exit code goes to `exit_code` when it is chosen.
#pragma once

namespace CLI {
class App;  // <CLI/CLI.hpp> takes ten seconds to compile.
}

namespace catdog::cli {

void add_classify(CLI::App& app, int& exit_code);
void add_info(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);
void add_evaluate(CLI::App& app, int& exit_code);
void add_verify(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_import(CLI::App& app, int& exit_code);

}  // namespace catdog::cli
