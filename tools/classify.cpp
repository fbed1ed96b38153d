// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "inputs.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "session.hpp"

namespace catdog::cli {
namespace {

struct ClassifyOptions {
  ModelOptions model;
  std::vector<std::string> named;
  std::string files_from;
  bool nul_separated = false;
  bool json = false;
  bool csv = false;
  bool recursive = false;
  RunOptions run;
};

std::vector<std::string> listed_files(const ClassifyOptions& options) {
  if (options.files_from.empty()) return {};
  if (options.files_from == "-") return read_paths(std::cin, options.nul_separated);
  std::ifstream in(options.files_from, std::ios::binary);
  if (!in) throw CommandError(exit_usage, "can't read the list '" + options.files_from + "'");
  return read_paths(in, options.nul_separated);
}

std::vector<std::string> gather(const ClassifyOptions& options) {
  const bool image_from_stdin = std::count(options.named.begin(), options.named.end(), "-") > 0;
  if (std::count(options.named.begin(), options.named.end(), "-") + (options.files_from == "-" ? 1 : 0) > 1) {
    throw CommandError(exit_usage, "standard input ('-') can be named only once");
  }
  if (image_from_stdin && isatty(STDIN_FILENO) == 1) {
    throw CommandError(exit_usage, "'-' reads an image from standard input, which is a terminal");
  }
  if (options.named.empty() && options.files_from.empty()) {
    throw CommandError(exit_usage, "name images or folders, '-', or --files-from (see 'catdog classify --help')");
  }
  std::vector<std::string> complaints;
  std::vector<std::string> paths = expand_inputs(options.named, options.recursive, complaints);
  // What a list names is taken as it is: a "-" in it is a file of that name.
  for (const std::string& path : listed_files(options)) paths.push_back(path == "-" ? "./-" : path);
  for (const std::string& complaint : complaints) complain(complaint);
  if (paths.empty()) throw CommandError(exit_usage, "nothing to classify");
  return paths;
}

int classify(const ClassifyOptions& options) {
  const std::vector<std::string> paths = gather(options);
  const Session session(options.model);
  Progress progress(paths.size(), !options.run.no_progress);
  const bool on_terminal = isatty(STDOUT_FILENO) == 1;
  bool unreadable = false;

  if (options.csv) write_out(csv_header(session.labels()));
  const bool from_stdin = std::count(paths.begin(), paths.end(), "-") > 0;
  const std::string piped = from_stdin ? read_stdin(options.model.encoded_limit()) : std::string();
  const auto deliver = [&](const Verdict& verdict) {
    if (on_terminal || !verdict.result) progress.hide();
    if (options.json) {
      write_out(json_row(verdict, session.labels()));
    } else if (options.csv) {
      write_out(csv_row(verdict, session.labels().size()));
    } else {
      write_out(text_row(verdict));
    }
    // The one who reads a pipe sees each row at once too.
    flush_out();
    if (!verdict.result) {
      unreadable = true;
      complain(verdict.path + ": " + catdog_status_name(verdict.result.status()) + ": " + verdict.result.message());
    }
    progress.advance();
  };
  const std::size_t delivered = session.classify(paths, deliver, piped);
  if (delivered < paths.size()) return exit_signal;
  return unreadable ? exit_unreadable : exit_ok;
}

}  // namespace

void add_classify(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ClassifyOptions>();
  CLI::App* command = app.add_subcommand("classify", "Label images");
  command->add_option("PATH", options->named,
                      "Images; folders, for the regular, not hidden image files in them; - for one on standard input");
  command->add_option("--files-from", options->files_from,
                      "Read paths from this file, one a line; - for standard input");
  command->add_flag("-0,--null", options->nul_separated, "The paths of --files-from end with NUL");
  CLI::Option* json = command->add_flag("--json", options->json, "One JSON object a line");
  command->add_flag("--csv", options->csv, "CSV with a header")->excludes(json);
  command->add_flag("-r,--recursive", options->recursive, "Sub-folders too; links to folders are not followed");
  add_run_options(*command, options->run);
  add_model_options(*command, options->model, true);
  command->footer(R"(
Examples:
  catdog classify pet.jpg
  catdog classify --recursive --csv photos > verdicts.csv
  curl -s https://example.org/pet.jpg | catdog classify -
  find . -name '*.jpg' -print0 | catdog classify --files-from - -0 --json)");
  command->callback([options, &exit_code] { exit_code = classify(*options); });
}

}  // namespace catdog::cli
