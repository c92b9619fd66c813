#include "registry/registry_warehouse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "landing/table_warehouse.h"
#include "landing_test_support.h"
#include "stub_registry.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

constexpr char kFirst[] = R"(syntax = "proto3"; message Refund { int64 id = 1; } message Payment { int64 id = 1; })";
constexpr char kSecond[] =
    R"(syntax = "proto3"; message Refund { int64 id = 1; } message Payment { int64 id = 1; string note = 2; })";

class RegistryWarehouseTest : public LandingFixture {
 protected:
  RegistryWarehouseTest() {
    auto tables =
        TableWarehouse::Open(storage_, std::shared_ptr<Catalog>(std::shared_ptr<void>(), &catalog_), folder_ + "/spool", clock_);
    EXPECT_TRUE(tables.ok()) << tables.status();
    warehouse_ = std::make_unique<RegistryWarehouse>(*std::move(tables), registry_.options());
    description_.descriptor_set.clear();
    description_.message = "Payment";
  }
  std::unique_ptr<TableLanding> Open() {
    auto landing = warehouse_->OpenLanding(description_);
    EXPECT_TRUE(landing.ok()) << landing.status();
    EXPECT_TRUE((*landing)->Positions().ok());
    return *std::move(landing);
  }
  /// A value of schema `id` with the message at `way` (one index), whose bytes are given.
  static std::string Value(int id, char way, const std::string& message) {
    return std::string("\0\0\0\0", 4) + static_cast<char>(id) + '\2' + static_cast<char>(2 * way) + message;
  }
  absl::Status Append(TableLanding* landing, int64_t offset, const std::string& value) {
    return landing->Append({0, offset, now_ms_, BytesView("key"), BytesView(value)});
  }
  std::vector<std::string> Columns() {
    std::vector<std::string> names;
    const auto table = catalog_.Load({"shop", "payments"});
    for (const Field& field : table->metadata.schema().fields) names.push_back(field.name);
    return names;
  }

  StubRegistry registry_;
  std::unique_ptr<RegistryWarehouse> warehouse_;
};

TEST_F(RegistryWarehouseTest, LandsWhatTheRegistryDescribes) {
  const int id = registry_.Register("payments-value", kFirst);
  auto landing = Open();
  ASSERT_TRUE(Append(landing.get(), 0, Value(id, 1, "\x08\x07")).ok());
  EXPECT_TRUE(*landing->Commit({{0, {0, 1, now_ms_}}}));
  EXPECT_EQ(Rows("payments"), 1);
  EXPECT_EQ(landing->counts().rows, 1);
  EXPECT_EQ(Columns().front(), "id");
}

TEST_F(RegistryWarehouseTest, ReadsAgainWithANewerSchemaSoThatNoFieldIsLost) {
  const int first = registry_.Register("payments-value", kFirst);
  auto landing = Open();
  ASSERT_TRUE(Append(landing.get(), 0, Value(first, 1, "\x08\x07")).ok());
  EXPECT_TRUE(*landing->Commit({{0, {0, 1, now_ms_}}}));
  ASSERT_TRUE(Append(landing.get(), 1, Value(first, 1, "\x08\x08")).ok());
  const int second = registry_.Register("payments-value", kSecond);
  const std::string newer = Value(second, 1, "\x08\x09\x12\x01x");
  EXPECT_EQ(Append(landing.get(), 2, newer).code(), absl::StatusCode::kUnavailable);
  landing->Drop();
  ASSERT_EQ(landing->Positions()->at(0), 1);
  EXPECT_THAT(Columns(), testing::Contains("note"));
  ASSERT_TRUE(Append(landing.get(), 1, Value(first, 1, "\x08\x08")).ok());
  ASSERT_TRUE(Append(landing.get(), 2, newer).ok());
  EXPECT_TRUE(*landing->Commit({{0, {1, 3, now_ms_}}}));
  EXPECT_EQ(Rows("payments"), 3);
  EXPECT_EQ(landing->counts().rows, 3);
}

TEST_F(RegistryWarehouseTest, RefusesValuesThatAreNotTheMessageByThePolicyOfTheTable) {
  const int id = registry_.Register("payments-value", kFirst);
  auto failing = Open();
  EXPECT_THAT(std::string(Append(failing.get(), 5, "\x08\x07").message()), HasSubstr("payments-0 offset 5"));
  EXPECT_THAT(std::string(Append(failing.get(), 5, Value(id, 0, "\x08\x07")).message()), HasSubstr("is a Refund"));
  EXPECT_EQ(Append(failing.get(), 5, Value(77, 1, "\x08\x07")).code(), absl::StatusCode::kInvalidArgument);
  description_.settings["errors"] = "dead-letter";
  auto landing = Open();
  ASSERT_TRUE(Append(landing.get(), 0, "\x08\x07").ok());
  ASSERT_TRUE(Append(landing.get(), 1, Value(id, 0, "\x08\x07")).ok());
  ASSERT_TRUE(Append(landing.get(), 2, Value(id, 1, "\x08\x07")).ok());
  EXPECT_TRUE(*landing->Commit({{0, {0, 3, now_ms_}}}));
  EXPECT_EQ(Rows("payments"), 1);
  EXPECT_EQ(Rows("payments_dead_letters"), 2);
}

TEST_F(RegistryWarehouseTest, SaysThatThereIsNoSchema) {
  const absl::Status missing = warehouse_->OpenLanding(description_).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("payments-value"));
}

}  // namespace
}  // namespace millrace::warehouse
