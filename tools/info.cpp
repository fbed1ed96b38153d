// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <memory>

#include "commands.hpp"
#include "output.hpp"
#include "session.hpp"

namespace catdog::cli {
namespace {

struct InfoOptions {
  ModelOptions model;
  bool json = false;
};

nlohmann::ordered_json describe(const Session& session) {
  nlohmann::ordered_json out;
  out["name"] = session.info(CATDOG_INFO_MODEL_NAME);
  out["version"] = session.info(CATDOG_INFO_MODEL_VERSION);
  out["labels"] = session.labels();
  const auto pixels = [&](catdog_info key) { return std::to_string(session.integer(key)); };
  out["input"] = pixels(CATDOG_INFO_INPUT_WIDTH) + "x" + pixels(CATDOG_INFO_INPUT_HEIGHT);
  out["engine"] = session.info(CATDOG_INFO_ENGINE);
  out["precision"] = session.info(CATDOG_INFO_PRECISION);
  out["precision_reason"] = session.info(CATDOG_INFO_PRECISION_REASON);
  out["threads"] = session.integer(CATDOG_INFO_THREADS);
  out["abstain_below"] = session.number(CATDOG_INFO_ABSTAIN_BELOW);
  out["neither_above"] = session.number(CATDOG_INFO_NEITHER_ABOVE);
  out["sha256"] = session.info(CATDOG_INFO_MODEL_SHA256);
  out["path"] = session.info(CATDOG_INFO_MODEL_PATH);
  const auto model = nlohmann::ordered_json::parse(session.info(CATDOG_INFO_MODEL_JSON), nullptr, false);
  for (const char* key : {"format_version", "calibration", "metrics", "provenance"}) {
    if (model.is_object() && model.contains(key)) out[key] = model[key];
  }
  return out;
}

std::string plain(const nlohmann::ordered_json& value) {
  if (value.is_string()) return printable(value.get<std::string>());
  std::string text = dump_json(value);
  text.pop_back();
  return text;
}

void print_table(const nlohmann::ordered_json& facts) {
  std::string text;
  for (const auto& [key, value] : facts.items()) {
    const bool nested = value.is_object();
    text += key + ":" + (nested ? "" : std::string(key.size() < 15 ? 15 - key.size() : 1, ' ') + plain(value)) + "\n";
    if (!nested) continue;
    for (const auto& [name, inner] : value.items()) text += "  " + printable(name) + ": " + plain(inner) + "\n";
  }
  write_out(text);
}

}  // namespace

void add_info(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App* command = app.add_subcommand("info", "Say what a model file is");
  command->add_option("MODEL,--model", options->model.path,
                      "Model file, or the name of a shipped one; default: the installed one");
  command->add_flag("--verify", options->model.verify_weights, "Also compare each weight with its SHA-256 in the file");
  command->add_flag("--json", options->json, "One JSON object");
  add_model_options(*command, options->model, false);
  command->footer(R"(
Examples:
  catdog info
  catdog info models/best_model.pt --json | jq -r .sha256)");
  command->callback([options, &exit_code] {
    const nlohmann::ordered_json facts = describe(Session(options->model));
    if (options->json) {
      write_out(dump_json(facts, 2));
    } else {
      print_table(facts);
    }
    exit_code = exit_ok;
  });
}

}  // namespace catdog::cli
