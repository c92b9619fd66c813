#include "catalog/rest_catalog.h"

#include <gtest/gtest.h>

#include <fstream>

#include "catalog_contract.h"
#include "child_process.h"
#include "cutting_proxy.h"
#include "storage/local_storage.h"

namespace millrace::warehouse_test {
namespace {

using warehouse::RestCatalog;
using warehouse::RestOptions;

/// A server of its own, whose tables are in a local folder.
class RestServer {
 public:
  explicit RestServer(const std::vector<std::string>& access)
      : process_(Command(access)), port_(std::stoi(process_.ReadLine())) {}
  [[nodiscard]] int port() const { return port_; }

  [[nodiscard]] RestOptions Options(int port) const {
    RestOptions options;
    options.address = "http://127.0.0.1:" + std::to_string(port);
    options.warehouse = "main";
    options.retry_time = std::chrono::seconds(20);
    return options;
  }
  [[nodiscard]] RestOptions WithToken(int port, const std::string& token) const {
    std::ofstream(folder_.path() + "/token") << token << "\n";
    RestOptions options = Options(port);
    options.token_file = folder_.path() + "/token";
    return options;
  }
  [[nodiscard]] RestOptions Signed(const std::string& secret) const {
    std::ofstream(folder_.path() + "/credentials")
        << "[default]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=" << secret << "\n";
    RestOptions options = Options(port_);
    options.sigv4 = true;
    options.signing_region = "eu-west-1";
    options.credentials.credentials_file = folder_.path() + "/credentials";
    return options;
  }

 private:
  std::vector<std::string> Command(const std::vector<std::string>& access) const {
    std::vector<std::string> command = {Python(), TestFile("rest_stub.py"), folder_.path()};
    command.insert(command.end(), access.begin(), access.end());
    return command;
  }

  TemporaryFolder folder_;
  ChildProcess process_;
  int port_;
};

/// The server lives as long as the catalog.
CatalogUnderTest With(const std::shared_ptr<RestServer>& server, RestOptions options) {
  auto storage = std::make_shared<warehouse::LocalStorage>();
  auto* catalog = new RestCatalog(storage, std::move(options));
  return {std::shared_ptr<Catalog>(catalog, [server](Catalog* made) { delete made; }), storage};
}

CatalogUnderTest WithToken() {
  auto server = std::make_shared<RestServer>(std::vector<std::string>{"token", "secret-token"});
  return With(server, server->WithToken(server->port(), "secret-token"));
}

CatalogUnderTest WithSignature() {
  auto server = std::make_shared<RestServer>(std::vector<std::string>{"sigv4", "AKIDEXAMPLE", "secret-key"});
  return With(server, server->Signed("secret-key"));
}

INSTANTIATE_TEST_SUITE_P(Token, CatalogContract, testing::Values(&WithToken));
INSTANTIATE_TEST_SUITE_P(Signature, CatalogContract, testing::Values(&WithSignature));

class RestCatalogTest : public testing::Test {
 protected:
  RestCatalogTest()
      : server_({"token", "secret-token"}),
        proxy_(server_.port()),
        storage_(std::make_shared<warehouse::LocalStorage>()),
        catalog_(storage_, server_.WithToken(proxy_.port(), "secret-token")) {}

  LoadedTable Make() {
    absl::StatusOr<LoadedTable> table = catalog_.Create(name_, PaymentsSchema(), ByDay(), {});
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? *std::move(table) : LoadedTable{};
  }

  RestServer server_;
  CuttingProxy proxy_;
  std::shared_ptr<warehouse::LocalStorage> storage_;
  RestCatalog catalog_;
  const TableName name_{"shop", "payments"};
};

TEST_F(RestCatalogTest, ACommitWhoseAnswerIsLostIsUnknownAndHasHappened) {
  const LoadedTable base = Make();
  const TableUpdate update = EmptySnapshot(storage_.get(), base, "mine");
  proxy_.CutAnswers("\"requirements\"", 1);
  const absl::Status status = catalog_.Commit(name_, base, update).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_NE(catalog_.Load(name_)->metadata.FindSnapshot(update.snapshot->id), nullptr);
}

TEST_F(RestCatalogTest, ACommitThatDoesNotArriveIsUnknownAndHasNotHappened) {
  const LoadedTable base = Make();
  proxy_.CutRequests("\"requirements\"", 1);
  const absl::Status status = catalog_.Commit(name_, base, EmptySnapshot(storage_.get(), base, "mine")).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(catalog_.Load(name_)->metadata_file, base.metadata_file);
}

TEST_F(RestCatalogTest, AResetOfOffsetsFencesAWriterThatIsOnItsWay) {
  const LoadedTable base = Make();
  TableUpdate reset;
  reset.set_properties["app.offsets"] = "{}";
  absl::StatusOr<std::optional<LoadedTable>> done = catalog_.Commit(name_, base, reset);
  ASSERT_TRUE(done.ok() && done->has_value()) << done.status();
  EXPECT_NE((*done)->metadata.current_snapshot(), nullptr);
  absl::StatusOr<std::optional<LoadedTable>> zombie = catalog_.Commit(name_, base, EmptySnapshot(storage_.get(), base, "zombie"));
  ASSERT_TRUE(zombie.ok()) << zombie.status();
  EXPECT_FALSE(zombie->has_value());
}

TEST_F(RestCatalogTest, AWrongTokenIsRefusedAndNotPrinted) {
  const absl::Status status = RestCatalog(storage_, server_.WithToken(server_.port(), "wrong-token")).Probe();
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_EQ(status.message().find("wrong-token"), std::string::npos) << status;
}

TEST(RestSignatureTest, AWrongKeyIsRefused) {
  const RestServer server({"sigv4", "AKIDEXAMPLE", "secret-key"});
  const absl::Status status = RestCatalog(std::make_shared<warehouse::LocalStorage>(), server.Signed("wrong-key")).Probe();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(status.message().find("wrong-key"), std::string::npos) << status;
}

TEST(RestSignatureTest, NamesThatAreEncodedInTwoWaysAreRefused) {
  const RestServer server({"sigv4", "AKIDEXAMPLE", "secret-key"});
  const absl::Status status =
      RestCatalog(std::make_shared<warehouse::LocalStorage>(), server.Signed("secret-key")).Load({"a", "b c"}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
}

}  // namespace
}  // namespace millrace::warehouse_test
