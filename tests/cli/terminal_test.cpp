// SPDX-License-Identifier: Apache-2.0
// Terminals, pipes and Ctrl-C.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>

#include <csignal>
#include <cstdlib>

#include "cli/cli_fixture.hpp"

namespace catdog::cli_tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

void exec_in(const std::string& folder, const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{CATDOG_CLI};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  if (chdir(folder.c_str()) == 0 && setenv("CATDOG_MODEL", "model.pt", 1) == 0) {
    execv(CATDOG_CLI, const_cast<char* const*>(argv.data()));
  }
  _exit(127);
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> block{};
  ssize_t n = 0;
  // The end of a terminal is an error (EIO), that of a pipe is 0.
  while ((n = ::read(descriptor, block.data(), block.size())) > 0) text.append(block.data(), static_cast<size_t>(n));
  return text;
}

int wait_for(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Terminal : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    for (int i = 10; i < 40; ++i) image("p/" + std::to_string(i) + ".png", true);
  }
  // Rows to a file, standard error to a terminal.
  Outcome run_on_terminal(const std::vector<std::string>& arguments) const {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
      const int rows = open((folder_ / "rows").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
      if (rows < 0 || dup2(rows, STDOUT_FILENO) < 0) _exit(127);
      exec_in(folder_.string(), arguments);
    }
    Outcome outcome;
    outcome.out = read_all(terminal);
    outcome.code = wait_for(child);
    close(terminal);
    return outcome;
  }
};

TEST_F(Terminal, HasAProgressBar) {
  const Outcome outcome = run_on_terminal({"classify", "p"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("\r["));
  EXPECT_THAT(outcome.out, HasSubstr("] 0/30  0.0 images/s  ETA 0:00"));
  EXPECT_EQ(outcome.out.find('\n'), std::string::npos) << "the bar stays on its line";
  EXPECT_EQ(outcome.out.back(), '\r') << "and is wiped in the end";
  EXPECT_THAT(read("rows"), StartsWith("p/10.png: cat"));
}

TEST_F(Terminal, HasNoProgressBarOnRequestOrForAFewImages) {
  EXPECT_EQ(run_on_terminal({"classify", "--no-progress", "p"}).out, "");
  EXPECT_EQ(run_on_terminal({"classify", "p/10.png", "p/11.png"}).out, "");
}

TEST_F(Terminal, APipeHasNoProgressBar) {
  const Outcome outcome = run("classify p 2>&1 >rows | cat");
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(read("rows"), HasSubstr("p/39.png: cat"));
}

TEST_F(Terminal, AClosedPipeIsQuiet) {
  long_list("list", 30000);
  const Outcome outcome = run("classify --files-from list 2>err | head -1 | cut -c1-12");
  EXPECT_EQ(outcome.out, "one.png: cat\n");
  EXPECT_EQ(read("err"), "");
  run("classify --files-from list 2>>err; echo $? >code", "| head -1");
  EXPECT_EQ(read("code"), "141\n");
  EXPECT_EQ(read("err"), "");
}

TEST_F(Terminal, CtrlCEndsWithAPrefixOfTheRows) {
  constexpr int rows = 30000;
  long_list("list", rows);
  std::array<int, 2> rows_pipe{};
  ASSERT_EQ(pipe(rows_pipe.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    dup2(rows_pipe[1], STDOUT_FILENO);
    close(rows_pipe[0]);
    close(rows_pipe[1]);
    exec_in(folder_.string(), {"classify", "-j", "2", "--files-from", "list"});
  }
  close(rows_pipe[1]);
  // The pipe doesn't hold all rows, so that the run is under way for as long as nobody reads on.
  char first = 0;
  ASSERT_EQ(::read(rows_pipe[0], &first, 1), 1);
  kill(child, SIGINT);
  const std::string text = first + read_all(rows_pipe[0]);
  EXPECT_EQ(wait_for(child), 130);
  close(rows_pipe[0]);
  const std::string row = text.substr(0, text.find('\n') + 1);
  EXPECT_THAT(row, StartsWith("one.png: cat"));
  const std::size_t count = text.size() / row.size();
  EXPECT_LT(count, std::size_t{rows});
  std::string expected;
  for (std::size_t i = 0; i < count; ++i) expected += row;
  EXPECT_TRUE(text == expected) << "rows are whole and none is missing";
}

}  // namespace
}  // namespace catdog::cli_tests
