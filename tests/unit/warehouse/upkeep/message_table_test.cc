#include "landing/message_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "landing_test_support.h"

namespace millrace::warehouse {
namespace {

class MessageTableTest : public LandingFixture {
 protected:
  MessageTableTest() {
    table_.name = {"shop", "payments"};
    table_.columns = *MapSchema(*tshirt::v1::Payment::descriptor(), {});
    table_.spec = [](const Schema&) { return PartitionSpec{}; };
  }
  absl::Status Ensure() { return table_.Ensure(&catalog_, &committer_); }

  MessageTable table_;
  TableCommitter committer_{&catalog_, storage_.get(), {"shop", "payments"}, "app", "payments", clock_};
};

TEST_F(MessageTableTest, MakesATableOnce) {
  ASSERT_TRUE(Ensure().ok());
  EXPECT_EQ(committer_.table().metadata.schema().fields, table_.columns.schema.fields);
  EXPECT_EQ(*ColumnRecordOf(committer_.table().metadata), table_.columns.record);
  const std::string file = committer_.table().metadata_file;
  ASSERT_TRUE(Ensure().ok());
  EXPECT_EQ(committer_.table().metadata_file, file);
}

TEST_F(MessageTableTest, BringsTheSchemaToThatOfTheMessage) {
  ASSERT_TRUE(Ensure().ok());
  ASSERT_TRUE(Ensure().ok());
  table_.columns.schema.fields[0].name = "number";
  catalog_.lose_answer = true;
  ASSERT_TRUE(Ensure().ok());
  EXPECT_EQ(committer_.table().metadata.schema().fields[0].name, "number");
  EXPECT_EQ(committer_.table().metadata.schemas.size(), 2u);
}

TEST_F(MessageTableTest, RefusesATableWithAnotherRole) {
  ASSERT_TRUE(Ensure().ok());
  table_.role = "changes";
  EXPECT_EQ(Ensure().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(MessageTableTest, RefusesATableThatIsNotItsOwn) {
  Schema schema;
  schema.fields.push_back({1, "x", false, {}, ""});
  ASSERT_TRUE(catalog_.Create(table_.name, schema, {}, {}).ok());
  EXPECT_EQ(Ensure().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace millrace::warehouse
