// SPDX-License-Identifier: Apache-2.0
// catdog: the library on the command line.
#include <csignal>
#include <cstdio>
#include <exception>

#include "commands.hpp"
#include "output.hpp"
#include "session.hpp"

namespace {

constexpr const char* examples = R"(
Examples:
  catdog classify pet.jpg holiday/          label and confidence of each image
  catdog classify --json --recursive photos | jq .label
  catdog info                               what the installed model is
  catdog evaluate images/                 sub-folders are the classes
  catdog import checkpoint.pt -o model.pt   from a PyTorch state-dict

Exit codes: 0 all read, 1 some images unreadable, 2 usage, 3 the model can't be opened, 4 output can't be written,
130 interrupted. 'catdog COMMAND --help' says more.)";

int run(int argc, char** argv) {
  int exit_code = catdog::cli::exit_ok;
  CLI::App app("Is it a cat or a dog? Classifies photos with a calibrated probability.", "catdog");
  app.footer(examples);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("catdog ") + catdog_version());
  catdog::cli::add_classify(app, exit_code);
  catdog::cli::add_info(app, exit_code);
  catdog::cli::add_evaluate(app, exit_code);
  catdog::cli::add_import(app, exit_code);
  try {
    app.parse(argc, argv);
    catdog::cli::flush_out();
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? catdog::cli::exit_ok : catdog::cli::exit_usage;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe is noticed by the write that fails.
  try {
    return run(argc, argv);
  } catch (const catdog::cli::CommandError& error) {
    catdog::cli::complain(error.what());
    return error.code();
  } catch (const catdog::cli::OutputClosed& closed) {
    if (!closed.quiet) catdog::cli::complain("standard output can't be written: is the disk full?");
    return closed.quiet ? 128 + SIGPIPE : catdog::cli::exit_output;
  } catch (const std::exception& error) {
    catdog::cli::complain(error.what());
    return catdog::cli::exit_model;
  }
}
