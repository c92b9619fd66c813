#include "catalog/rest_commit.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../../warehouse/storage/test_tables.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;

TableMetadata Table() {
  return TableMetadata::New("file:///w/shop/payments", warehouse_test::PaymentsSchema(), warehouse_test::ByDay(), 1000,
                            {{"a", "1"}});
}

json Request(const TableMetadata& base, const TableUpdate& update) {
  absl::StatusOr<TableMetadata> changed = Apply(base, "file:///x", update, 2000, 0);
  EXPECT_TRUE(changed.ok()) << changed.status();
  return RestCommitRequest({"shop", "payments"}, base, *changed, update);
}

TEST(RestCommitTest, ACreationNamesSchemaSpecAndProperties) {
  const json request = RestCreateRequest({"shop", "payments"}, Table());
  EXPECT_EQ(request["name"], "payments");
  EXPECT_EQ(request["schema"]["fields"].size(), 3U);
  EXPECT_EQ(request["partition-spec"]["fields"][0]["name"], "ts_day");
  EXPECT_EQ(request["properties"], json({{"a", "1"}}));
}

TEST(RestCommitTest, ASnapshotIsAddedToTheOneThatWasCurrent) {
  const TableMetadata base = Table();
  TableUpdate update;
  update.snapshot = Snapshot{7, std::nullopt, 1, 1500, "file:///x/list.avro", {{"operation", "append"}}, std::nullopt};
  update.set_properties = {{"b", "2"}};
  update.removed_properties = {"a"};
  const json request = Request(base, update);
  EXPECT_EQ(request["identifier"], json({{"namespace", {"shop"}}, {"name", "payments"}}));
  EXPECT_EQ(request["requirements"], json::parse(R"([{"type":"assert-table-uuid","uuid":")" + base.uuid +
                                                 R"("},{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":null},
                            {"type":"assert-current-schema-id","current-schema-id":0},
                            {"type":"assert-default-spec-id","default-spec-id":0}])"));
  ASSERT_EQ(request["updates"].size(), 4U);
  EXPECT_EQ(request["updates"][0]["action"], "add-snapshot");
  EXPECT_EQ(request["updates"][0]["snapshot"]["snapshot-id"], 7);
  EXPECT_EQ(request["updates"][0]["snapshot"]["schema-id"], 0);
  EXPECT_EQ(request["updates"][1],
            json({{"action", "set-snapshot-ref"}, {"ref-name", "main"}, {"type", "branch"}, {"snapshot-id", 7}}));
  EXPECT_EQ(request["updates"][2], json({{"action", "set-properties"}, {"updates", {{"b", "2"}}}}));
  EXPECT_EQ(request["updates"][3], json({{"action", "remove-properties"}, {"removals", {"a"}}}));
}

TEST(RestCommitTest, ANewSchemaIsAddedAndMadeCurrent) {
  const TableMetadata base = Table();
  TableUpdate update;
  update.schema = base.schema();
  update.schema->fields.push_back({4, "x", false, {Type::Kind::kString, 0, 0, {}}, ""});
  const json request = Request(base, update);
  EXPECT_EQ(request["requirements"].back(), json({{"type", "assert-last-assigned-field-id"}, {"last-assigned-field-id", 3}}));
  ASSERT_EQ(request["updates"].size(), 2U);
  EXPECT_EQ(request["updates"][0]["action"], "add-schema");
  EXPECT_EQ(request["updates"][0]["last-column-id"], 4);
  EXPECT_EQ(request["updates"][1], json({{"action", "set-current-schema"}, {"schema-id", -1}}));

  // Back to the one before: the server has it.
  absl::StatusOr<TableMetadata> changed = Apply(base, "file:///x", update, 2000, 0);
  TableUpdate back;
  back.schema = base.schema();
  EXPECT_EQ(Request(*changed, back)["updates"], json::array({{{"action", "set-current-schema"}, {"schema-id", 0}}}));
}

TEST(RestCommitTest, PropertiesAloneNeedASnapshot) {
  TableUpdate update;
  EXPECT_FALSE(RestNeedsSnapshot(update));
  update.removed_snapshots = {1};
  EXPECT_FALSE(RestNeedsSnapshot(update));
  update.set_properties = {{"a", "b"}};
  EXPECT_TRUE(RestNeedsSnapshot(update));
  update.snapshot = Snapshot{};
  EXPECT_FALSE(RestNeedsSnapshot(update));
}

}  // namespace
}  // namespace millrace::warehouse
