#include "cli/whole_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace millrace {
namespace {

class WholeFileTest : public testing::Test {
 protected:
  WholeFileTest() { std::filesystem::create_directories(folder_); }
  ~WholeFileTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string Content() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] auto Files() const {
    return std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
  }

  const std::string folder_ = testing::TempDir() + "whole_file_test";
  const std::string path_ = folder_ + "/f.csv";
};

TEST_F(WholeFileTest, AppearsWhenItIsFinished) {
  std::ofstream(path_) << "old";
  auto file = OpenOutput(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Append("ne").ok());
  EXPECT_EQ(Content(), "old");
  ASSERT_TRUE((*file)->Append("w").ok());
  ASSERT_TRUE((*file)->Finish().ok());
  EXPECT_EQ(Content(), "new");
  EXPECT_EQ(Files(), 1);
}

TEST_F(WholeFileTest, LeavesNothingIfItIsNotFinished) {
  {
    auto file = OpenOutput(path_);
    ASSERT_TRUE((*file)->Append("half").ok());
  }
  EXPECT_EQ(Files(), 0);
}

TEST_F(WholeFileTest, SaysWhereItCannotBe) {
  EXPECT_EQ(OpenOutput(folder_ + "/no/f.csv").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenOutput(folder_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WholeFileTest, TheStandardOutputGetsItAtOnce) {
  testing::internal::CaptureStdout();
  auto output = OpenOutput("-");
  ASSERT_TRUE((*output)->Append("a,b\r\n").ok());
  ASSERT_TRUE((*output)->Finish().ok());
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "a,b\r\n");
}

}  // namespace
}  // namespace millrace
