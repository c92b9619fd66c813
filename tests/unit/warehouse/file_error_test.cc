#include "storage/file_error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace millrace::warehouse {
namespace {

TEST(FileErrorTest, SaysWhatAndWhereWithTheRightCode) {
  EXPECT_TRUE(absl::IsResourceExhausted(FileError(ENOSPC, "write", "/x")));
  EXPECT_TRUE(absl::IsResourceExhausted(FileError(EDQUOT, "write", "/x")));
  EXPECT_TRUE(absl::IsNotFound(FileError(ENOENT, "read", "/x")));
  EXPECT_TRUE(absl::IsPermissionDenied(FileError(EROFS, "write", "/x")));
  EXPECT_TRUE(absl::IsInternal(FileError(EIO, "sync", "/x")));
  EXPECT_EQ(FileError(EACCES, "write", "/a/b").message(),
            "cannot write /a/b: Permission denied; let the user of this process write there");
}

}  // namespace
}  // namespace millrace::warehouse
