#include "warehouse_commands/warehouse_address.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(WarehouseAddress, TellsJavaWherePostgresIs) {
  const auto address =
      WarehouseAddress::From({{"uri", "file:///data/"},
                              {"catalog", "sql"},
                              {"catalog.uri", "postgresql://anna:secret@db:5432/shop?sslmode=require&passfile=x"}});
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->jdbc_url, "jdbc:postgresql://db:5432/shop?sslmode=require");
  EXPECT_EQ(address->jdbc_user, "anna");
  EXPECT_EQ(address->catalog_name, "millrace");
  EXPECT_EQ(address->uri, "file:///data");
  EXPECT_EQ(address->scheme, "file");
  EXPECT_EQ(WarehouseAddress::From({{"uri", "file:///data"}, {"catalog", "sql"}, {"catalog.uri", "host=db"}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(WarehouseAddress, KnowsGlue) {
  std::map<std::string, std::string> settings = {
      {"uri", "s3://b/w"}, {"catalog", "rest"}, {"catalog.uri", "https://glue"}, {"rest.sigv4-enabled", "true"}};
  EXPECT_TRUE(WarehouseAddress::From(settings)->is_glue());
  settings["rest.signing-name"] = "s3tables";
  EXPECT_FALSE(WarehouseAddress::From(settings)->is_glue());
}

}  // namespace
}  // namespace millrace
