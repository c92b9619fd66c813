#include "table/table_metadata.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "snapshot_test_support.h"
#include "table/metadata_json.h"

namespace millrace::warehouse {
namespace {

using nlohmann::json;
using Kind = Type::Kind;

Snapshot Next(const TableMetadata& base, int64_t id, int64_t timestamp_ms) {
  Snapshot snapshot;
  snapshot.id = id;
  snapshot.parent_id = base.current_snapshot_id;
  snapshot.sequence_number = base.last_sequence_number + 1;
  snapshot.timestamp_ms = timestamp_ms;
  snapshot.manifest_list = absl::StrCat("mem://list-", id);
  snapshot.summary = {{"operation", "append"}};
  return snapshot;
}

TEST(TableMetadata, NewTablesGetIdsLevelByLevel) {
  Schema schema;
  const Type lines = {
      Kind::kList, 0, 0, {{21, "element", true, {Kind::kStruct, 0, 0, {{22, "sku", true, Primitive(Kind::kString), ""}}}, ""}}};
  schema.fields = {{10, "lines", false, lines, ""}, {11, "ts", true, Primitive(Kind::kTimestampTz), ""}};
  PartitionSpec spec{7, {{11, 0, "", Transform::kDay}}};
  const TableMetadata table = TableMetadata::New("mem://t/", schema, spec, 5, {{"a", "b"}});
  EXPECT_EQ(table.location, "mem://t");
  EXPECT_EQ(table.schema().fields[0].id, 1);
  EXPECT_EQ(table.schema().fields[1].id, 2) << "all of a level come before those below";
  EXPECT_EQ(table.schema().Find(4)->name, "sku");
  EXPECT_EQ(table.last_column_id, 4);
  EXPECT_EQ(table.spec().fields[0], (PartitionField{2, 1000, "ts_day", Transform::kDay}));
  EXPECT_EQ(table.spec().id, 0);
  EXPECT_EQ(table.last_partition_id, 1000);
  EXPECT_EQ(table.uuid[14], '4');
  EXPECT_EQ(table.uuid.size(), 36U);
  EXPECT_TRUE(CheckMetadata(table).ok());
  EXPECT_NE(TableMetadata::New("mem://t", schema, spec, 5, {}).uuid, table.uuid);
}

TEST(TableMetadata, SurvivesARoundTrip) {
  TableMetadata table = After(ShopTable(), Next(ShopTable(), 12, 2000));
  const std::string text = table.Serialize();
  auto parsed = TableMetadata::Parse(text, "v1.json");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->Serialize(), text);
  EXPECT_EQ(parsed->schemas, table.schemas);
  EXPECT_EQ(parsed->specs, table.specs);
  EXPECT_EQ(parsed->current_snapshot()->manifest_list, "mem://list-12");
  EXPECT_EQ(json::parse(text)["refs"], json::parse(R"({"main":{"snapshot-id":12,"type":"branch"}})"));
  EXPECT_EQ(json::parse(text)["sort-orders"], json::parse(R"([{"order-id":0,"fields":[]}])"));
}

// What another engine may have put there.
json Foreign() {
  json document = json::parse(After(ShopTable(), Next(ShopTable(), 12, 2000)).Serialize());
  document["statistics"] = json::parse(R"([{"snapshot-id":12,"statistics-path":"mem://s"}])");
  document["refs"]["audit"] = json::parse(R"({"snapshot-id":12,"type":"tag","max-ref-age-ms":5})");
  document["refs"]["main"]["min-snapshots-to-keep"] = 3;
  document["sort-orders"].push_back(json::parse(
      R"({"order-id":1,"fields":[{"transform":"identity","source-id":1,"direction":"asc","null-order":"nulls-first"}]})"));
  document["default-sort-order-id"] = 1;
  document["snapshots"][0]["key-id"] = "k";
  document["schemas"][0]["identifier-field-ids"] = {1};
  document["schemas"].push_back(
      json::parse(R"({"type":"struct","schema-id":4,"fields":[{"id":1,"name":"u","required":false,"type":"uuid"}]})"));
  document["partition-specs"].push_back(
      json::parse(R"({"spec-id":3,"fields":[{"source-id":1,"field-id":1002,"name":"b","transform":"bucket[4]"}]})"));
  document["last-column-id"] = 9;
  return document;
}

TEST(TableMetadata, KeepsWhatItDoesNotKnow) {
  const json document = Foreign();
  auto parsed = TableMetadata::Parse(document.dump(), "v1.json");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(json::parse(parsed->Serialize()), document);
}

TEST(TableMetadata, AnUpdateLeavesWhatItDoesNotKnow) {
  const TableMetadata table = *TableMetadata::Parse(Foreign().dump(), "v1.json");
  TableUpdate update;
  update.snapshot = Next(table, 13, 3000);
  update.schema = table.schema();
  update.schema->fields.push_back({10, "note", false, Primitive(Kind::kString), ""});
  auto after = Apply(table, "v1.json", update, 3000, 0);
  ASSERT_TRUE(after.ok()) << after.status();
  const json document = json::parse(after->Serialize());
  EXPECT_EQ(document["refs"]["audit"], Foreign()["refs"]["audit"]);
  EXPECT_EQ(document["refs"]["main"], json::parse(R"({"snapshot-id":13,"type":"branch","min-snapshots-to-keep":3})"));
  EXPECT_EQ(document["current-schema-id"], 5) << "4 is another engine's";
  for (const json& schema : document["schemas"]) {
    if (schema["schema-id"] != 5) continue;
    EXPECT_EQ(schema["identifier-field-ids"], json::parse("[1]"));
  }
  EXPECT_EQ(after->current_snapshot()->schema_id, 5);
}

TEST(TableMetadata, RefusesOtherVersionsAndWhatDoesNotFitTogether) {
  const json good = json::parse(After(ShopTable(), Next(ShopTable(), 12, 2000)).Serialize());
  const std::vector<std::pair<std::string, json>> wrong = {{"/format-version", 1},
                                                           {"/format-version", 3},
                                                           {"/format-version", "2"},
                                                           {"/table-uuid", nullptr},
                                                           {"/current-schema-id", 8},
                                                           {"/current-schema-id", 99999999999},
                                                           {"/default-spec-id", 8},
                                                           {"/current-snapshot-id", 8},
                                                           {"/refs/main/snapshot-id", 8},
                                                           {"/refs/main/snapshot-id", "x"},
                                                           {"/last-column-id", 1},
                                                           {"/last-sequence-number", 0},
                                                           {"/last-updated-ms", 1.5},
                                                           {"/last-updated-ms", uint64_t{1} << 63},
                                                           {"/snapshots/0/manifest-list", nullptr},
                                                           {"/snapshots/0", 7},
                                                           {"/properties", {{"a", 1}}},
                                                           {"/schemas", "none"},
                                                           {"/refs", json::array()}};
  for (const auto& [pointer, value] : wrong) {
    json bad = good;
    bad[json::json_pointer(pointer)] = value;
    auto parsed = TableMetadata::Parse(bad.dump(), "v7.json");
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << pointer << " " << parsed.status();
    EXPECT_NE(parsed.status().message().find("v7.json"), std::string::npos) << parsed.status();
  }
  EXPECT_FALSE(TableMetadata::Parse(std::string(100'000, '['), "f").ok());
  EXPECT_FALSE(TableMetadata::Parse("7", "f").ok());
  EXPECT_FALSE(TableMetadata::Parse("", "f").ok());
}

TEST(TableMetadata, MinusOneMeansNoSnapshot) {
  json document = json::parse(ShopTable().Serialize());
  document["current-snapshot-id"] = -1;
  auto parsed = TableMetadata::Parse(document.dump(), "f");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->current_snapshot(), nullptr);
}

TEST(Apply, AddsASnapshotWithItsLogs) {
  const TableMetadata base = ShopTable();
  TableUpdate update;
  update.snapshot = Next(base, 12, 2000);
  update.set_properties = {{"offsets", "5"}};
  auto after = Apply(base, "v1.json", update, 1500, 0);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->current_snapshot_id, 12);
  EXPECT_EQ(after->last_sequence_number, 1);
  EXPECT_EQ(after->last_updated_ms, 2000);
  EXPECT_EQ(after->snapshot_log.back().snapshot_id, 12);
  ASSERT_EQ(after->metadata_log.size(), 1U);
  EXPECT_EQ(after->metadata_log[0].metadata_file, "v1.json");
  EXPECT_EQ(after->metadata_log[0].timestamp_ms, 1000);
  EXPECT_EQ(after->properties.at("offsets"), "5");
  EXPECT_EQ(after->current_snapshot()->schema_id, 0);
}

TEST(Apply, RefusesSnapshotsOfAnotherState) {
  const TableMetadata base = After(ShopTable(), Next(ShopTable(), 12, 2000));
  for (const auto& change : std::vector<std::function<void(Snapshot*)>>{
           [](Snapshot* s) { s->parent_id = 11; }, [](Snapshot* s) { s->parent_id.reset(); },
           [](Snapshot* s) { s->sequence_number = 1; }, [](Snapshot* s) { s->id = 12; }, [](Snapshot* s) { s->id = 0; }}) {
    TableUpdate update;
    update.snapshot = Next(base, 13, 3000);
    change(&*update.snapshot);
    EXPECT_TRUE(absl::IsInvalidArgument(Apply(base, "f", update, 3000, 0).status()));
  }
}

TEST(Apply, ClocksThatRunBackwardsDoNotShow) {
  const TableMetadata base = After(ShopTable(), Next(ShopTable(), 12, 2000));
  auto after = Apply(base, "f", TableUpdate(), 10, 0);
  EXPECT_EQ(after->last_updated_ms, 2000);
}

TEST(Apply, MetadataLogKeepsTheYoungAndTheNewestHundred) {
  TableMetadata base = ShopTable();
  for (int i = 0; i < 150; ++i) base.metadata_log.push_back({i, absl::StrCat("v", i)});
  EXPECT_EQ(Apply(base, "base", TableUpdate(), 1000, 0)->metadata_log.size(), 100U);
  EXPECT_EQ(Apply(base, "base", TableUpdate(), 1000, 2000)->metadata_log.size(), 151U);
  auto some = Apply(base, "base", TableUpdate(), 1000, 980);
  EXPECT_EQ(some->metadata_log.front().timestamp_ms, 20);
  EXPECT_EQ(some->metadata_log.back().metadata_file, "base");
}

absl::Status Evolve(const TableMetadata& base, const std::function<void(Schema*)>& change) {
  TableUpdate update;
  update.schema = base.schema();
  change(&*update.schema);
  return Apply(base, "f", update, 5000, 0).status();
}

TEST(Apply, SchemasEvolveOnlySoThatFilesStayReadable) {
  const TableMetadata base = After(ShopTable(), Next(ShopTable(), 12, 2000));
  EXPECT_TRUE(Evolve(base, [](Schema* s) { s->fields.push_back({4, "n", false, Primitive(Kind::kInt), ""}); }).ok());
  EXPECT_TRUE(Evolve(base, [](Schema* s) { s->fields[0].name = "order_id"; }).ok());
  EXPECT_TRUE(Evolve(base, [](Schema* s) { s->fields[0].required = false; }).ok());
  EXPECT_FALSE(Evolve(base,
                      [](Schema* s) {
                        s->fields.push_back({4, "n", true, Primitive(Kind::kInt), ""});
                      })
                   .ok())
      << "required";
  EXPECT_FALSE(Evolve(base, [](Schema* s) { s->fields[0].type = Primitive(Kind::kInt); }).ok()) << "narrowed";
  EXPECT_FALSE(Evolve(base, [](Schema* s) { s->fields[1].required = true; }).ok());
  EXPECT_FALSE(Evolve(base, [](Schema* s) { s->fields.pop_back(); }).ok()) << "the partition's source";
  EXPECT_FALSE(Evolve(base, [](Schema* s) { s->fields[0].id = 2; }).ok());
}

TEST(Apply, IdsAreNeverUsedAgain) {
  TableMetadata base = ShopTable();
  TableUpdate add;
  add.schema = base.schema();
  add.schema->fields.push_back({4, "n", false, Primitive(Kind::kInt), ""});
  const TableMetadata added = *Apply(base, "f", add, 5000, 0);
  EXPECT_EQ(added.last_column_id, 4);
  EXPECT_EQ(added.current_schema_id, 1);
  TableUpdate drop;
  drop.schema = base.schema();
  const TableMetadata dropped = *Apply(added, "f", drop, 5000, 0);
  EXPECT_EQ(dropped.current_schema_id, 0) << "the same columns are the same schema";
  EXPECT_EQ(dropped.schemas.size(), 2U);
  EXPECT_TRUE(absl::IsInvalidArgument(Apply(dropped, "f", add, 5000, 0).status()));
}

TEST(Apply, RemovedSnapshotsLeaveLogAndStatistics) {
  json document = Foreign();
  document["refs"].erase("audit");
  TableMetadata table = *TableMetadata::Parse(document.dump(), "v1.json");
  table = After(table, Next(table, 13, 3000));
  table = After(table, Next(table, 14, 4000));
  TableUpdate update;
  update.removed_snapshots = {12};
  auto after = Apply(table, "f", update, 5000, 0);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->FindSnapshot(12), nullptr);
  ASSERT_EQ(after->snapshot_log.size(), 2U);
  EXPECT_EQ(after->snapshot_log[0].snapshot_id, 13);
  EXPECT_TRUE(json::parse(after->Serialize())["statistics"].empty());
  update.removed_snapshots = {14};
  EXPECT_TRUE(absl::IsInvalidArgument(Apply(table, "f", update, 5000, 0).status())) << "the current one";
}

TEST(Apply, SnapshotsOfTagsCannotBeRemoved) {
  TableMetadata table = *TableMetadata::Parse(Foreign().dump(), "v1.json");
  table = After(table, Next(table, 13, 3000));
  TableUpdate update;
  update.removed_snapshots = {12};
  EXPECT_TRUE(absl::IsInvalidArgument(Apply(table, "f", update, 5000, 0).status()));
}

TEST(TableMetadata, DamagedTextIsNeverACrash) {
  const std::string text = Foreign().dump();
  for (size_t i = 0; i < text.size(); i += 2) {
    EXPECT_FALSE(TableMetadata::Parse(text.substr(0, i), "f").ok());
    for (const char c : {'0', '"', '[', '\xff'}) {
      std::string flipped = text;
      flipped[i] = c;
      auto parsed = TableMetadata::Parse(flipped, "f");
      EXPECT_TRUE(!parsed.ok() || !parsed->Serialize().empty());
    }
  }
}

}  // namespace
}  // namespace millrace::warehouse
