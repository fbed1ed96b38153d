// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

#include "catdog/catdog.h"
#include "config_options.hpp"

namespace catdog::service {

namespace {

const std::set<std::string> only_flags{"config", "check-health", "help", "version"};
constexpr const char* container_model = "/app/models/best_model.pt";

// Editors on Windows begin a file with a byte-order mark and end each line with a carriage return.
bool read_line(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

// "port = 8000  # the usual one": CLI11 knows comments only where they begin a line.
std::string without_comment(const std::string& line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    const bool begins_word = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t';
    if (!quoted && begins_word && (line[i] == '#' || line[i] == ';')) return line.substr(0, i);
  }
  return line;
}

// CLI11 lets a file override the environment; here it fills in only what neither flag nor environment set.
void apply_file(CLI::App& app, const std::string& path) {
  std::ifstream in(path);
  if (!std::filesystem::is_regular_file(path) || !in) throw CLI::FileError("no such configuration file: " + path);
  std::stringstream lines;
  for (std::string line; read_line(in, line);) lines << without_comment(line) << '\n';
  for (const CLI::ConfigItem& item : CLI::ConfigINI().from_config(lines)) {
    CLI::Option* option =
        item.parents.empty() && !only_flags.contains(item.name) ? app.get_option_no_throw("--" + item.name) : nullptr;
    if (option == nullptr) {
      throw CLI::ConfigError(path + " has the unknown setting '" + item.fullname() + "'; see --help for their names");
    }
    if (option->count() > 0) continue;
    option->add_result(item.inputs);
    option->run_callback();
  }
}

// The first line of the file, else the variable; no flag, because anyone on the machine can read those.
std::string read_secret(const std::string& path, const std::string& flag, const char* variable) {
  if (path.empty()) {
    const char* token = std::getenv(variable);
    return token != nullptr ? token : "";
  }
  std::ifstream in(path);
  if (!in) {
    throw CLI::FileError(flag + ": cannot read " + path + ": " + std::generic_category().message(errno));
  }
  std::string token;
  if (!read_line(in, token) || token.empty()) {
    throw CLI::FileError(flag + ": there is no token in the first line of " + path);
  }
  return token;
}

// CLI11's errors name the flag even where the value came from its variable.
std::string origin_of(const CLI::App& app, const std::string& error) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string& variable = option->get_envname();
    if (variable.empty() || std::getenv(variable.c_str()) == nullptr) continue;
    const std::size_t at = error.find(option->get_name());
    const std::size_t end = at + option->get_name().size();
    if (at == std::string::npos ||
        (end < error.size() && std::string_view(": =").find(error[end]) == std::string::npos))
      continue;
    if (error.find(std::getenv(variable.c_str())) == std::string::npos) continue;
    return " (from the environment variable " + variable + ")";
  }
  return "";
}

// Kubernetes sets CATDOG_PORT… and CATDOG_SERVICE… for a Service named "catdog"; CATDOG_MODEL is the library's.
std::vector<std::string> unknown_variables(const CLI::App& app) {
  std::set<std::string> known{"CATDOG_ADMIN_TOKEN", "CATDOG_FEEDBACK_KEY", "CATDOG_MODEL", "CATDOG_REVISION"};
  for (const CLI::Option* option : app.get_options()) known.insert(option->get_envname());
  std::vector<std::string> unknown;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    if (!name.starts_with("CATDOG_") || known.contains(name)) continue;
    if (name == "CATDOG_PORT" || name.starts_with("CATDOG_PORT_") || name.starts_with("CATDOG_SERVICE_")) continue;
    unknown.push_back(name);
  }
  return unknown;
}

}  // namespace

std::optional<Config> parse_config(int argc, const char* const* argv, int& exit_code) {
  Config config;
  CLI::App app("Is it a cat or a dog? Answers over HTTP.\nPrecedence: flag, environment, configuration file, default.",
               "catdog-server");
  app.set_version_flag("--version", std::string("catdog-server ") + catdog_version());
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::string file;
  app.add_option("--config", file, "Configuration file: lines such as 'port = 8000', named like the flags")
      ->envname("CATDOG_CONFIG");
  app.get_formatter()->column_width(42);
  app.add_flag("--check-health", config.check_health,
               "Don't serve: ask the server with these settings whether it is ready; exit 0 when it is, else 1");
  add_options(app, config);
  exit_code = 0;
  try {
    app.parse(argc, argv);
    if (!file.empty()) apply_file(app, file);
    config.admin_token = read_secret(config.admin_token_file, "--admin-token-file", "CATDOG_ADMIN_TOKEN");
    config.feedback_key = read_secret(config.feedback_key_file, "--feedback-key-file", "CATDOG_FEEDBACK_KEY");
    if (config.feedback_needs_token && config.admin_token.empty()) {
      throw CLI::ValidationError("--feedback-needs-token", "needs CATDOG_ADMIN_TOKEN or --admin-token-file");
    }
    if (config.abstain_below && config.min_precision) {
      throw CLI::ValidationError("--min-precision",
                                 "sets the threshold that --abstain-below sets; leave one of them out");
    }
    if (config.drain_limit_ms < config.grace_ms) {
      throw CLI::ValidationError("--drain-limit-ms", "must be at least --grace-ms");
    }
  } catch (const CLI::Success& done) {
    app.exit(done);
    return std::nullopt;
  } catch (const CLI::Error& error) {
    std::cerr << "catdog-server: " << error.what() << origin_of(app, error.what())
              << "\nRun with --help for the settings.\n";
    exit_code = 2;
    return std::nullopt;
  }
  config.unknown_variables = unknown_variables(app);
  if (config.model.empty() && std::filesystem::exists(container_model)) config.model = container_model;
  return config;
}

}  // namespace catdog::service
