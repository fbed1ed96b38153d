// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "catdog/catdog.h"
#include "config_options.hpp"

namespace catdog::service {

namespace {

const std::set<std::string> only_flags{"config", "check-health", "help", "version"};
constexpr const char* container_model = "/app/models/best_model.pt";

// CLI11 lets a file override the environment; here it fills in only what neither flag nor environment set.
void apply_file(CLI::App& app, const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) throw CLI::FileError("no such configuration file: " + path);
  for (const CLI::ConfigItem& item : CLI::ConfigINI().from_file(path)) {
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

std::string read_token(const std::string& path) {
  if (path.empty()) {
    const char* token = std::getenv("CATDOG_ADMIN_TOKEN");
    return token != nullptr ? token : "";
  }
  std::ifstream in(path);
  std::string token;
  if (!std::getline(in, token) || token.empty()) throw CLI::FileError("no token in the first line of " + path);
  return token;
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
    config.admin_token = read_token(config.admin_token_file);
    if (config.drain_limit_ms < config.grace_ms) {
      throw CLI::ValidationError("--drain-limit-ms", "must be at least --grace-ms");
    }
  } catch (const CLI::Success& done) {
    app.exit(done);
    return std::nullopt;
  } catch (const CLI::Error& error) {
    std::cerr << "catdog-server: " << error.what() << "\nRun with --help for the settings.\n";
    exit_code = 2;
    return std::nullopt;
  }
  if (config.model.empty() && std::filesystem::exists(container_model)) config.model = container_model;
  return config;
}

}  // namespace catdog::service
