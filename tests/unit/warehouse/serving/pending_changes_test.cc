#include "serving/pending_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "serving/copy_encoder.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::string Field(std::string_view text) {
  std::string field;
  AppendCopyBytes(text, &field);
  return field;
}

int32_t Number(std::string_view bytes) {
  int32_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

/// The rows of COPY, each as "operation: field field", NULL as "-".
std::vector<std::string> Rows(PendingChanges* changes, bool with_operation) {
  std::string bytes;
  for (const std::string_view block : changes->Blocks(with_operation)) bytes += block;
  EXPECT_TRUE(bytes.starts_with(kCopyHeader));
  EXPECT_TRUE(bytes.ends_with(kCopyTrailer));
  std::string_view rest(bytes);
  rest.remove_prefix(kCopyHeader.size());
  std::vector<std::string> rows;
  while (rest.size() > kCopyTrailer.size()) {
    int fields = Number(rest.substr(0, 2));
    rest.remove_prefix(2);
    std::string row;
    if (with_operation) {
      EXPECT_EQ(Number(rest.substr(0, 4)), 2);
      absl::StrAppend(&row, Number(rest.substr(4, 2)), ":");
      rest.remove_prefix(6);
      --fields;
    }
    for (; fields > 0; --fields) {
      const int32_t size = Number(rest.substr(0, 4));
      rest.remove_prefix(4);
      absl::StrAppend(&row, row.empty() ? "" : " ", size < 0 ? "-" : std::string(rest.substr(0, static_cast<size_t>(size))));
      rest.remove_prefix(static_cast<size_t>(std::max(size, 0)));
    }
    rows.push_back(row);
  }
  return rows;
}

TEST(PendingChangesTest, WithoutAKeyEachRowStays) {
  PendingChanges changes(2, 0, -1);
  EXPECT_TRUE(changes.empty());
  for (int i = 0; i < 2; ++i) changes.Upsert(Field("a") + Field("x"), 0, "");
  EXPECT_EQ(changes.rows(), 2);
  EXPECT_GT(changes.bytes(), 0);
  EXPECT_THAT(Rows(&changes, false), ElementsAre("a x", "a x"));
  changes.Clear();
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(changes.bytes(), 0);
  EXPECT_THAT(Rows(&changes, false), ElementsAre());
}

TEST(PendingChangesTest, TheLastChangeOfAKeyCounts) {
  PendingChanges changes(2, 1, 0);
  const auto put = [&](const std::string& key, const std::string& value) {
    changes.Upsert(Field(key) + Field(value), Field(key).size(), Field(key));
  };
  put("a", "1");
  put("b", "1");
  put("a", "2");
  changes.Delete(Field("b"));
  changes.Delete(Field("c"));
  changes.Delete(Field("d"));
  put("d", "3");
  EXPECT_EQ(changes.rows(), 2);
  EXPECT_TRUE(changes.has_deletes());
  EXPECT_FALSE(changes.has_record_deletes());
  EXPECT_THAT(Rows(&changes, true), UnorderedElementsAre("0: a 2", "1: b -", "1: c -", "0: d 3"));
}

TEST(PendingChangesTest, ATombstoneStandsForAllRowsOfItsRecordKey) {
  PendingChanges changes(3, 1, 2);
  const auto put = [&](const std::string& key, const std::string& value, const std::string& record_key) {
    changes.Upsert(Field(key) + Field(value) + Field(record_key), Field(key).size(), Field(record_key));
  };
  put("1", "x", "a");
  put("2", "x", "a");
  put("3", "x", "b");
  put("2", "y", "b");
  changes.Delete(Field("a"));
  changes.Delete(Field("a"));
  EXPECT_THAT(Rows(&changes, true), UnorderedElementsAre("1: 1 - -", "0: 2 y b", "0: 3 x b", "2: - - a"));
}

/// What is in a table: by primary key, value and record key.
using Table = std::map<std::string, std::pair<std::string, std::string>>;

TEST(PendingChangesTest, DeletionsAndThenRowsDoWhatTheChangesWouldHaveDoneOneByOne) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    Table one_by_one;
    Table at_once;
    for (int commit = 0; commit < 4; ++commit) {
      PendingChanges changes(3, 1, 2);
      for (int i = 0; i < 8; ++i) {
        const std::string key = std::to_string(random() % 3);
        const std::string record_key = std::string(1, static_cast<char>('a' + random() % 3));
        if (random() % 3 == 0) {
          changes.Delete(Field(record_key));
          std::erase_if(one_by_one, [&](const auto& row) { return row.second.second == record_key; });
          continue;
        }
        const std::string value = std::to_string(random());
        changes.Upsert(Field(key) + Field(value) + Field(record_key), Field(key).size(), Field(record_key));
        one_by_one[key] = {value, record_key};
      }
      Table rows;
      for (const std::string& row : Rows(&changes, true)) {
        const std::vector<std::string> words = absl::StrSplit(row, ' ');
        if (words[0] == "0:") rows[words[1]] = {words[2], words[3]};
        if (words[0] == "1:") at_once.erase(words[1]);
        if (words[0] == "2:") std::erase_if(at_once, [&](const auto& entry) { return entry.second.second == words[3]; });
      }
      for (const auto& [key, row] : rows) at_once[key] = row;
      ASSERT_EQ(at_once, one_by_one) << "round " << round;
    }
  }
}

TEST(PendingChangesTest, HoldsMoreThanABlock) {
  PendingChanges changes(1, 0, -1);
  const std::string large = Field(std::string(3 << 20, 'x'));
  for (int i = 0; i < 3; ++i) changes.Upsert(large, 0, "");
  for (int i = 0; i < 100'000; ++i) changes.Upsert(Field(std::to_string(i)), 0, "");
  const std::vector<std::string> rows = Rows(&changes, false);
  ASSERT_EQ(rows.size(), 100'003);
  EXPECT_EQ(rows[0].size(), size_t{3} << 20);
  EXPECT_EQ(rows.back(), "99999");
}

}  // namespace
}  // namespace millrace::warehouse
