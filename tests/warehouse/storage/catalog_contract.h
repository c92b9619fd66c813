#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_CATALOG_CONTRACT_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_CATALOG_CONTRACT_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "storage/storage.h"
#include "test_tables.h"

namespace millrace::warehouse_test {

using warehouse::Catalog;
using warehouse::TableName;

/// A catalog without tables, and the storage that its tables are in.
struct CatalogUnderTest {
  std::shared_ptr<Catalog> catalog;
  std::shared_ptr<warehouse::Storage> storage;
};

/// What every catalog must do; each test program gives its own ones.
class CatalogContract : public testing::TestWithParam<std::function<CatalogUnderTest()>> {
 protected:
  CatalogContract() : under_test_(GetParam()()), catalog_(*under_test_.catalog), storage_(*under_test_.storage) {}

  LoadedTable Make(const TableName& name) {
    absl::StatusOr<LoadedTable> table = catalog_.Create(name, PaymentsSchema(), ByDay(), {{"made-by", "test"}});
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? *std::move(table) : LoadedTable{};
  }
  LoadedTable MustLoad(const TableName& name) {
    absl::StatusOr<LoadedTable> table = catalog_.Load(name);
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? *std::move(table) : LoadedTable{};
  }
  /// Commits what `make` makes of the state that it finds, until it is in.
  void CommitUntilDone(const TableName& name, const std::function<TableUpdate(const LoadedTable&)>& make) {
    while (true) {
      const LoadedTable base = MustLoad(name);
      absl::StatusOr<std::optional<LoadedTable>> done = catalog_.Commit(name, base, make(base));
      ASSERT_TRUE(done.ok()) << done.status();
      if (done->has_value()) return;
    }
  }
  static void InThreads(int count, const std::function<void(int)>& body) {
    std::barrier<> start(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        body(i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  CatalogUnderTest under_test_;
  Catalog& catalog_;
  warehouse::Storage& storage_;
  const TableName name_{"shop", "payments"};
};

TEST_P(CatalogContract, CanBeTrusted) {
  const absl::Status status = catalog_.Probe();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(CatalogContract, WhatIsMadeIsFound) {
  const absl::Status missing = catalog_.Load(name_).status();
  EXPECT_TRUE(absl::IsNotFound(missing)) << missing;
  EXPECT_NE(missing.message().find("payments"), std::string::npos) << missing;
  const LoadedTable made = Make(name_);
  const LoadedTable found = MustLoad(name_);
  EXPECT_EQ(found.metadata_file, made.metadata_file);
  EXPECT_EQ(found.metadata.Serialize(), made.metadata.Serialize());
  EXPECT_EQ(found.metadata.schema(), PaymentsSchema());
  EXPECT_EQ(found.metadata.spec(), ByDay());
  EXPECT_EQ(found.metadata.properties.at("made-by"), "test");
  Make({"shop", "orders.v2"});
  Make({"other", "payments"});
  EXPECT_EQ(catalog_.List(),
            (absl::StatusOr<std::vector<TableName>>({{"other", "payments"}, {"shop", "orders.v2"}, {"shop", "payments"}})));
}

TEST_P(CatalogContract, OfManyCreatorsOneWins) {
  std::atomic<int> won{0};
  std::atomic<int> lost{0};
  InThreads(16, [&](int) {
    const absl::Status status = catalog_.Create(name_, PaymentsSchema(), {}, {}).status();
    if (status.ok()) ++won;
    if (absl::IsAlreadyExists(status)) ++lost;
    EXPECT_TRUE(status.ok() || absl::IsAlreadyExists(status)) << status;
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 15);
  const absl::Status later = catalog_.Create(name_, PaymentsSchema(), {}, {}).status();
  EXPECT_TRUE(absl::IsAlreadyExists(later)) << later;
}

TEST_P(CatalogContract, AnUpdateOfAnOldStateDoesNothing) {
  const LoadedTable first = Make(name_);
  absl::StatusOr<std::optional<LoadedTable>> second = catalog_.Commit(name_, first, EmptySnapshot(&storage_, first, "second"));
  ASSERT_TRUE(second.ok() && second->has_value()) << second.status();
  absl::StatusOr<std::optional<LoadedTable>> late = catalog_.Commit(name_, first, EmptySnapshot(&storage_, first, "late"));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_FALSE(late->has_value());
  const LoadedTable found = MustLoad(name_);
  EXPECT_EQ(found.metadata_file, (*second)->metadata_file);
  ASSERT_EQ(found.metadata.snapshots.size(), 1U);
  EXPECT_EQ(found.metadata.current_snapshot()->summary.at("test"), "second");
  const absl::Status none = catalog_.Commit({"shop", "none"}, first, EmptySnapshot(&storage_, first, "x")).status();
  EXPECT_FALSE(none.ok());
}

TEST_P(CatalogContract, CommitsOfManyWritersAreOneChain) {
  constexpr int kWriters = 6;
  constexpr int kCommits = 4;
  Make(name_);
  InThreads(kWriters, [&](int writer) {
    for (int i = 0; i < kCommits; ++i) {
      CommitUntilDone(name_, [&](const LoadedTable& base) {
        TableUpdate update = EmptySnapshot(&storage_, base, std::to_string(writer) + "/" + std::to_string(i));
        update.set_properties["offset." + std::to_string(writer)] = std::to_string(i);
        return update;
      });
    }
  });
  const LoadedTable table = MustLoad(name_);
  std::vector<std::string> chain;
  for (const warehouse::Snapshot* snapshot = table.metadata.current_snapshot(); snapshot != nullptr;
       snapshot = snapshot->parent_id ? table.metadata.FindSnapshot(*snapshot->parent_id) : nullptr) {
    chain.push_back(snapshot->summary.at("test"));
    EXPECT_EQ(snapshot->sequence_number, kWriters * kCommits + 1 - static_cast<int>(chain.size()));
  }
  std::reverse(chain.begin(), chain.end());
  ASSERT_EQ(chain.size(), static_cast<size_t>(kWriters * kCommits));
  for (int writer = 0; writer < kWriters; ++writer) {
    EXPECT_EQ(table.metadata.properties.at("offset." + std::to_string(writer)), std::to_string(kCommits - 1));
    auto at = chain.begin();
    for (int i = 0; i < kCommits; ++i) {
      at = std::find(at, chain.end(), std::to_string(writer) + "/" + std::to_string(i));
      ASSERT_NE(at, chain.end()) << "writer " << writer << " lost its commit " << i << ", or it came out of order";
    }
  }
}

TEST_P(CatalogContract, ChangesOfPropertiesAloneFollowEachOther) {
  constexpr int kWriters = 5;
  constexpr int kCommits = 3;
  Make(name_);
  InThreads(kWriters, [&](int) {
    for (int i = 0; i < kCommits; ++i) {
      CommitUntilDone(name_, [&](const LoadedTable& base) {
        const auto count = base.metadata.properties.find("count");
        TableUpdate update;
        update.set_properties["count"] =
            std::to_string(count == base.metadata.properties.end() ? 1 : std::stoi(count->second) + 1);
        return update;
      });
    }
  });
  EXPECT_EQ(MustLoad(name_).metadata.properties.at("count"), std::to_string(kWriters * kCommits));
}

TEST_P(CatalogContract, ChangesSchemaAndPropertiesAndForgetsSnapshots) {
  Make(name_);
  CommitUntilDone(name_, [&](const LoadedTable& base) { return EmptySnapshot(&storage_, base, "1"); });
  CommitUntilDone(name_, [&](const LoadedTable& base) {
    TableUpdate update = EmptySnapshot(&storage_, base, "2");
    update.snapshot->schema_id.reset();  // that of after the update
    update.schema = base.metadata.schema();
    update.schema->fields.push_back({4, "currency", false, {warehouse::Type::Kind::kString, 0, 0, {}}, "ISO 4217"});
    update.set_properties["kept"] = "yes";
    update.removed_properties = {"made-by"};
    return update;
  });
  CommitUntilDone(name_, [&](const LoadedTable& base) {
    TableUpdate update;
    update.removed_snapshots = {*base.metadata.current_snapshot()->parent_id};
    return update;
  });
  const LoadedTable table = MustLoad(name_);
  ASSERT_EQ(table.metadata.schema().fields.size(), 4U);
  EXPECT_EQ(table.metadata.schema().fields[3].doc, "ISO 4217");
  EXPECT_EQ(table.metadata.last_column_id, 4);
  EXPECT_EQ(table.metadata.properties.at("kept"), "yes");
  EXPECT_FALSE(table.metadata.properties.contains("made-by"));
  ASSERT_EQ(table.metadata.snapshots.size(), 1U);
  EXPECT_EQ(table.metadata.current_snapshot()->summary.at("test"), "2");
  EXPECT_EQ(table.metadata.current_snapshot()->schema_id, table.metadata.current_schema_id);
}

TEST_P(CatalogContract, NamesThatNoFolderCanHaveAreRefused) {
  for (const TableName& name :
       {TableName{"", "a"}, TableName{"a", ""}, TableName{"a", "../b"}, TableName{"a.b", "c"}, TableName{"a", ".b"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(catalog_.Load(name).status())) << name.ToString();
    EXPECT_TRUE(absl::IsInvalidArgument(catalog_.Create(name, PaymentsSchema(), {}, {}).status())) << name.ToString();
  }
}

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_CATALOG_CONTRACT_H_
