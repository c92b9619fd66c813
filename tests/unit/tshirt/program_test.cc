#include "program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace millrace::tshirt {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("TSHIRT_TIME_ZONE"); }
  void TearDown() override { unsetenv("TSHIRT_TIME_ZONE"); }

  int Run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "tshirt");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunProgram(static_cast<int>(arguments.size()), arguments.data());
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string out_;
  std::string err_;
};

TEST_F(ProgramTest, EveryCommandTakesTheTimeZone) {
  for (const char* command : {"run", "topology", "generate", "check", "demo"}) {
    EXPECT_EQ(Run({command, "--help"}), 0) << command;
    EXPECT_THAT(out_, ContainsRegex("--time-zone TEXT.*UTC.*")) << command;
  }
}

TEST_F(ProgramTest, ATimeZoneThatDoesNotExistIsAnErrorOfEveryCommand) {
  const std::vector<std::vector<const char*>> commands = {{"run", "--bootstrap-servers", "127.0.0.1:1"},
                                                          {"topology"},
                                                          {"generate", "--bootstrap-servers", "127.0.0.1:1"},
                                                          {"check", "--bootstrap-servers", "127.0.0.1:1"},
                                                          {"demo"}};
  for (std::vector<const char*> arguments : commands) {
    arguments.insert(arguments.end(), {"--time-zone", "Europe/Olso"});
    EXPECT_EQ(Run(arguments), 1) << arguments[0];
    EXPECT_THAT(err_, StartsWith("error: 'Europe/Olso' is no time zone")) << arguments[0];
  }
}

TEST_F(ProgramTest, TheEnvironmentGivesTheDefaultAndTheCommandLineWins) {
  setenv("TSHIRT_TIME_ZONE", "Europe/Olso", 1);
  EXPECT_EQ(Run({"topology"}), 1);
  EXPECT_THAT(err_, HasSubstr("'Europe/Olso'"));
  EXPECT_EQ(Run({"topology", "--time-zone", "Europe/Oslo"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(StartsWith("Topologies:"), HasSubstr("tshirt-facts")));
  setenv("TSHIRT_TIME_ZONE", "Asia/Tokyo", 1);
  EXPECT_EQ(Run({"demo", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Asia/Tokyo"));
  setenv("TSHIRT_TIME_ZONE", "", 1);
  EXPECT_EQ(Run({"topology"}), 0) << err_;
}

TEST_F(ProgramTest, TheDemoRunsInATimeZone) {
  const std::string directory = testing::TempDir() + "/program_test";
  std::filesystem::remove_all(directory);
  EXPECT_EQ(Run({"demo", "--users", "50", "--time-zone", "Europe/Oslo", "--dir", directory.c_str()}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("every fact is right"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace millrace::tshirt
