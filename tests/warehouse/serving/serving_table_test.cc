#include "serving/serving_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "absl/strings/str_split.h"
#include "serving_test_support.h"
#include "test_protos.h"

namespace millrace::warehouse_test {
namespace {

using testing::HasSubstr;

class ServingTableTest : public ServingFixture {
 protected:
  /// Of a table, in their order: "name type", with "!" where it must be set.
  std::string Columns(const std::string& table = "payments") {
    return Sql(
        "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '!' ELSE '' END, "
        "', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'shop." +
        table + "'::regclass AND attnum > 0 AND NOT attisdropped");
  }
  void Describe(const google::protobuf::Descriptor& message) {
    description_.message = message.full_name();
    description_.descriptor_set = DescriptorSetOf(message);
  }
  /// A message M with these fields.
  const google::protobuf::Descriptor& Message(const std::string& fields) {
    const google::protobuf::Descriptor* message = protos_.text().Message("message M { " + fields + " }");
    Describe(*message);
    return *message;
  }
  std::string Bytes(const google::protobuf::Descriptor& message, const std::string& text) {
    return protos_.text().Bytes(message, text);
  }
  std::string WhyNot() {
    const auto landing = warehouse_->OpenLanding(description_);
    EXPECT_TRUE(absl::IsFailedPrecondition(landing.status()) || absl::IsInvalidArgument(landing.status())) << landing.status();
    return landing.status().ToString();
  }

  TestProtos protos_;
};

TEST_F(ServingTableTest, MakesATableOfTheMessageWithWhatIsKnownOfIt) {
  description_.settings["columns.amount_cents.decimal"] = "18,2";
  description_.settings["columns.date.date.from"] = "paid_at";
  description_.settings["errors"] = "dead-letter";
  Open();
  EXPECT_EQ(
      Columns(),
      "payment_id bigint!, order_id bigint!, amount_cents numeric(18,2)!, currency text!, paid_at timestamp with time zone, "
      "date date, _topic text!, _topic_partition integer!, _offset bigint!, _timestamp timestamp with time zone!, _key text!");
  EXPECT_THAT(Columns("payments_dead_letters"), HasSubstr("value bytea"));
  EXPECT_EQ(Sql("SELECT mode, key_columns, message, version FROM shop.millrace_tables"),
            "upsert|_key|millrace.tshirt.v1.Payment|1");
  EXPECT_THAT(Sql("SELECT obj_description('shop.payments'::regclass)"), HasSubstr("topic payments"));
  EXPECT_EQ(Sql("SELECT col_description('shop.payments'::regclass, 11)"), "The key of the record.");
}

TEST_F(ServingTableTest, FollowsItsMessage) {
  const auto& before = protos_.Message("evolution_1", "Customer");
  const auto& after = protos_.Message("evolution_2", "Customer");
  description_.settings["schema.type.change"] = "new-column";
  Describe(before);
  auto landing = Open();
  Put(landing.get(), 0, "a",
      Bytes(before, "id: 1 customer: 'anna' score: 0.5 gone: 'x' address { street: 's' city: 'c' } code: 7"));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 1)));
  EXPECT_THAT(Columns(), HasSubstr("id integer!, customer text!, score real!, gone text!, address jsonb, code integer!"));

  Describe(after);
  auto newer = Open();
  EXPECT_THAT(Columns(), HasSubstr("id bigint!, payer text!, score double precision!, gone text, address jsonb, code integer, "
                                   "_topic text!"));
  EXPECT_THAT(Columns(), HasSubstr("_key text!, code_v2 text, tags jsonb, note text"));
  EXPECT_EQ(Sql("SELECT col_description('shop.payments'::regclass, 1)"), "was int32");
  Put(newer.get(), 1, "b",
      Bytes(after,
            "id: 5000000000 payer: 'berta' score: 0.1 address { street: 't' town: 'd' zip: 'z' } "
            "tags: 'u' tags: 'v' note: '' code: 'k'"));
  ASSERT_TRUE(Committed(newer.get(), Range(1, 2)));
  EXPECT_EQ(Sql("SELECT id, payer, score, gone, address ->> 'town', code, tags, note, code_v2 FROM shop.payments ORDER BY id"),
            "1|anna|0.5|x|NULL|7|NULL|NULL|NULL\n5000000000|berta|0.1|NULL|d|NULL|[\"u\", \"v\"]||k");
  Open();
  EXPECT_EQ(Sql("SELECT version FROM shop.millrace_tables"), "2") << "nothing was left to change";
}

TEST_F(ServingTableTest, WhoHasTheOldColumnsIsToldAndReadsAgain) {
  const auto& before = Message("int64 id = 1; string a = 2; string b = 3;");
  auto old = Open();
  Put(old.get(), 0, "k", Bytes(before, "id: 1 a: 'a' b: 'b'"));
  // The names change places, so that the old statement would still be understood.
  Message("int64 id = 1; string b = 2; string a = 3;");
  Open();
  const auto done = old->Commit(Range(0, 1));
  EXPECT_EQ(done.status().code(), absl::StatusCode::kUnavailable) << done.status();
  EXPECT_EQ(Sql("SELECT count(*) FROM shop.payments"), "0");
  EXPECT_EQ(Sql("SELECT count(*) FROM shop.millrace_offsets"), "0");
  ASSERT_TRUE(old->Positions().ok());
  Put(old.get(), 0, "k", Bytes(before, "id: 1 a: 'a' b: 'b'"));
  ASSERT_TRUE(Committed(old.get(), Range(0, 1)));
  EXPECT_EQ(Sql("SELECT id, a, b FROM shop.payments"), "1|a|b");
}

TEST_F(ServingTableTest, RefusesATypeThatRowsCannotTake) {
  Message("int64 id = 1; string a = 2;");
  Open();
  Message("int64 id = 1; int32 a = 2;");
  EXPECT_THAT(WhyNot(), HasSubstr("column a is string"));
  EXPECT_EQ(Sql("SELECT version FROM shop.millrace_tables"), "1");
}

TEST_F(ServingTableTest, RefusesAnotherModeOrKey) {
  Open();
  description_.settings["mode"] = "append";
  EXPECT_THAT(WhyNot(), HasSubstr("was made with mode=upsert"));
  description_.settings["mode"] = "upsert";
  description_.settings["key.columns"] = "payment_id";
  EXPECT_THAT(WhyNot(), HasSubstr("was made with key.columns=_key, not payment_id"));
  description_.settings["key.columns"] = "nothing";
  EXPECT_THAT(WhyNot(), HasSubstr("key.columns"));
}

TEST_F(ServingTableTest, RefusesTablesThatAreNotItsOwn) {
  Sql("CREATE SCHEMA shop");
  Sql("CREATE TABLE shop.payments (x integer)");
  EXPECT_THAT(WhyNot(), HasSubstr("shop.payments lacks the column _key"));
  Sql("DROP TABLE shop.payments");
  Sql("CREATE VIEW shop.payments AS SELECT 1");
  EXPECT_THAT(WhyNot(), HasSubstr("is no table"));
}

TEST_F(ServingTableTest, SeesWhatOthersHaveDoneToItsTable) {
  Open();
  Sql("ALTER TABLE shop.payments ADD COLUMN note text, ADD COLUMN at timestamptz NOT NULL DEFAULT now()");
  Open();
  Sql("ALTER TABLE shop.payments ADD COLUMN must integer NOT NULL");
  EXPECT_THAT(WhyNot(), HasSubstr("has a column must"));
  Sql("ALTER TABLE shop.payments DROP COLUMN must, ALTER COLUMN currency TYPE varchar(3)");
  EXPECT_THAT(WhyNot(), HasSubstr("column currency is character varying(3) and should be text"));
  Sql("ALTER TABLE shop.payments ALTER COLUMN currency TYPE text, ALTER COLUMN paid_at SET NOT NULL");
  EXPECT_THAT(WhyNot(), HasSubstr("column paid_at must take NULL"));
  Sql("ALTER TABLE shop.payments DROP COLUMN paid_at");
  EXPECT_THAT(WhyNot(), HasSubstr("lacks the column paid_at"));
  Sql("ALTER TABLE shop.payments ADD COLUMN paid_at timestamptz, DROP CONSTRAINT payments_pkey");
  EXPECT_THAT(WhyNot(), HasSubstr("lacks the primary key (_key)"));
  Sql("ALTER TABLE shop.payments ADD PRIMARY KEY (_key)");
  Open();
}

TEST_F(ServingTableTest, AUserWithFewRightsLandsInWhatOthersHaveMade) {
  Open();
  // As a database administrator would hand it over.
  Sql("CREATE TABLE shop.copied (LIKE shop.payments INCLUDING ALL)");
  const std::string role = "landing_" + database_;
  Sql("CREATE ROLE " + role + " LOGIN PASSWORD 'few'");
  Sql("GRANT USAGE ON SCHEMA shop TO " + role);
  Sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO " + role);
  const std::string address = "postgresql://" + role + ":few@127.0.0.1:" + std::to_string(server_.port()) + "/" + database_;
  auto warehouse = PostgresWarehouse::Open({{"uri", address}});
  ASSERT_TRUE(warehouse.ok());
  for (const char* table : {"payments", "copied"}) {
    description_.table = table;
    auto landing = Open(warehouse->get());
    ASSERT_NE(landing, nullptr);
    Put(landing.get(), 0, "a", Payment(1, 1));
    Put(landing.get(), 1, "b", Payment(1, 1));
    Remove(landing.get(), 2, "b");
    EXPECT_TRUE(Committed(landing.get(), Range(0, 3)));
    EXPECT_EQ(Sql(absl::StrCat("SELECT count(*) FROM shop.", table)), "1");
  }
  description_.table = "another";
  const absl::Status refused = (*warehouse)->OpenLanding(description_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << refused;
}

TEST_F(ServingTableTest, ATableThatIsDroppedIsLandedAnew) {
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 1)));
  Sql("DROP TABLE shop.payments");
  Put(landing.get(), 1, "b", Payment(2, 2));
  EXPECT_FALSE(landing->Commit(Range(1, 2)).ok());
  EXPECT_TRUE(Open()->Positions()->empty());
  EXPECT_EQ(Sql("SELECT version FROM shop.millrace_tables"), "2");
}

TEST_F(ServingTableTest, RefusesNamesThatPostgresqlWouldCut) {
  description_.table = std::string(64, 't');
  EXPECT_THAT(WhyNot(), HasSubstr("1 to 63 bytes"));
  description_.table = "payments";
  Message("int64 " + std::string(64, 'c') + " = 1;");
  EXPECT_THAT(WhyNot(), HasSubstr("1 to 63 bytes"));
}

TEST_F(ServingTableTest, NamesMayHoldAnything) {
  description_.name_space = "The \"shop\"";
  description_.table = "pay'ments \\ x";
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 1)));
  EXPECT_EQ(warehouse_->Tables()->at(0).table, description_.table);
}

class PostgresWarehouseTest : public ServingTableTest {};

TEST_F(PostgresWarehouseTest, ListsTablesWithTheirFreshness) {
  EXPECT_TRUE(warehouse_->Tables()->empty());
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), {{0, {0, 1, 5'000'500}}, {1, {0, 4, 4'000'250}}, {2, {0, 1, std::nullopt}}}));
  const auto tables = warehouse_->Tables();
  ASSERT_TRUE(tables.ok()) << tables.status();
  ASSERT_EQ(tables->size(), 1);
  const TableInfo& table = tables->front();
  EXPECT_EQ(table.name_space, "shop");
  EXPECT_EQ(table.table, "payments");
  EXPECT_EQ(table.rows, 1);
  EXPECT_EQ(table.valid_through_ms, 4'000'250);
  EXPECT_GT(table.last_commit_ms, 1'600'000'000'000);
  EXPECT_GT(table.bytes, 0);
  EXPECT_EQ(table.location, absl::StrCat("postgresql://127.0.0.1:", server_.port(), "/", database_));
  EXPECT_EQ(table.columns.front().name, "payment_id");
  EXPECT_EQ(table.columns.front().type, "bigint");
  EXPECT_TRUE(table.columns.front().required);
  EXPECT_EQ(Sql("SELECT table_name, extract(epoch FROM valid_through) FROM shop.millrace_freshness"), "payments|4000.250000");
  // A stream time never goes back.
  ASSERT_TRUE(Committed(landing.get(), {{1, {4, 5, 3'000'000}}}));
  EXPECT_EQ(warehouse_->Tables()->front().valid_through_ms, 4'000'250);
}

TEST_F(PostgresWarehouseTest, ResetForgetsThePositionsOfOneApplication) {
  auto landing = Open();
  ASSERT_TRUE(Committed(landing.get(), Range(0, 5)));
  description_.application_id = "other";
  ASSERT_TRUE(Committed(Open().get(), Range(0, 3)));
  EXPECT_THAT(*warehouse_->TablesLandedBy("app"), testing::ElementsAre("shop.payments"));
  EXPECT_EQ(warehouse_->ResetPositions("app", /*remove_rows=*/true).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(warehouse_->ResetPositions("app", /*remove_rows=*/false).ok());
  EXPECT_TRUE(warehouse_->TablesLandedBy("app")->empty());
  EXPECT_EQ(Open()->Positions()->at(0), 3);
  description_.application_id = "app";
  EXPECT_TRUE(Open()->Positions()->empty());
  // Who went on while it was reset knew another place.
  Put(landing.get(), 5, "a", Payment(1, 1));
  EXPECT_FALSE(Committed(landing.get(), Range(5, 6)));
}

TEST_F(PostgresWarehouseTest, ResetTakesRowsOutIfToldTo) {
  auto landing = Open();
  Put(landing.get(), 0, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 1)));
  ASSERT_TRUE(warehouse_->ResetPositions("app", /*remove_rows=*/true).ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM shop.payments"), "0");
  EXPECT_TRUE(Open()->Positions()->empty());
}

TEST_F(PostgresWarehouseTest, RefusesSettingsThatItHasNot) {
  EXPECT_TRUE(absl::IsInvalidArgument(PostgresWarehouse::Open({{"uri", "postgresql://x/y"}, {"s3.region", "z"}}).status()));
  EXPECT_TRUE(PostgresWarehouse::IsAddress("postgres://x/y"));
  EXPECT_FALSE(PostgresWarehouse::IsAddress("file:///x"));
}

/// The SQL of docs/serving.md, block by block.
std::vector<std::string> BlocksOfDocs() {
  std::ifstream file(std::string(MILLRACE_SOURCE_DIR) + "/docs/serving.md");
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (!inside && line == "```sql") {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      absl::StrAppend(&blocks.back(), line, "\n");
    }
  }
  return blocks;
}

TEST_F(PostgresWarehouseTest, WhatTheDocsSayWorks) {
  const std::vector<std::string> blocks = BlocksOfDocs();
  ASSERT_EQ(blocks.size(), 2);
  for (const absl::string_view statement : absl::StrSplit(blocks[1], ';', absl::SkipWhitespace())) {
    ASSERT_EQ(Sql(std::string(statement)), "");
  }
  const auto address = [&](const std::string& login) {
    return "postgresql://" + login + "@127.0.0.1:" + std::to_string(server_.port()) + "/" + database_;
  };
  auto warehouse = PostgresWarehouse::Open({{"uri", address("landing:change-me")}});
  ASSERT_TRUE(warehouse.ok());
  description_.name_space = "serving";
  description_.settings["errors"] = "dead-letter";
  auto landing = Open(warehouse->get());
  ASSERT_NE(landing, nullptr);
  Put(landing.get(), 0, "a", Payment(1, 1));
  ASSERT_TRUE(Committed(landing.get(), Range(0, 1)));
  const std::string reader = address("dashboards:change-me-too");
  EXPECT_EQ(SqlAt(reader, "SELECT _key FROM serving.payments"), "a");
  EXPECT_THAT(SqlAt(reader, blocks[0]), HasSubstr("payments|1970-01-01"));
  EXPECT_THAT(SqlAt(reader, "DELETE FROM serving.payments"), HasSubstr("permission denied"));
}

}  // namespace
}  // namespace millrace::warehouse_test
