// SPDX-License-Identifier: Apache-2.0
#include "runtime/own_folder.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/engine.hpp"
#include "engine/torch_loader.hpp"
#include "status.hpp"
#include "support/model_maker.hpp"
#include "temporary_folder.hpp"

namespace catdog::core {
namespace {

namespace fs = std::filesystem;

TEST(OwnFolder, CodeOfTheProgramAndOfALibrary) {
  static const char here = 0;
  EXPECT_EQ(file_of_code(&here), fs::read_symlink("/proc/self/exe"));
  const fs::path library = file_of_code(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
  EXPECT_TRUE(library.is_absolute());
  EXPECT_THAT(library.filename().string(), testing::StartsWith("libc"));
}

TEST(OwnFolder, MemoryWithoutAFileHasNone) {
  const int on_stack = 0;
  EXPECT_EQ(file_of_code(&on_stack), "");
  EXPECT_THAT(companion_libraries(&on_stack, "x.so"), testing::ElementsAre("x.so"));
}

// Run by the test below, in a folder and under a name that somebody else chose.
TEST(OwnFolder, DISABLED_OpensTheTorchEngine) {
  EngineOptions options;
  options.kind = EngineKind::torch;
  const auto archive = test_support::make_model_archive();
  try {
    create_torch_engine(ModelFile::from_memory(archive), options);
    FAIL() << "there is no plug-in beside this program";
  } catch (const Failure& failure) {
    const std::string tried = failure.what();
    for (std::size_t at = 0; (at = tried.find("libcatdog-torch.so (", at)) != std::string::npos; ++at) {
      const std::size_t start = tried.find_last_of(' ', at) + 1;
      EXPECT_TRUE(start == at || tried[start] == '/') << tried;
    }
    EXPECT_THAT(tried, testing::Not(testing::HasSubstr("invalid ELF header"))) << "opened from the working directory";
  }
}

// A program found along PATH has a bare argv[0]; the folder that it is started in may be anyone's.
TEST(OwnFolder, NothingIsLoadedFromTheWorkingDirectory) {
  const test_support::TemporaryFolder hostile;
  for (const char* name : {"libcatdog-torch.so", "catdog/libcatdog-torch.so", "lib/libcatdog-torch.so"}) {
    hostile.write(name, "not ELF");
  }
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(hostile.path.c_str()) == 0) {
      execl(program.c_str(), "bare_name", "--gtest_also_run_disabled_tests",
            "--gtest_filter=OwnFolder.DISABLED_OpensTheTorchEngine", nullptr);
    }
    _exit(127);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace catdog::core
