// SPDX-License-Identifier: Apache-2.0
// catdog: the library on the command line.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <exception>
#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "output.hpp"
#include "session.hpp"

namespace {

constexpr const char* examples = R"(
Examples:
  catdog pet.jpg holiday/                   the answer for each image: short for 'catdog classify'
  catdog classify --json --recursive photos | jq .answer
  catdog explain pet.jpg -o map.png         where in the image it sees that
  catdog info                               what the installed model is
  catdog evaluate images/                   sub-folders are the classes
  catdog bench photos/                      what this machine gives, and which settings to choose
  catdog import checkpoint.pt -o model.pt   from a PyTorch state-dict

Exit codes: 0 all read, 1 some images unreadable, 2 usage, 3 the model can't be opened, 4 output can't be written,
130 interrupted. 'catdog COMMAND --help' says more.)";

using catdog::cli::CommandError;
namespace fs = std::filesystem;

// Levenshtein's distance: how many letters to insert, drop or change.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::size_t changed = diagonal + (a[i] == b[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({changed, row[k] + 1, row[k + 1] + 1});
    }
  }
  return row.back();
}

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

// `catdog pet.jpg` is short for `catdog classify pet.jpg`. A word that can be no path is a misspelt command.
void add_missing_command(std::vector<std::string>& words, const CLI::App& app) {
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  const auto is_command = [&](const std::string& word) {
    return std::find(commands.begin(), commands.end(), word) != commands.end();
  };
  if (std::any_of(words.begin(), words.end(), is_command)) return;
  if (std::all_of(words.begin(), words.end(), is_option)) return;
  const std::string& first = words.front();
  std::error_code ignored;
  if (!is_option(first) && first.find_first_of("./-") == std::string::npos && !fs::exists(first, ignored)) {
    const auto nearest = std::min_element(commands.begin(), commands.end(), [&](const auto& a, const auto& b) {
      return distance(first, a) < distance(first, b);
    });
    throw CommandError(catdog::cli::exit_usage, "there is no command or file '" + first + "'; did you mean 'catdog " +
                                                    *nearest + "'? See catdog --help");
  }
  words.insert(words.begin(), "classify");
}

int run(int argc, char** argv) {
  int exit_code = catdog::cli::exit_ok;
  CLI::App app("Is it a cat or a dog? Classifies photos with a calibrated probability.", "catdog");
  app.footer(examples);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("catdog ") + catdog_version());
  catdog::cli::add_classify(app, exit_code);
  catdog::cli::add_explain(app, exit_code);
  catdog::cli::add_info(app, exit_code);
  catdog::cli::add_verify(app, exit_code);
  catdog::cli::add_evaluate(app, exit_code);
  catdog::cli::add_bench(app, exit_code);
  catdog::cli::add_import(app, exit_code);
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    add_missing_command(words, app);
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the end.
    app.parse(std::move(words));
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
