#include "status/manifest.h"

#include <gmock/gmock.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include "log/embedded/embedded_log.h"
#include "millrace/operators/protobuf_serde.h"
#include "millrace/state/serdes.h"
#include "millrace/topologies/streams_builder.h"
#include "status/status_record.h"
#include "status/status_topic.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Fields = std::map<int32_t, SerdeFingerprint::Field>;

/// A serde of strings that says what it is told to say.
struct SpeakingSerde {
  SerdeFingerprint fingerprint;
  void Serialize(const std::string& value, Bytes* out) const { out->append(value); }
  absl::Status Deserialize(BytesView bytes, std::string* value) const { return value->assign(bytes), absl::OkStatus(); }
  size_t MemoryBytes(const std::string& value) const { return value.size(); }
  SerdeFingerprint Fingerprint() const { return fingerprint; }
};

AnySerde<std::string> Message(Fields fields) {
  SpeakingSerde serde;
  serde.fingerprint.name = "protobuf shop.Order";
  serde.fingerprint.roots = {"shop.Order"};
  serde.fingerprint.messages["shop.Order"] = std::move(fields);
  return serde;
}

// A table of orders.
Topology Orders(const AnySerde<std::string>& key, const AnySerde<std::string>& value, const std::string& store = "orders") {
  StreamsBuilder builder;
  builder.Table<std::string, std::string>("orders", Materialized::As(store).WithKeySerde(key).WithValueSerde(value));
  return builder.Build().value();
}

Topology Counts() {
  StreamsBuilder builder;
  builder.Stream<std::string, std::string>("orders")
      .GroupBy([](const std::string&, const std::string& value) { return value; })
      .WindowedBy(TimeWindows::OfSizeWithNoGrace(std::chrono::minutes(1)))
      .Count(Materialized::As("counts").WithRetention(std::chrono::hours(1)));
  return builder.Build().value();
}

class ManifestTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.application_id = "shop";
    ASSERT_TRUE(log_.CreateTopic("orders", 3).ok());
  }

  TopologyPlan Plan(const Topology& topology) {
    auto plan = MakeTopologyPlan(topology, options_, &client_->admin());
    EXPECT_TRUE(plan.ok()) << plan.status();
    return *plan;
  }
  internal::Manifest Make(const Topology& topology) { return MakeManifest(topology, Plan(topology)); }
  absl::Status Start(const Topology& topology) {
    const TopologyPlan plan = Plan(topology);
    const internal::Manifest manifest = MakeManifest(topology, plan);
    auto contents = CheckManifest(manifest, plan, client_.get(), &host_);
    if (!contents.ok()) return contents.status();
    if (absl::Status status = CreateInternalTopics(plan, &client_->admin(), &host_); !status.ok()) return status;
    return AgreeOnManifest(manifest, plan, *std::move(contents), client_.get(), &host_);
  }
  StatusTopicContents Contents() { return ReadStatusTopic("shop-status", client_.get(), &host_).value(); }
  int64_t Records() { return log_.EndOffset({"shop-status", 0}).value(); }

  Host& host_ = Host::Real();
  log::embedded::EmbeddedLog log_;
  std::unique_ptr<log::LogClient> client_ = log_.NewClient();
  StreamsOptions options_;
};

TEST_F(ManifestTest, HoldsNumberingSourcesAndStores) {
  const internal::Manifest manifest = Make(Counts());
  EXPECT_FALSE(manifest.topology_hash().empty());
  ASSERT_EQ(manifest.subtopologies_size(), 2);
  EXPECT_EQ(manifest.subtopologies(0).first_task(), 0);
  EXPECT_EQ(manifest.subtopologies(0).tasks(), 3);
  ASSERT_EQ(manifest.subtopologies(0).sources_size(), 1);
  EXPECT_EQ(manifest.subtopologies(0).sources(0).topic(), "orders");
  EXPECT_EQ(manifest.subtopologies(0).sources(0).partitions(), 3);
  const internal::Subtopology& counting = manifest.subtopologies(1);
  EXPECT_EQ(counting.id(), 1);
  EXPECT_EQ(counting.first_task(), 3) << "its partition 0 is partition 3 of the task topic";
  EXPECT_EQ(counting.sources(0).topic(), "shop-counts-repartition");
  ASSERT_EQ(counting.stores_size(), 1);
  const internal::Store& store = counting.stores(0);
  EXPECT_EQ(store.name(), "counts");
  EXPECT_EQ(store.kind(), "timestamped-window");
  EXPECT_EQ(store.format_version(), 1);
  EXPECT_EQ(store.changelog_topic(), "counts-changelog");
  EXPECT_EQ(store.retention_ms(), 3600'000);
  EXPECT_EQ(store.key().name(), "string");
  ASSERT_EQ(store.values_size(), 1);
  EXPECT_EQ(store.values(0).name(), "int64");
}

TEST_F(ManifestTest, HoldsTheFieldsOfProtobufValues) {
  StreamsBuilder builder;
  builder.Table<std::string, google::protobuf::StringValue>("orders", Materialized::As("orders"));
  const internal::Manifest manifest = Make(builder.Build().value());
  const internal::Fingerprint& value = manifest.subtopologies(0).stores(0).values(0);
  EXPECT_EQ(value.name(), "protobuf google.protobuf.StringValue");
  ASSERT_EQ(value.messages_size(), 1);
  EXPECT_EQ(value.messages(0).fields(0).number(), 1);
  EXPECT_EQ(value.messages(0).fields(0).type(), "string");
}

TEST_F(ManifestTest, DiffersInNumberingSourcesAndStores) {
  const internal::Manifest application = Make(Counts());
  EXPECT_THAT(CompareManifests(application, application), IsEmpty());
  internal::Manifest program = application;
  program.set_topology_hash("another");
  program.mutable_subtopologies(1)->mutable_stores(0)->set_retention_ms(1);
  EXPECT_THAT(CompareManifests(application, program), IsEmpty()) << "neither is numbering or format";

  program.mutable_subtopologies(0)->set_tasks(4);
  program.mutable_subtopologies(0)->mutable_sources(0)->set_partitions(4);
  program.mutable_subtopologies(1)->set_first_task(4);
  program.mutable_subtopologies(1)->mutable_sources(0)->set_topic("returns");
  program.mutable_subtopologies(1)->mutable_stores(0)->set_format_version(2);
  EXPECT_THAT(CompareManifests(application, program),
              ElementsAre(FormatDifference{"sub-topology 0, tasks", "3 tasks from number 0", "4 tasks from number 0"},
                          FormatDifference{"sub-topology 0, source topic orders", "3 partitions", "4 partitions"},
                          FormatDifference{"sub-topology 1, tasks", "3 tasks from number 3", "3 tasks from number 4"},
                          FormatDifference{"sub-topology 1, source topic returns", "not read", "3 partitions"},
                          FormatDifference{"sub-topology 1, source topic shop-counts-repartition", "3 partitions", "not read"},
                          FormatDifference{"sub-topology 1, store counts", "a timestamped-window store, format 1",
                                           "a timestamped-window store, format 2"}));
  program.mutable_subtopologies()->RemoveLast();
  EXPECT_EQ(CompareManifests(application, program)[0], (FormatDifference{"sub-topologies", "2", "1"}));
}

TEST_F(ManifestTest, StartsWithTheSameProgramAgainWithoutWriting) {
  ASSERT_TRUE(Start(Counts()).ok());
  EXPECT_EQ(Records(), 1);
  ASSERT_TRUE(Start(Counts()).ok());
  EXPECT_EQ(Records(), 1);
}

TEST_F(ManifestTest, RefusesWithEveryDifferenceAndWhatToDoBeforeAnyTopicIsMade) {
  ASSERT_TRUE(Start(Orders({}, {})).ok());
  const absl::Status status = Start(Orders({}, {}, "other"));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const std::string text(status.message());
  EXPECT_THAT(text, HasSubstr("manifest in topic shop-status"));
  EXPECT_THAT(text,
              HasSubstr("\n  sub-topology 0, store orders: the application has a timestamped-key-value store, format 1, this "
                        "program has none\n"));
  EXPECT_THAT(text, HasSubstr("\n  sub-topology 0, store other: the application has none, this program has a"));
  EXPECT_THAT(text, HasSubstr("new application.id"));
  EXPECT_FALSE(log_.PartitionCount("shop-other-changelog").has_value());
}

TEST_F(ManifestTest, RefusesAnotherSerdeOfKeyOrValue) {
  ASSERT_TRUE(Start(Orders({}, {})).ok());
  SpeakingSerde money;
  money.fingerprint.name = "money";
  const absl::Status status = Start(Orders(money, money));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("sub-topology 0, store orders, key, serde: the application has string, this program has money"));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("sub-topology 0, store orders, value, serde: the application has string, this program has money"));
}

TEST_F(ManifestTest, TakesAddedFieldsOfValuesButNotOfKeys) {
  ASSERT_TRUE(Start(Orders(Message({{1, {"varint", ""}}}), Message({{1, {"varint", ""}}}))).ok());
  EXPECT_TRUE(Start(Orders(Message({{1, {"varint", ""}}}), Message({{1, {"varint", ""}}, {2, {"string", ""}}}))).ok());
  const absl::Status status = Start(Orders(Message({{1, {"varint", ""}}, {2, {"string", ""}}}), Message({{1, {"varint", ""}}})));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("store orders, key, field 2 of message shop.Order: the application has none, this program has string"));
}

TEST_F(ManifestTest, AFieldNumberKeepsItsTypeEvenIfAProgramInBetweenDidNotHaveIt) {
  const auto key = Message({{1, {"varint", ""}}});
  ASSERT_TRUE(Start(Orders(key, Message({{1, {"varint", ""}}, {2, {"string", ""}}}))).ok());
  ASSERT_TRUE(Start(Orders(key, Message({{1, {"varint", ""}}}))).ok()) << "an older program, or one that removed the field";
  EXPECT_EQ(Records(), 1) << "the manifest remembers the field";
  const absl::Status status = Start(Orders(key, Message({{1, {"varint", ""}}, {2, {"double", ""}}})));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("value, field 2 of message shop.Order: the application has string, this program has double"));
}

TEST_F(ManifestTest, RefusesWhatAFasterProgramWroteBetweenCheckAndAgreement) {
  const Topology topology = Orders({}, {});
  const TopologyPlan plan = Plan(topology);
  const internal::Manifest manifest = MakeManifest(topology, plan);
  auto contents = CheckManifest(manifest, plan, client_.get(), &host_);
  ASSERT_TRUE(contents.ok()) << contents.status();
  ASSERT_TRUE(Start(Orders({}, {}, "other")).ok());
  const absl::Status status = AgreeOnManifest(manifest, plan, *std::move(contents), client_.get(), &host_);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("store other: the application has a"));
}

TEST_F(ManifestTest, RefusesAManifestOfANewerVersion) {
  ASSERT_TRUE(Start(Counts()).ok());
  internal::StatusRecord newer;
  newer.set_version(kStatusVersion + 1);
  ASSERT_TRUE(log_.Append("shop-status", 0, kManifestKey, BytesView(newer.SerializeAsString()), Timestamp::FromMillis(1)).ok());
  const absl::Status status = Start(Counts());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("manifest in topic shop-status: it was written by a newer version"));
}

TEST_F(ManifestTest, RemovesRecordsOfInstancesThatAreLongDead) {
  ASSERT_TRUE(Start(Counts()).ok());
  const auto put = [&](const std::string& id, Timestamp written) {
    internal::Instance instance;
    instance.set_written_ms(written.millis());
    ASSERT_TRUE(
        log_.Append("shop-status", 0, BytesView(InstanceKey(id)), BytesView(Encode(instance)), Timestamp::FromMillis(1)).ok());
  };
  put("of today", host_.Now() - std::chrono::hours(23));
  put("of old", host_.Now() - std::chrono::hours(25));
  ASSERT_TRUE(Start(Counts()).ok());
  const auto contents = Contents();
  EXPECT_TRUE(contents.instances.contains("of today"));
  EXPECT_FALSE(contents.instances.contains("of old"));
}

}  // namespace
}  // namespace millrace
