#include "warehouse_commands/engine_text.h"

#include <gtest/gtest.h>

#include "some_tables.h"

namespace millrace {
namespace {

TEST(EngineText, QuotesNamesAndTexts) {
  EXPECT_EQ(QuoteName("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(QuoteName("a`b", '`'), "`a``b`");
  EXPECT_EQ(QuoteText("it's a \\"), "'it''s a \\'");
  EXPECT_EQ(QuoteShellWord("it's $a"), "'it'\\''s $a'");
}

TEST(EngineText, TypesOfPostgres) {
  const auto type = [](const std::string& iceberg) { return PostgresType(SomeColumn(1, "c", iceberg)); };
  EXPECT_EQ(type("boolean"), "boolean");
  EXPECT_EQ(type("int"), "integer");
  EXPECT_EQ(type("long"), "bigint");
  EXPECT_EQ(type("float"), "real");
  EXPECT_EQ(type("double"), "double precision");
  EXPECT_EQ(type("decimal(18,2)"), "numeric(18,2)");
  EXPECT_EQ(type("date"), "date");
  EXPECT_EQ(type("timestamptz"), "timestamp with time zone");
  EXPECT_EQ(type("string"), "text");
  EXPECT_EQ(type("binary"), "bytea");
  EXPECT_EQ(PostgresType(SomeTable("s", "t").columns[3]), "jsonb");
}

TEST(EngineText, TypesOfHive) {
  EXPECT_EQ(HiveType(SomeColumn(1, "c", "timestamptz")), "timestamp");
  EXPECT_EQ(HiveType(SomeColumn(1, "c", "decimal(18,2)")), "decimal(18,2)");
  EXPECT_EQ(HiveType(SomeTable("s", "t").columns[3]), "struct<a:int,b:array<string>>");
  EXPECT_EQ(HiveType(SomeColumn(1, "m", "map<string, long>", true, "",
                                {SomeColumn(2, "key", "string"), SomeColumn(3, "value", "long")})),
            "map<string,bigint>");
}

}  // namespace
}  // namespace millrace
