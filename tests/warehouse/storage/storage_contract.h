#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_STORAGE_CONTRACT_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_STORAGE_CONTRACT_H_

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "child_process.h"
#include "storage/random_name.h"
#include "storage/storage.h"

namespace millrace::warehouse_test {

/// A storage, and a folder in it that nobody else uses.
struct StorageUnderTest {
  std::shared_ptr<warehouse::Storage> storage;
  std::string folder;
};

/// What every storage must do; each test program gives its own ones.
class StorageContract : public testing::TestWithParam<std::function<StorageUnderTest()>> {
 protected:
  StorageContract() : under_test_(GetParam()()), storage_(*under_test_.storage), folder_(under_test_.folder) {}

  std::map<std::string, int64_t> ListSizes(const std::string& folder) {
    std::map<std::string, int64_t> sizes;
    const absl::Status status = storage_.List(folder, [&](const warehouse::Storage::FileInfo& file) {
      EXPECT_TRUE(sizes.emplace(file.path, file.size_bytes).second) << file.path << " comes twice";
      EXPECT_GT(file.modified_ms, 1600000000000) << file.path;
    });
    EXPECT_TRUE(status.ok()) << status;
    return sizes;
  }

  StorageUnderTest under_test_;
  warehouse::Storage& storage_;
  const std::string folder_;
};

TEST_P(StorageContract, WhatIsWrittenIsRead) {
  std::string content = "bytes of all kinds: ";
  for (int i = 0; i < 256; ++i) content.push_back(static_cast<char>(i));
  for (const std::string& text : {content, std::string(), std::string(3 << 20, 'x')}) {
    ASSERT_TRUE(storage_.Write(folder_ + "/a/b/file", text).ok());
    const absl::StatusOr<std::string> read = storage_.Read(folder_ + "/a/b/file");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, text);
  }
}

TEST_P(StorageContract, PartsAreRead) {
  const std::string path = folder_ + "/parts";
  ASSERT_TRUE(storage_.Write(path, "0123456789").ok());
  EXPECT_EQ(storage_.ReadRange(path, 0, 4), absl::StatusOr<std::string>("0123"));
  EXPECT_EQ(storage_.ReadRange(path, 3, 4), absl::StatusOr<std::string>("3456"));
  EXPECT_EQ(storage_.ReadRange(path, 8, 100), absl::StatusOr<std::string>("89")) << "there is no more";
  EXPECT_EQ(storage_.ReadRange(path, 10, 1), absl::StatusOr<std::string>("")) << "it ends before";
  EXPECT_EQ(storage_.ReadRange(path, 3, 0), absl::StatusOr<std::string>(""));
  const absl::Status status = storage_.ReadRange(folder_ + "/none", 0, 4).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

TEST_P(StorageContract, WhatIsNotThereIsNotFound) {
  const absl::Status status = storage_.Read(folder_ + "/none").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(status.message().find("none"), std::string::npos) << status;
  EXPECT_TRUE(storage_.Delete(folder_ + "/none").ok());
  EXPECT_TRUE(ListSizes(folder_ + "/none").empty());
}

TEST_P(StorageContract, TheSecondWriteIfAbsentLeavesTheFirst) {
  const std::string path = folder_ + "/once";
  EXPECT_EQ(storage_.WriteIfAbsent(path, "first"), absl::StatusOr<bool>(true));
  EXPECT_EQ(storage_.WriteIfAbsent(path, "second"), absl::StatusOr<bool>(false));
  EXPECT_EQ(storage_.WriteIfAbsent(path, "first"), absl::StatusOr<bool>(false)) << "the same content is no excuse";
  EXPECT_EQ(storage_.Read(path), absl::StatusOr<std::string>("first"));
  ASSERT_TRUE(storage_.Delete(path).ok());
  EXPECT_EQ(storage_.WriteIfAbsent(path, "third"), absl::StatusOr<bool>(true));
  EXPECT_EQ(ListSizes(folder_), (std::map<std::string, int64_t>{{path, 5}})) << "a temporary file was left";
}

TEST_P(StorageContract, OfManyWritersOneWins) {
  constexpr int kWriters = 18;
  for (int round = 0; round < 5; ++round) {
    const std::string path = folder_ + "/race-" + std::to_string(round);
    std::atomic<int> winner{-1};
    std::atomic<int> wins{0};
    std::barrier<> start(kWriters);
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        start.arrive_and_wait();
        const absl::StatusOr<bool> won = storage_.WriteIfAbsent(path, "writer " + std::to_string(i));
        EXPECT_TRUE(won.ok()) << won.status();
        if (!won.ok() || !*won) return;
        ++wins;
        winner = i;
      });
    }
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(wins, 1);
    EXPECT_EQ(storage_.Read(path), absl::StatusOr<std::string>("writer " + std::to_string(winner)));
  }
  EXPECT_EQ(ListSizes(folder_).size(), 5U) << "a temporary file was left";
}

TEST_P(StorageContract, ReadersOfAFileThatIsWrittenOverSeeItWhole) {
  const std::string path = folder_ + "/hint";
  ASSERT_TRUE(storage_.Write(path, std::string(100000, '0')).ok());
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const absl::StatusOr<std::string> read = storage_.Read(path);
      ASSERT_TRUE(read.ok()) << read.status();
      ASSERT_EQ(read->size(), 100000U);
      ASSERT_EQ(read->find_first_not_of(read->substr(0, 1)), std::string::npos) << "a mixture of two versions";
    }
  });
  for (int i = 1; i < 10; ++i) EXPECT_TRUE(storage_.Write(path, std::string(100000, static_cast<char>('0' + i))).ok());
  done = true;
  reader.join();
}

TEST_P(StorageContract, ListsFilesAtAnyDepthAndNoOthers) {
  const std::map<std::string, int64_t> files = {
      {folder_ + "/t/data/day=1/a", 1}, {folder_ + "/t/data/day=2/b", 2}, {folder_ + "/t/metadata/c", 3}, {folder_ + "/t/d", 4}};
  for (const auto& [path, size] : files) ASSERT_TRUE(storage_.Write(path, std::string(static_cast<size_t>(size), 'x')).ok());
  ASSERT_TRUE(storage_.Write(folder_ + "/table2/e", "").ok());
  ASSERT_TRUE(storage_.Write(folder_ + "/t-neighbour", "").ok());
  EXPECT_EQ(ListSizes(folder_ + "/t"), files);
  EXPECT_EQ(ListSizes(folder_ + "/t/"), files) << "a slash at the end changes nothing";
  EXPECT_TRUE(ListSizes(folder_ + "/t/d").empty()) << "a file is no folder";

  std::set<std::string> folders;
  ASSERT_TRUE(storage_.ListFolders(folder_, [&](const std::string& name) { folders.insert(name); }).ok());
  EXPECT_EQ(folders, (std::set<std::string>{"t", "table2"}));
  folders.clear();
  ASSERT_TRUE(storage_.ListFolders(folder_ + "/none", [&](const std::string& name) { folders.insert(name); }).ok());
  EXPECT_TRUE(folders.empty());
}

TEST_P(StorageContract, NamesAreTakenLiterally) {
  std::map<std::string, int64_t> files;
  for (const char* name :
       {"a b", "a%20b", "a+b", "a&b=c;d,e", "100%", "day=2026-11-30", "x?y#z", "\xC3\xBC\xE2\x82\xAC", "~'\"<>!*()@$", "a%2Fb"}) {
    const std::string path = folder_ + "/s p%41+&/" + name;
    EXPECT_EQ(storage_.WriteIfAbsent(path, name), absl::StatusOr<bool>(true)) << name;
    EXPECT_EQ(storage_.WriteIfAbsent(path, "other"), absl::StatusOr<bool>(false)) << name;
    EXPECT_EQ(storage_.Read(path), absl::StatusOr<std::string>(name));
    files[path] = static_cast<int64_t>(std::string(name).size());
  }
  EXPECT_EQ(ListSizes(folder_ + "/s p%41+&"), files);
  for (const auto& [path, size] : files) EXPECT_TRUE(storage_.Delete(path).ok());
  EXPECT_TRUE(ListSizes(folder_ + "/s p%41+&").empty());
}

TEST_P(StorageContract, UploadsSmallAndLargeFiles) {
  const TemporaryFolder local;
  for (const size_t size : {size_t{0}, size_t{1000}, (size_t{21} << 20) + 17}) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 2654435761U >> 13);
    const std::string file = local.path() + "/file";
    std::ofstream(file, std::ios::binary) << content;
    const std::string path = folder_ + "/data/" + std::to_string(size);
    const absl::Status status = storage_.Upload(file, path);
    ASSERT_TRUE(status.ok()) << status;
    const absl::StatusOr<std::string> read = storage_.Read(path);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == content) << size << " bytes came back as " << read->size();
    EXPECT_EQ(ListSizes(folder_ + "/data").at(path), static_cast<int64_t>(size));
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
  const absl::Status missing = storage_.Upload(local.path() + "/none", folder_ + "/data/none");
  EXPECT_TRUE(absl::IsNotFound(missing)) << missing;
}

TEST_P(StorageContract, PathsOfOtherStoragesAreRefused) {
  for (const char* path : {"ftp://x/y", "/no/scheme", "", "s3:/", "hdfs:///x"}) {
    const absl::Status status = storage_.Read(path).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << path << ": " << status;
  }
}

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_STORAGE_CONTRACT_H_
