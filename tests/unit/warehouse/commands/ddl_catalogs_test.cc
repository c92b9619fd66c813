#include "warehouse_commands/ddl_catalogs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "some_tables.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::map<std::string, std::string> kSql = {{"catalog", "sql"}, {"catalog.uri", "postgresql://anna:secret@db:5432/shop"}};
const std::map<std::string, std::string> kS3 = {
    {"uri", "s3://b/w"}, {"s3.region", "eu-west-1"}, {"s3.path-style-access", "true"}};

std::map<std::string, std::string> Both(std::map<std::string, std::string> settings) {
  settings.insert(kS3.begin(), kS3.end());
  return settings;
}

TEST(SparkDdl, FindsTablesOfAFileSystemByTheirFolders) {
  EXPECT_EQ(*SparkDdl({SomeTable("shop", "pay`ments")}, SomeAddress({})),
            "-- Start Spark with --packages org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0\n"
            "SET `spark.sql.catalog.millrace`=`org.apache.iceberg.spark.SparkCatalog`;\n"
            "SET `spark.sql.catalog.millrace.type`=`hadoop`;\n"
            "SET `spark.sql.catalog.millrace.warehouse`=`file:///data`;\n"
            "-- The tables describe themselves.\n"
            "DESCRIBE TABLE `millrace`.`shop`.`pay``ments`;\n");
}

TEST(SparkDdl, UsesTheCatalogInPostgresUnderItsNameAndPrintsNoPassword) {
  std::map<std::string, std::string> settings = kSql;
  settings["catalog.name"] = "ours";
  EXPECT_THAT(*SparkDdl({SomeTable("shop", "payments")}, SomeAddress(settings)),
              AllOf(HasSubstr("SET `spark.sql.catalog.ours.type`=`jdbc`;\n"),
                    HasSubstr("SET `spark.sql.catalog.ours.uri`=`jdbc:postgresql://db:5432/shop`;\n"),
                    HasSubstr("SET `spark.sql.catalog.ours.jdbc.user`=`anna`;\n"),
                    HasSubstr("SET `spark.sql.catalog.ours.jdbc.schema-version`=`V1`;\n"), Not(HasSubstr("secret"))));
}

TEST(SparkDdl, ReadsS3ByHadoopWhereFoldersAreTheCatalogAndByIcebergElsewhere) {
  EXPECT_THAT(
      *SparkDdl({}, SomeAddress(kS3)),
      AllOf(HasSubstr(",org.apache.hadoop:hadoop-aws:3.4.2\n"), HasSubstr("SET `spark.sql.catalog.millrace.type`=`hadoop`;\n"),
            HasSubstr("SET `spark.sql.catalog.millrace.hadoop.fs.s3.impl`=`org.apache.hadoop.fs.s3a.S3AFileSystem`;\n"),
            HasSubstr("SET `spark.sql.catalog.millrace.hadoop.fs.s3a.endpoint.region`=`eu-west-1`;\n"),
            Not(HasSubstr("S3FileIO"))));
  EXPECT_THAT(*SparkDdl({}, SomeAddress(Both(kSql))),
              AllOf(HasSubstr(",org.apache.iceberg:iceberg-aws-bundle:1.12.0\n"),
                    HasSubstr("SET `spark.sql.catalog.millrace.io-impl`=`org.apache.iceberg.aws.s3.S3FileIO`;\n"),
                    HasSubstr("SET `spark.sql.catalog.millrace.client.region`=`eu-west-1`;\n"), Not(HasSubstr("hadoop"))));
}

TEST(TrinoDdl, IsAFileOfPropertiesWhereThereIsACatalog) {
  EXPECT_EQ(*TrinoDdl({SomeTable("shop", "payments")}, SomeAddress(kSql)),
            "# etc/catalog/millrace.properties: the tables are there then, with their descriptions.\n"
            "connector.name=iceberg\n"
            "iceberg.catalog.type=jdbc\n"
            "iceberg.jdbc-catalog.catalog-name=millrace\n"
            "iceberg.jdbc-catalog.schema-version=V1\n"
            "iceberg.jdbc-catalog.driver-class=org.postgresql.Driver\n"
            "iceberg.jdbc-catalog.connection-url=jdbc:postgresql://db:5432/shop\n"
            "iceberg.jdbc-catalog.connection-user=anna\n"
            "iceberg.jdbc-catalog.connection-password=${ENV:MILLRACE_CATALOG_PASSWORD}\n"
            "iceberg.jdbc-catalog.default-warehouse-dir=file:///data\n"
            "fs.hadoop.enabled=true\n");
  EXPECT_THAT(*TrinoDdl({}, SomeAddress(Both(kSql))),
              AllOf(HasSubstr("fs.native-s3.enabled=true\n"), HasSubstr("s3.region=eu-west-1\n"), Not(HasSubstr("fs.hadoop"))));
}

TEST(TrinoDdl, RegistersTablesOfAFileSystem) {
  EXPECT_THAT(*TrinoDdl({SomeTable("shop", "pay'ments")}, SomeAddress({})),
              AllOf(HasSubstr("CREATE SCHEMA IF NOT EXISTS millrace.\"shop\";\n"),
                    HasSubstr("CALL millrace.system.register_table(schema_name => 'shop', table_name => 'pay''ments', "
                              "table_location => 'file:///data/shop/pay''ments', metadata_file_name => 'v7.metadata.json');\n"),
                    HasSubstr("A registration is the table as it was at that commit")));
}

TEST(AthenaDdl, RegistersTheMetadataFileInGlue) {
  const auto json = nlohmann::json::parse(GlueTableJson(SomeTable("Shop", "Payments", "s3://b/w")));
  EXPECT_EQ(json["DatabaseName"], "shop");
  EXPECT_EQ(json["TableInput"]["Name"], "payments");
  EXPECT_EQ(json["TableInput"]["TableType"], "EXTERNAL_TABLE");
  EXPECT_EQ(json["TableInput"]["Parameters"]["table_type"], "ICEBERG");
  EXPECT_EQ(json["TableInput"]["Parameters"]["metadata_location"], "s3://b/w/Shop/Payments/metadata/v7.metadata.json");
  const auto& columns = json["TableInput"]["StorageDescriptor"]["Columns"];
  EXPECT_EQ(columns[0]["Type"], "bigint");
  EXPECT_FALSE(columns[0].contains("Comment"));
  EXPECT_EQ(columns[1]["Comment"], "The payer's \"money\".");
  EXPECT_EQ(columns[0]["Parameters"]["iceberg.field.optional"], "false");
  EXPECT_EQ(columns[3]["Type"], "struct<a:int,b:array<string>>");
}

TEST(AthenaDdl, CommentsAreAsLongAsGlueTakesThemInOneLine) {
  warehouse::TableInfo table = SomeTable("shop", "payments", "s3://b/w");
  table.columns[0].doc = "a\nb";
  table.columns[1].doc = std::string(254, 'x') + "\xC3\xA4";
  const auto columns = nlohmann::json::parse(GlueTableJson(table))["TableInput"]["StorageDescriptor"]["Columns"];
  EXPECT_EQ(columns[0]["Comment"], "a b");
  EXPECT_EQ(columns[1]["Comment"], std::string(254, 'x'));
}

TEST(AthenaDdl, SaysWhereNothingIsToDoAndWhereNothingCanBeDone) {
  EXPECT_THAT(*AthenaDdl({}, SomeAddress(Both({{"catalog", "rest"}, {"rest.sigv4-enabled", "true"}}))),
              HasSubstr("without anything to run"));
  EXPECT_THAT(*AthenaDdl({SomeTable("shop", "it's", "s3://b/w")}, SomeAddress(kS3)),
              HasSubstr("aws glue create-database --database-input '{\"Name\":\"shop\"}'\n"));
  EXPECT_EQ(AthenaDdl({}, SomeAddress({})).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace millrace
