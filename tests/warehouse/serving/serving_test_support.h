#ifndef MILLRACE_TESTS_WAREHOUSE_SERVING_SERVING_TEST_SUPPORT_H_
#define MILLRACE_TESTS_WAREHOUSE_SERVING_SERVING_TEST_SUPPORT_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "catalog/postgres_session.h"
#include "millrace/warehouse/warehouse.h"
#include "postgres_server.h"
#include "serving/postgres_warehouse.h"
#include "tshirt.pb.h"

namespace millrace::warehouse_test {

using namespace millrace::warehouse;

inline void AddFile(const google::protobuf::FileDescriptor& file, std::set<std::string>* there,
                    google::protobuf::FileDescriptorSet* set) {
  if (!there->insert(file.name()).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i), there, set);
  auto* added = set->add_file();
  file.CopyTo(added);
  file.CopySourceCodeInfoTo(added);
}

/// A message's file and all that it imports.
inline std::string DescriptorSetOf(const google::protobuf::Descriptor& message) {
  google::protobuf::FileDescriptorSet set;
  std::set<std::string> there;
  AddFile(*message.file(), &there, &set);
  return set.SerializeAsString();
}

/// A database of its own for each test, in a PostgreSQL that asks for a password.
class ServingFixture : public testing::Test {
 protected:
  ServingFixture() {
    description_.application_id = "app";
    description_.topic = "payments";
    description_.name_space = "shop";
    description_.table = "payments";
    description_.message = "millrace.tshirt.v1.Payment";
    description_.descriptor_set = DescriptorSetOf(*tshirt::v1::Payment::descriptor());
    description_.settings["columns._key"] = "string";
  }

  [[nodiscard]] std::string Address(int port) const { return server_.Address(port, database_); }
  [[nodiscard]] std::unique_ptr<Warehouse> Connect(int port = 0) const {
    auto opened = PostgresWarehouse::Open({{"uri", Address(port != 0 ? port : server_.port())}});
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  std::unique_ptr<TableLanding> Open() { return Open(warehouse_.get()); }
  std::unique_ptr<TableLanding> Open(Warehouse* warehouse) {
    auto landing = warehouse->OpenLanding(description_);
    EXPECT_TRUE(landing.ok()) << landing.status();
    if (!landing.ok()) return nullptr;
    EXPECT_TRUE((*landing)->Positions().ok());
    return *std::move(landing);
  }

  static std::string Payment(int64_t id, int64_t cents, const std::string& currency = "EUR") {
    tshirt::v1::Payment payment;
    payment.set_payment_id(id);
    payment.set_amount_cents(cents);
    payment.set_currency(currency);
    return payment.SerializeAsString();
  }
  static absl::Status Append(TableLanding* landing, int64_t offset, NullableBytesView key, NullableBytesView value,
                             int32_t partition = 0) {
    return landing->Append({partition, offset, 1'000'000 + offset, key, value});
  }
  static void Put(TableLanding* landing, int64_t offset, const std::string& key, const std::string& value) {
    const absl::Status status = Append(landing, offset, BytesView(key), BytesView(value));
    EXPECT_TRUE(status.ok()) << status;
  }
  static void Remove(TableLanding* landing, int64_t offset, const std::string& key) {
    const absl::Status status = Append(landing, offset, BytesView(key), std::nullopt);
    EXPECT_TRUE(status.ok()) << status;
  }
  static std::map<int32_t, PositionRange> Range(int64_t from, int64_t to, int32_t partition = 0) {
    return {{partition, {from, to, 1'000'000 + to}}};
  }
  static bool Committed(TableLanding* landing, const std::map<int32_t, PositionRange>& ranges) {
    const auto done = landing->Commit(ranges);
    EXPECT_TRUE(done.ok()) << done.status();
    return done.ok() && *done;
  }

  /// Lines of an answer, fields with bars; or the error.
  std::string Sql(const std::string& statement) { return SqlAt(Address(server_.port()), statement); }
  static std::string SqlAt(const std::string& address, const std::string& statement) {
    auto session = PostgresSession::Connect(address);
    if (!session.ok()) return session.status().ToString();
    const auto result = (*session)->Run(statement);
    if (!result.ok()) return result.status().ToString();
    return absl::StrJoin(result->rows, "\n", [](std::string* out, const auto& row) {
      absl::StrAppend(out, absl::StrJoin(row, "|", [](std::string* field, const auto& value) {
                        absl::StrAppend(field, value.value_or("NULL"));
                      }));
    });
  }

  PostgresServer& server_ = PostgresServer::Get();
  const std::string database_ = server_.NewDatabase();
  std::unique_ptr<Warehouse> warehouse_ = Connect();
  LandingDescription description_;
};

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_SERVING_SERVING_TEST_SUPPORT_H_
