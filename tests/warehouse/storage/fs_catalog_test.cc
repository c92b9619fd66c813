#include "catalog/fs_catalog.h"

#include <nlohmann/json.hpp>

#include "catalog_contract.h"
#include "child_process.h"
#include "cutting_proxy.h"
#include "s3_server.h"
#include "storage/local_storage.h"

namespace millrace::warehouse_test {
namespace {

using nlohmann::json;
using warehouse::FsCatalog;

CatalogUnderTest OnS3() {
  auto storage = S3Server::Get().Open();
  return {std::make_shared<FsCatalog>(storage, S3Server::Get().NewFolder()), storage};
}

INSTANTIATE_TEST_SUITE_P(S3, CatalogContract, testing::Values(&OnS3));

json ReadByPyiceberg(const std::string& arguments) {
  return json::parse(RunCommand(Python() + " " + TestFile("read_table.py") + " static " + arguments + " 2>/dev/null"));
}

/// A table with two states, as readers must see it.
void MakeTable(Catalog* catalog, warehouse::Storage* storage) {
  absl::StatusOr<LoadedTable> made = catalog->Create({"shop", "payments"}, PaymentsSchema(), ByDay(), {{"a", "1"}});
  ASSERT_TRUE(made.ok()) << made.status();
  absl::StatusOr<std::optional<LoadedTable>> changed =
      catalog->Commit({"shop", "payments"}, *made, EmptySnapshot(storage, *made, "first"));
  ASSERT_TRUE(changed.ok() && changed->has_value()) << changed.status();
}

void ExpectTable(const json& read) {
  EXPECT_EQ(read["rows"], 0);
  EXPECT_EQ(read["columns"], json({"id", "amount", "ts"}));
  EXPECT_EQ(read["spec"], json({"ts_day"}));
  EXPECT_EQ(read["properties"]["a"], "1");
  EXPECT_EQ(read["snapshots"], json({"first"}));
}

TEST(FsCatalogTest, PyicebergReadsALocalTableByItsHint) {
  const TemporaryFolder folder;
  auto storage = std::make_shared<warehouse::LocalStorage>();
  FsCatalog catalog(storage, "file://" + folder.path());
  MakeTable(&catalog, storage.get());
  ExpectTable(ReadByPyiceberg("file://" + folder.path() + "/shop/payments"));
}

TEST(FsCatalogTest, PyicebergReadsATableOnS3ByItsHint) {
  const std::string warehouse = S3Server::Get().NewFolder();
  auto storage = S3Server::Get().Open();
  FsCatalog catalog(storage, warehouse);
  MakeTable(&catalog, storage.get());
  ExpectTable(ReadByPyiceberg(
      warehouse + "/shop/payments s3.region=us-east-1 s3.endpoint=http://127.0.0.1:" + std::to_string(S3Server::Get().port()) +
      " s3.access-key-id=" + S3Server::Get().access_key() + " s3.secret-access-key=" + S3Server::Get().secret_key()));
}

TEST(FsCatalogTest, DuckDbReadsATableByItsHint) {
  const TemporaryFolder folder;
  auto storage = std::make_shared<warehouse::LocalStorage>();
  FsCatalog catalog(storage, "file://" + folder.path());
  MakeTable(&catalog, storage.get());
  const std::string script =
      "import duckdb,duckdb_extension_avro as a,duckdb_extension_iceberg as i,os,sys; c=duckdb.connect();"
      "[c.load_extension(os.path.join(m.__path__[0],'extensions','v1.5.5',n+'.duckdb_extension')) for m,n in "
      "((a,'avro'),(i,'iceberg'))];"
      "print(c.sql(\\\"select count(*) from iceberg_scan('\\\" + sys.argv[1] + \\\"')\\\").fetchall())";
  EXPECT_EQ(RunCommand(Python() + " -c \"" + script + "\" file://" + folder.path() + "/shop/payments"), "[(0,)]");
}

class UnknownOutcomeTest : public testing::Test {
 protected:
  UnknownOutcomeTest() : proxy_(S3Server::Get().port()) {
    warehouse::S3Options options = S3Server::Get().Options(proxy_.port());
    options.retry_time = std::chrono::milliseconds(150);
    storage_ = std::make_shared<warehouse::S3Storage>(options);
    catalog_ = std::make_unique<FsCatalog>(storage_, S3Server::Get().NewFolder());
    absl::StatusOr<LoadedTable> made = catalog_->Create(name_, PaymentsSchema(), {}, {});
    EXPECT_TRUE(made.ok()) << made.status();
    base_ = *std::move(made);
  }

  const TableName name_{"shop", "payments"};
  CuttingProxy proxy_;
  std::shared_ptr<warehouse::S3Storage> storage_;
  std::unique_ptr<FsCatalog> catalog_;
  LoadedTable base_;
};

TEST_F(UnknownOutcomeTest, OfACommitThatHappenedIsSettledByALook) {
  const TableUpdate update = EmptySnapshot(storage_.get(), base_, "mine");
  proxy_.CutAnswers("If-None-Match", 1000);
  const absl::Status status = catalog_->Commit(name_, base_, update).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  proxy_.CutAnswers("", 0);
  EXPECT_NE(catalog_->Load(name_)->metadata.FindSnapshot(update.snapshot->id), nullptr);
}

TEST_F(UnknownOutcomeTest, OfACommitThatDidNotHappenIsSettledByALook) {
  const TableUpdate update = EmptySnapshot(storage_.get(), base_, "mine");
  proxy_.CutRequests("If-None-Match", 1000);
  const absl::Status status = catalog_->Commit(name_, base_, update).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  proxy_.CutAnswers("", 0);
  absl::StatusOr<LoadedTable> found = catalog_->Load(name_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->metadata_file, base_.metadata_file);
  absl::StatusOr<std::optional<LoadedTable>> again = catalog_->Commit(name_, *found, update);
  EXPECT_TRUE(again.ok() && again->has_value()) << again.status();
}

TEST_F(UnknownOutcomeTest, OfOneAnswerIsSettledByTheStorage) {
  proxy_.CutAnswers("If-None-Match", 1);
  absl::StatusOr<std::optional<LoadedTable>> done = catalog_->Commit(name_, base_, EmptySnapshot(storage_.get(), base_, "mine"));
  EXPECT_TRUE(done.ok() && done->has_value()) << done.status();
  EXPECT_EQ(proxy_.cuts(), 1);
}

}  // namespace
}  // namespace millrace::warehouse_test
