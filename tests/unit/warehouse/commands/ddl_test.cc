#include "warehouse_commands/ddl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "some_tables.h"

// What engines make of it: tests/warehouse/commands.

namespace millrace {
namespace {

using testing::HasSubstr;

TEST(Ddl, DuckDbGetsViewsOfFoldersWithComments) {
  const auto ddl = Ddl("duckdb", {SomeTable("my \"shop\"", "pay'ments")}, SomeAddress({}));
  ASSERT_TRUE(ddl.ok()) << ddl.status();
  EXPECT_EQ(*ddl,
            "INSTALL iceberg;\n"
            "LOAD iceberg;\n"
            "CREATE SCHEMA IF NOT EXISTS \"my \"\"shop\"\"\";\n"
            "CREATE OR REPLACE VIEW \"my \"\"shop\"\"\".\"pay'ments\" AS SELECT * FROM "
            "iceberg_scan('/data/my \"shop\"/pay''ments');\n"
            "COMMENT ON COLUMN \"my \"\"shop\"\"\".\"pay'ments\".\"amount\" IS 'The payer''s \"money\".';\n");
}

TEST(Ddl, DuckDbGetsTheMetadataFileWhereACatalogKnowsIt) {
  const auto ddl = Ddl("duckdb", {SomeTable("shop", "payments", "s3://b/w")},
                       SomeAddress({{"uri", "s3://b/w"},
                                    {"catalog", "sql"},
                                    {"catalog.uri", "postgresql://u@h/d"},
                                    {"s3.endpoint", "http://localhost:9000"},
                                    {"s3.path-style-access", "true"}}));
  ASSERT_TRUE(ddl.ok()) << ddl.status();
  EXPECT_THAT(*ddl, HasSubstr("iceberg_scan('s3://b/w/shop/payments/metadata/v7.metadata.json')"));
  EXPECT_THAT(*ddl, HasSubstr("ENDPOINT 'localhost:9000', USE_SSL false, URL_STYLE 'path'"));
  EXPECT_EQ(Ddl("duckdb", {}, SomeAddress({{"uri", "hdfs://h:1/w"}})).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Ddl, PostgresGetsTables) {
  warehouse::TableInfo table = SomeTable("shop", "payments");
  table.properties["comment"] = "It's all.";
  const auto ddl = Ddl("postgres", {table}, SomeAddress({}));
  ASSERT_TRUE(ddl.ok()) << ddl.status();
  EXPECT_EQ(*ddl,
            "CREATE SCHEMA IF NOT EXISTS \"shop\";\n"
            "CREATE TABLE IF NOT EXISTS \"shop\".\"payments\" (\n"
            "  \"id\" bigint NOT NULL,\n"
            "  \"amount\" numeric(18,2),\n"
            "  \"paid_at\" timestamp with time zone,\n"
            "  \"parts\" jsonb\n"
            ");\n"
            "COMMENT ON TABLE \"shop\".\"payments\" IS 'It''s all.';\n"
            "COMMENT ON COLUMN \"shop\".\"payments\".\"amount\" IS 'The payer''s \"money\".';\n");
}

TEST(Ddl, AnEngineThatIsNotKnownIsAnError) {
  const absl::Status error = Ddl("oracle", {}, SomeAddress({})).status();
  EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(error.message()), HasSubstr("spark, trino, athena, duckdb or postgres"));
}

}  // namespace
}  // namespace millrace
