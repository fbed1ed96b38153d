// SPDX-License-Identifier: Apache-2.0
// Settings: where they come from and which wins.
#include "config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <sstream>

namespace catdog::service {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"MODEL_PATH", "LOG_LEVEL", "CATDOG_WORKERS", "CATDOG_CONFIG", "CATDOG_ADMIN_TOKEN"})
      unsetenv(name);
    path_ = std::filesystem::temp_directory_path() / ("catdog-config-" + std::to_string(getpid()));
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::optional<Config> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "catdog-server");
    return parse_config(static_cast<int>(arguments.size()), arguments.data(), exit_code_);
  }
  void write(const std::string& text) const { std::ofstream(path_) << text; }
  std::filesystem::path path_;
  int exit_code_ = -1;
};

TEST_F(ConfigTest, DefaultsAreTheDocumentedOnes) {
  const auto config = parse({});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->port, 8000);
  EXPECT_EQ(config->admin_port, 8081);
  EXPECT_EQ(config->max_header_bytes, 16384U);
  EXPECT_EQ(config->max_body_bytes, 33554432U);
  EXPECT_EQ(config->read_timeout_ms, 30000);
  EXPECT_GT(config->idle_timeout_ms, 60000);  // Longer than that of common load balancers.
  EXPECT_EQ(config->max_connections, 1024U);
  EXPECT_EQ(config->grace_ms, 5000);
  EXPECT_TRUE(config->admin_token.empty());
}

TEST_F(ConfigTest, FlagBeatsEnvironmentBeatsFile) {
  write("workers = 2\nport = 1111\nlog-level = error\n");
  setenv("CATDOG_WORKERS", "3", 1);
  setenv("LOG_LEVEL", "debug", 1);
  const auto config = parse({"--config", path_.c_str(), "--log-level", "warning"});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->port, 1111);
  EXPECT_EQ(config->workers, 3);
  EXPECT_EQ(config->log_level, "warning");
  unsetenv("CATDOG_WORKERS");
  unsetenv("LOG_LEVEL");
}

TEST_F(ConfigTest, WrongSettingsAreExitCode2) {
  EXPECT_FALSE(parse({"--no-such-flag"}));
  EXPECT_EQ(exit_code_, 2);
  EXPECT_FALSE(parse({"--config", "/nowhere/config"}));
  EXPECT_EQ(exit_code_, 2);
  write("ports = 1\n");
  EXPECT_FALSE(parse({"--config", path_.c_str()}));
  EXPECT_EQ(exit_code_, 2);
  write("port = many\n");
  EXPECT_FALSE(parse({"--config", path_.c_str()}));
  EXPECT_EQ(exit_code_, 2);
  EXPECT_FALSE(parse({"--min-precision", "0.99", "--abstain-below", "0.9"}));
  EXPECT_EQ(exit_code_, 2);
  EXPECT_FALSE(parse({"--grace-ms", "5000", "--drain-limit-ms", "100"}));
  EXPECT_EQ(exit_code_, 2);
  EXPECT_FALSE(parse({"--admin-token-file", "/nowhere/token"}));
  EXPECT_EQ(exit_code_, 2);
  EXPECT_FALSE(parse({"--feedback-key-file", "/nowhere/key"}));
  EXPECT_EQ(exit_code_, 2);
  EXPECT_FALSE(parse({"--feedback-needs-token"}));  // And there is none.
  EXPECT_EQ(exit_code_, 2);
}

// What it says about wrong arguments or variables.
std::string complaint(const std::function<std::optional<Config>()>& parse) {
  testing::internal::CaptureStderr();
  EXPECT_FALSE(parse());
  return testing::internal::GetCapturedStderr();
}

TEST_F(ConfigTest, AnAddressIsNumeric) {
  for (const char* wrong : {"localhost", "*", "[::]", ""}) {
    for (const char* flag : {"--address", "--admin-address"}) {
      const std::string said = complaint([&] { return parse({flag, wrong}); });
      EXPECT_THAT(said, HasSubstr(std::string(flag) + ": takes a numeric IPv4 or IPv6 address"));
      EXPECT_THAT(said, HasSubstr(std::string("not '") + wrong + "'"));
      EXPECT_EQ(exit_code_, 2);
    }
  }
  EXPECT_TRUE(parse({"--address", "127.0.0.1", "--admin-address", "::1"}));
}

TEST_F(ConfigTest, ErrorsNameTheVariableAndTheRange) {
  setenv("CATDOG_WORKERS", "4000", 1);
  const std::string said = complaint([&] { return parse({}); });
  EXPECT_THAT(said, HasSubstr("CATDOG_WORKERS"));
  EXPECT_THAT(said, HasSubstr("1024"));
  EXPECT_THAT(complaint([&] { return parse({"--workers", "5000"}); }), Not(HasSubstr("CATDOG_WORKERS")));
  unsetenv("CATDOG_WORKERS");
  EXPECT_THAT(complaint([&] { return parse({"--port", "70000"}); }), HasSubstr("65535"));
}

TEST_F(ConfigTest, AMissingTokenFileIsNotAnEmptyOne) {
  EXPECT_THAT(complaint([&] {
                return parse({"--admin-token-file", "/nowhere/token"});
              }),
              HasSubstr("cannot read /nowhere/token: No such file"));
  write("\n");
  EXPECT_THAT(complaint([&] { return parse({"--admin-token-file", path_.c_str()}); }), HasSubstr("no token"));
}

TEST_F(ConfigTest, FilesMayComeFromWindows) {
  write("\xEF\xBB\xBFport = 1111\r\nworkers = 2\r\n");
  const auto config = parse({"--config", path_.c_str()});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->port, 1111);
  EXPECT_EQ(config->workers, 2);
  write("\xEF\xBB\xBFsecret\r\n");
  const auto with_token = parse({"--admin-token-file", path_.c_str()});
  ASSERT_TRUE(with_token);
  EXPECT_EQ(with_token->admin_token, "secret");
}

TEST_F(ConfigTest, AFileMayHaveCommentsAfterValues) {
  write("; first\nport = 1111  # the usual one\nworkers=2 ; of four\nmodel = a#b.pt\n# last\n");
  const auto config = parse({"--config", path_.c_str()});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->port, 1111);
  EXPECT_EQ(config->workers, 2);
  EXPECT_EQ(config->model, "a#b.pt");
}

TEST_F(ConfigTest, KnowsTheLevelsByTheirOtherNames) {
  for (const auto& [name, level] : std::map<const char*, const char*>{{"WARN", "warning"},
                                                                      {"Warning", "warning"},
                                                                      {"ERROR", "error"},
                                                                      {"critical", "error"},
                                                                      {"TRACE", "debug"}}) {
    const auto config = parse({"--log-level", name});
    ASSERT_TRUE(config) << name;
    EXPECT_EQ(config->log_level, level);
  }
  EXPECT_THAT(complaint([&] {
                return parse({"--log-level", "loud"});
              }),
              HasSubstr("debug, info, warning, error or off"));
}

TEST_F(ConfigTest, NamesVariablesThatAreNoSetting) {
  for (const char* name : {"CATDOG_WORKER", "CATDOG_PORT", "CATDOG_PORT_8000_TCP", "CATDOG_SERVICE_HOST"}) {
    setenv(name, "x", 1);
  }
  const auto config = parse({});
  for (const char* name : {"CATDOG_WORKER", "CATDOG_PORT", "CATDOG_PORT_8000_TCP", "CATDOG_SERVICE_HOST"}) {
    unsetenv(name);
  }
  ASSERT_TRUE(config);
  EXPECT_THAT(config->unknown_variables, testing::Contains("CATDOG_WORKER"));
  EXPECT_THAT(config->unknown_variables, Not(testing::Contains(testing::StartsWith("CATDOG_PORT"))));
  EXPECT_THAT(config->unknown_variables, Not(testing::Contains("CATDOG_SERVICE_HOST")));
}

TEST_F(ConfigTest, EverySettingIsDocumented) {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(parse({"--help"}));
  EXPECT_EQ(exit_code_, 0);
  const std::string help = testing::internal::GetCapturedStdout();
  std::ifstream in(CATDOG_SOURCE_DIR "/docs/service.md");
  std::stringstream page;
  page << in.rdbuf();
  const std::regex name("--[a-z0-9-]+|\\bCATDOG_[A-Z0-9_]+|MODEL_PATH|LOG_LEVEL");
  std::size_t found = 0;
  for (std::sregex_iterator match(help.begin(), help.end(), name), end; match != end; ++match, ++found) {
    EXPECT_NE(page.str().find('`' + match->str() + '`'), std::string::npos) << match->str();
  }
  EXPECT_GT(found, 60U);
}

}  // namespace
}  // namespace catdog::service
