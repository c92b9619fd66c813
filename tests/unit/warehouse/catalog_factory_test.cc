#include "catalog/catalog_factory.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

using Configuration = std::map<std::string, std::string>;

TEST(CatalogFactoryTest, OpensEachKind) {
  for (const Configuration& configuration :
       {Configuration{{"catalog.type", "fs"}, {"warehouse", "file:///data"}},
        Configuration{
            {"catalog.type", "sql"}, {"warehouse", "s3://b/w"}, {"catalog.uri", "postgresql://u@h/d"}, {"catalog.name", "x"}},
        Configuration{{"catalog.type", "rest"},
                      {"warehouse", "s3://b/w"},
                      {"catalog.uri", "https://h/iceberg"},
                      {"rest.warehouse", "123"},
                      {"rest.sigv4-enabled", "true"},
                      {"rest.signing-name", "glue"},
                      {"rest.signing-region", "eu-west-1"},
                      {"s3.profile", "team"}}}) {
    const absl::StatusOr<OpenedCatalog> opened = OpenCatalog(configuration);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_NE(opened->catalog, nullptr);
    EXPECT_NE(opened->storage, nullptr);
  }
}

TEST(CatalogFactoryTest, SaysWhatIsWrong) {
  const std::vector<std::pair<Configuration, std::string>> cases = {
      {{}, "catalog.type is missing: fs, sql or rest"},
      {{{"catalog.type", "fs"}}, "warehouse is missing"},
      {{{"catalog.type", "hive"}, {"warehouse", "file:///x"}}, "catalog.type 'hive' is not known"},
      {{{"catalog.type", "fs"}, {"warehouse", "/data"}}, "has no scheme"},
      {{{"catalog.type", "fs"}, {"warehouse", "gs://b/x"}}, "there is no storage for 'gs'"},
      {{{"catalog.type", "fs"}, {"warehouse", "file:///x"}, {"catalog.uri", "x"}}, "'catalog.uri' is no setting"},
      {{{"catalog.type", "fs"}, {"warehouse", "file:///x"}, {"s3.endpont", "x"}}, "'s3.endpont' is no setting"},
      {{{"catalog.type", "sql"}, {"warehouse", "file:///x"}}, "catalog.uri is missing"},
      {{{"catalog.type", "sql"}, {"warehouse", "file:///x"}, {"catalog.uri", "password=secret x"}}, "catalog.uri: the address"},
      {{{"catalog.type", "rest"}, {"warehouse", "file:///x"}, {"catalog.uri", "h"}}, "must start with http"},
      {{{"catalog.type", "rest"}, {"warehouse", "file:///x"}, {"catalog.uri", "http://h"}, {"rest.sigv4-enabled", "1"}},
       "rest.sigv4-enabled must be true or false"}};
  for (const auto& [configuration, message] : cases) {
    const absl::Status status = OpenCatalog(configuration).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_NE(status.message().find(message), std::string::npos) << status << "\nwanted: " << message;
    EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace millrace::warehouse
