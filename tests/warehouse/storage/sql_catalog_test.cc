#include "catalog/sql_catalog.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "catalog_contract.h"
#include "cutting_proxy.h"
#include "postgres_server.h"
#include "storage/local_storage.h"

namespace millrace::warehouse_test {
namespace {

using nlohmann::json;
using warehouse::SqlCatalog;
using warehouse::SqlCatalogOptions;

SqlCatalogOptions Options(const std::string& address, const std::string& folder) {
  SqlCatalogOptions options;
  options.address = address;
  options.catalog_name = "millrace";
  options.warehouse = "file://" + folder;
  options.retry_time = std::chrono::seconds(20);
  return options;
}

/// The folder lives as long as the program.
std::string NewFolder() {
  static std::vector<std::unique_ptr<TemporaryFolder>> folders;
  folders.push_back(std::make_unique<TemporaryFolder>());
  return folders.back()->path();
}

CatalogUnderTest OnPostgres() {
  auto storage = std::make_shared<warehouse::LocalStorage>();
  PostgresServer& server = PostgresServer::Get();
  return {std::make_shared<SqlCatalog>(storage, Options(server.Address(server.port(), server.NewDatabase()), NewFolder())),
          storage};
}

INSTANTIATE_TEST_SUITE_P(Postgres, CatalogContract, testing::Values(&OnPostgres));

class SqlCatalogTest : public testing::Test {
 protected:
  SqlCatalogTest()
      : proxy_(server_.port()),
        database_(server_.NewDatabase()),
        storage_(std::make_shared<warehouse::LocalStorage>()),
        folder_(NewFolder()),
        catalog_(storage_, Options(server_.Address(proxy_.port(), database_), folder_)) {}

  LoadedTable Make() {
    absl::StatusOr<LoadedTable> table = catalog_.Create(name_, PaymentsSchema(), ByDay(), {{"a", "1"}});
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? *std::move(table) : LoadedTable{};
  }
  json ReadByPyiceberg(const std::string& more) {
    return json::parse(RunCommand(Python() + " " + TestFile("read_table.py") + " sql '" +
                                  server_.Address(server_.port(), database_, "postgresql+psycopg2") +
                                  "' millrace shop.payments " + more + " 2>/dev/null"));
  }

  PostgresServer& server_ = PostgresServer::Get();
  CuttingProxy proxy_;
  const std::string database_;
  const std::shared_ptr<warehouse::LocalStorage> storage_;
  const std::string folder_;
  SqlCatalog catalog_;
  const TableName name_{"shop", "payments"};
};

TEST_F(SqlCatalogTest, PyicebergReadsAndWritesTheSameTable) {
  const LoadedTable made = Make();
  absl::StatusOr<std::optional<LoadedTable>> first = catalog_.Commit(name_, made, EmptySnapshot(storage_.get(), made, "first"));
  ASSERT_TRUE(first.ok() && first->has_value()) << first.status();
  json read = ReadByPyiceberg("");
  EXPECT_EQ(read["rows"], 0);
  EXPECT_EQ(read["snapshots"], json({"first"}));
  EXPECT_EQ(read["spec"], json({"ts_day"}));

  EXPECT_EQ(ReadByPyiceberg("append")["rows"], 1);
  absl::StatusOr<std::optional<LoadedTable>> late =
      catalog_.Commit(name_, **first, EmptySnapshot(storage_.get(), **first, "late"));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_FALSE(late->has_value()) << "pyiceberg has committed meanwhile";
  absl::StatusOr<LoadedTable> found = catalog_.Load(name_);
  ASSERT_TRUE(found.ok()) << found.status();
  absl::StatusOr<std::optional<LoadedTable>> next = catalog_.Commit(name_, *found, EmptySnapshot(storage_.get(), *found, "next"));
  ASSERT_TRUE(next.ok() && next->has_value()) << next.status();
  read = ReadByPyiceberg("");
  EXPECT_EQ(read["rows"], 1);
  EXPECT_EQ(read["snapshots"], json({"first", "", "next"}));
  EXPECT_EQ(read["properties"]["a"], "1");
}

TEST_F(SqlCatalogTest, ACommitWhoseAnswerIsLostIsUnknownAndHasHappened) {
  const LoadedTable base = Make();
  const TableUpdate update = EmptySnapshot(storage_.get(), base, "mine");
  proxy_.CutAnswers("UPDATE iceberg_tables", 1);
  const absl::Status status = catalog_.Commit(name_, base, update).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  absl::StatusOr<LoadedTable> found = catalog_.Load(name_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_NE(found->metadata.FindSnapshot(update.snapshot->id), nullptr);
}

TEST_F(SqlCatalogTest, ACommitThatDoesNotArriveIsUnknownAndHasNotHappened) {
  const LoadedTable base = Make();
  const TableUpdate update = EmptySnapshot(storage_.get(), base, "mine");
  proxy_.CutRequests("UPDATE iceberg_tables", 1);
  const absl::Status status = catalog_.Commit(name_, base, update).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  absl::StatusOr<LoadedTable> found = catalog_.Load(name_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->metadata_file, base.metadata_file);
  absl::StatusOr<std::optional<LoadedTable>> again = catalog_.Commit(name_, *found, update);
  EXPECT_TRUE(again.ok() && again->has_value()) << again.status();
}

TEST_F(SqlCatalogTest, ReadsGoOnWhenAConnectionIsLost) {
  Make();
  proxy_.CutAnswers("SELECT metadata_location", 2);
  EXPECT_TRUE(catalog_.Load(name_).ok());
  EXPECT_EQ(proxy_.cuts(), 2);
}

TEST_F(SqlCatalogTest, AServerThatWasRestartedMeanwhileIsNoUnknownOutcome) {
  const LoadedTable base = Make();
  server_.Stop("--immediate");
  server_.Start();
  absl::StatusOr<std::optional<LoadedTable>> done = catalog_.Commit(name_, base, EmptySnapshot(storage_.get(), base, "x"));
  EXPECT_TRUE(done.ok() && done->has_value()) << done.status();
}

TEST_F(SqlCatalogTest, TablesOfTheFirstSchemaVersionAreUpgraded) {
  server_.Run(
      "create table iceberg_tables (catalog_name varchar(255) not null, table_namespace varchar(255) not null, table_name "
      "varchar(255) "
      "not null, metadata_location varchar(1000), previous_metadata_location varchar(1000), primary key (catalog_name, "
      "table_namespace, table_name))",
      database_);
  const LoadedTable base = Make();
  server_.Run("update iceberg_tables set iceberg_type = null", database_);  // as a client of that version writes it
  absl::StatusOr<std::optional<LoadedTable>> done = catalog_.Commit(name_, base, EmptySnapshot(storage_.get(), base, "x"));
  EXPECT_TRUE(done.ok() && done->has_value()) << done.status();
}

TEST_F(SqlCatalogTest, AViewIsNoTable) {
  ASSERT_TRUE(catalog_.List().ok());
  server_.Run("insert into iceberg_tables values ('millrace', 'shop', 'payments', 'file:///x', null, 'VIEW')", database_);
  EXPECT_TRUE(catalog_.List()->empty());
  EXPECT_TRUE(absl::IsNotFound(catalog_.Load(name_).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(catalog_.Create(name_, PaymentsSchema(), {}, {}).status()));
}

TEST_F(SqlCatalogTest, AUserWithoutRightsToMakeTablesCanUseThem) {
  Make();
  server_.Run("create role guest login password 'guest'; grant select, insert, update on all tables in schema public to guest",
              database_);
  SqlCatalog guest(storage_, Options("host=127.0.0.1 port=" + std::to_string(server_.port()) +
                                         " user=guest password=guest dbname=" + database_,
                                     folder_));
  absl::StatusOr<LoadedTable> found = guest.Load(name_);
  EXPECT_TRUE(found.ok()) << found.status();
}

TEST_F(SqlCatalogTest, PasswordsAreNotPrinted) {
  for (const std::string& address :
       {"postgresql://millrace:top-hidden@127.0.0.1:" + std::to_string(server_.port()) + "/" + database_,
        std::string("postgresql://millrace:top-hidden@127.0.0.1:port/x"), std::string("password=top-hidden nonsense"),
        std::string("postgresql://millrace:top-hidden@127.0.0.1:1/x")}) {
    SqlCatalogOptions options = Options(address, folder_);
    options.retry_time = std::chrono::milliseconds(0);
    const absl::Status status = SqlCatalog(storage_, options).Probe();
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.message().find("top-hidden"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace millrace::warehouse_test
