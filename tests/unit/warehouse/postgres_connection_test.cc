#include "catalog/postgres_connection.h"

#include <gtest/gtest.h>

namespace millrace::warehouse {
namespace {

TEST(PostgresConnectionTest, ChecksAddressesWithoutPrintingThem) {
  EXPECT_TRUE(PostgresConnection::CheckAddress("postgresql://user@host:5432/database?sslmode=require").ok());
  EXPECT_TRUE(PostgresConnection::CheckAddress("host=a port=1 dbname=b").ok());
  for (const char* address : {"host", "password=secret nonsense", "postgresql://user:secret@[host/x"}) {
    const absl::Status status = PostgresConnection::CheckAddress(address);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << address;
    EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
  }
}

TEST(PostgresConnectionTest, AServerThatIsNotThereIsUnavailable) {
  PostgresConnection connection("postgresql://user:secret@127.0.0.1:1/x", std::chrono::milliseconds(0));
  const absl::Status status = connection.Execute("SELECT 1", {}, PostgresConnection::Repeat::kYes).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
}

}  // namespace
}  // namespace millrace::warehouse
