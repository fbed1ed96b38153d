// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "session.hpp"

namespace catdog::cli {

void add_verify(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ModelOptions>();
  CLI::App* command = app.add_subcommand("verify", "Check a model file's signature, its weights and its self-test");
  command->add_option("MODEL,--model", options->path, "Model file, or the name of a shipped one")->required();
  command
      ->add_option("--trusted-key", options->trusted_key,
                   "Public key of minisign (-P), or the text of minisign.pub; MODEL.minisig must be a signature of it")
      ->required();
  command->footer(R"--(
Exit code 0: all is as it should be. 3: don't use the file; the message says why.

Examples:
  minisign -S -m model.pt
  catdog verify model.pt --trusted-key "$(cat minisign.pub)")--");
  command->callback([options, &exit_code] {
    if (options->trusted_key.empty()) throw CommandError(exit_usage, "--trusted-key is empty");
    options->verify_weights = true;
    const Session session(*options);
    write_out(printable(session.info(CATDOG_INFO_MODEL_PATH)) + ": good signature, weights and self-test; SHA-256 " +
              session.info(CATDOG_INFO_MODEL_SHA256) + "\n");
    exit_code = exit_ok;
  });
}

}  // namespace catdog::cli
