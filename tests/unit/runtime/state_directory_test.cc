#include "streams/state_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/host.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class StateDirectoryTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(host_.files().RemoveAll(root_).ok()); }
  void TearDown() override { EXPECT_TRUE(host_.files().RemoveAll(root_).ok()); }

  absl::StatusOr<std::unique_ptr<StateDirectory>> Open(const std::string& application = "app") {
    return StateDirectory::Open(&host_, root_, application);
  }

  Host& host_ = Host::Real();
  const std::string root_ = testing::TempDir() + "/state-" + std::to_string(host_.Random());
};

TEST_F(StateDirectoryTest, IsMadeAtTheFirstStartAndOpenedAtTheNext) {
  {
    auto first = Open();
    ASSERT_TRUE(first.ok()) << first.status();
    ASSERT_TRUE((*first)->PrepareTask({0, 3}).ok());
    EXPECT_EQ((*first)->StorePath({0, 3}, "counts"), root_ + "/app/0_3/counts");
  }
  auto second = Open();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(host_.files().Exists(root_ + "/app/0_3"));
}

TEST_F(StateDirectoryTest, NamesItsInstanceOnceAndForAll) {
  std::string id;
  {
    auto first = Open();
    ASSERT_TRUE(first.ok()) << first.status();
    id = (*first)->instance_id();
    EXPECT_EQ(id.size(), 16u);
    EXPECT_NE((*Open("another"))->instance_id(), id);
  }
  EXPECT_EQ((*Open())->instance_id(), id);
}

TEST_F(StateDirectoryTest, PutsTheTasksOfAnotherStateAsideOnce) {
  auto directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_TRUE((*directory)->PrepareTask({0, 3}).ok());
  EXPECT_EQ(*(*directory)->Adopt("first"), 0);
  EXPECT_EQ(*(*directory)->Adopt("first"), 0);
  EXPECT_TRUE(host_.files().Exists(root_ + "/app/0_3"));
  const std::string id = (*directory)->instance_id();
  EXPECT_EQ(*(*directory)->Adopt("second"), 1);
  EXPECT_FALSE(host_.files().Exists(root_ + "/app/0_3"));
  EXPECT_EQ(*(*directory)->Adopt("third"), 0);  // nothing is left, and what was put aside stays
  directory->reset();
  auto again = Open();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->instance_id(), id);
  EXPECT_THAT(host_.files().List(root_ + "/app").value(), testing::Contains(testing::StartsWith("0_3.reset-")));
}

TEST_F(StateDirectoryTest, RefusesASecondUserAndNamesTheFirst) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = Open();
  ASSERT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use by another process"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(host_.ProcessName()));
}

TEST_F(StateDirectoryTest, RefusesTheDirectoryOfAnotherApplication) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(host_.files().Rename(root_ + "/app", root_ + "/other").ok());
  auto opened = Open("other");
  ASSERT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("belongs to application app, not to other"));
}

TEST_F(StateDirectoryTest, RefusesAnotherFormat) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(host_.files().Write(root_ + "/app/.millrace", R"({"format":99,"application":"app"})").ok());
  auto opened = Open();
  ASSERT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("format 99"));
}

TEST_F(StateDirectoryTest, RefusesADamagedMarker) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(host_.files().Write(root_ + "/app/.millrace", "{").ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(StateDirectoryTest, RefusesFilesOfAnotherProgram) {
  ASSERT_TRUE(host_.files().CreateDirectories(root_ + "/app").ok());
  ASSERT_TRUE(host_.files().Write(root_ + "/app/kafka-streams-process-metadata", "{}").ok());
  auto opened = Open();
  ASSERT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("kafka-streams-process-metadata"));
}

TEST_F(StateDirectoryTest, RefusesAPathThatIsNoDirectory) {
  ASSERT_TRUE(host_.files().Write(root_, "a file").ok());
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("state directory " + root_ + "/app cannot be used: create directory"), HasSubstr("Not a directory"),
                    HasSubstr("set state.dir to a directory that this process can write")));
}

/// The machine's files, on a disk that cannot be written from some step on.
class ReadOnlyFiles final : public FileSystem {
 public:
  explicit ReadOnlyFiles(int writes) : writes_(writes) {}
  absl::Status CreateDirectories(const std::string& path) override {
    return Refuses() ? Refusal(path) : real_.CreateDirectories(path);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override { return real_.Rename(from, to); }
  absl::Status RemoveAll(const std::string& path) override { return real_.RemoveAll(path); }
  bool Exists(const std::string& path) override { return real_.Exists(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override { return real_.List(path); }
  absl::StatusOr<std::string> Read(const std::string& path) override { return real_.Read(path); }
  absl::Status Write(const std::string& path, const std::string& contents) override {
    return Refuses() ? Refusal(path) : real_.Write(path, contents);
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    if (Refuses()) return Refusal(path);
    return real_.Lock(path);
  }

 private:
  bool Refuses() { return writes_-- <= 0; }
  static absl::Status Refusal(const std::string& path) {
    return absl::PermissionDeniedError("create " + path + ": Read-only file system");
  }
  FileSystem& real_ = Host::Real().files();
  int writes_;
};

class ReadOnlyHost final : public Host {
 public:
  explicit ReadOnlyHost(int writes) : files_(writes) {}
  Timestamp Now() override { return real_.Now(); }
  std::chrono::nanoseconds Monotonic() override { return real_.Monotonic(); }
  std::chrono::nanoseconds ThreadCpu() override { return real_.ThreadCpu(); }
  void Sleep(std::chrono::milliseconds time) override { real_.Sleep(time); }
  uint64_t Random() override { return real_.Random(); }
  std::unique_ptr<Thread> StartThread(const std::string& name, absl::AnyInvocable<void()> body) override {
    return real_.StartThread(name, std::move(body));
  }
  std::unique_ptr<Signal> NewSignal() override { return real_.NewSignal(); }
  FileSystem& files() override { return files_; }
  std::string ProcessName() override { return real_.ProcessName(); }

 private:
  Host& real_ = Host::Real();
  ReadOnlyFiles files_;
};

TEST_F(StateDirectoryTest, RefusesADirectoryThatCannotBeWrittenAtWhateverStep) {
  for (int writes = 0; writes < 5; ++writes) {
    ASSERT_TRUE(host_.files().RemoveAll(root_).ok());
    ReadOnlyHost host(writes);
    const absl::Status status = StateDirectory::Open(&host, root_, "app").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << writes;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("state directory " + root_ + "/app cannot be used: "), HasSubstr("Read-only file system"),
                      HasSubstr("set state.dir to a directory that this process can write")))
        << writes;
  }
  ReadOnlyHost host(5);
  EXPECT_TRUE(StateDirectory::Open(&host, root_, "app").ok());
}

TEST_F(StateDirectoryTest, SetsADamagedStoreAsideAndKeepsIt) {
  auto directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_TRUE(host_.files().CreateDirectories((*directory)->StorePath({1, 0}, "counts")).ok());
  ASSERT_TRUE(host_.files().Write((*directory)->StorePath({1, 0}, "counts") + "/CURRENT", "x").ok());
  auto aside = (*directory)->SetAside({1, 0}, "counts");
  ASSERT_TRUE(aside.ok()) << aside.status();
  EXPECT_THAT(*aside, HasSubstr("counts.damaged-"));
  EXPECT_FALSE(host_.files().Exists((*directory)->StorePath({1, 0}, "counts")));
  EXPECT_EQ(host_.files().Read(*aside + "/CURRENT").value_or(""), "x");
}

TEST_F(StateDirectoryTest, SetsNothingAsideWhereNothingIs) {
  auto directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ((*directory)->SetAside({1, 0}, "counts").value_or("error"), "");
}

}  // namespace
}  // namespace millrace
