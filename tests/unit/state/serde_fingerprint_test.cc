#include "millrace/state/serde_fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/state/serdes.h"
#include "millrace/state/stores.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A field is {type} or {"message", name}.
SerdeFingerprint Order(std::map<std::string, std::map<int32_t, SerdeFingerprint::Field>> messages) {
  SerdeFingerprint fingerprint;
  fingerprint.name = "protobuf shop.Order";
  fingerprint.roots = {"shop.Order"};
  fingerprint.messages = std::move(messages);
  return fingerprint;
}

TEST(SerdeFingerprint, ShippedSerdesNameTheirLayouts) {
  EXPECT_EQ(AnySerde<std::string>().Fingerprint().name, "string");
  EXPECT_EQ(AnySerde<std::vector<uint8_t>>().Fingerprint().name, "string") << "the same bytes";
  EXPECT_EQ(AnySerde<int16_t>().Fingerprint().name, "int16");
  EXPECT_EQ(AnySerde<int32_t>().Fingerprint().name, "int32");
  EXPECT_EQ(AnySerde<int64_t>().Fingerprint().name, "int64");
  EXPECT_EQ(AnySerde<float>().Fingerprint().name, "float32");
  EXPECT_EQ(AnySerde<double>().Fingerprint().name, "float64");
  EXPECT_EQ(AnySerde<bool>().Fingerprint().name, "boolean");
  EXPECT_EQ(AnySerde<std::vector<int64_t>>(ListSerde<int64_t>()).Fingerprint().name, "list<int64>");
  EXPECT_EQ((TimeWindowedSerde<std::string>{{}, std::chrono::milliseconds(1)}).Fingerprint().name, "time-windowed<string>");
  EXPECT_EQ(SessionWindowedSerde<std::string>{}.Fingerprint().name, "session-windowed<string>");
}

struct SilentSerde {
  void Serialize(const std::string& value, Bytes* out) const { out->append(value); }
  absl::Status Deserialize(BytesView bytes, std::string* value) const { return value->assign(bytes), absl::OkStatus(); }
  size_t MemoryBytes(const std::string& value) const { return value.size(); }
};

TEST(SerdeFingerprint, ASerdeThatSaysNothingFitsEverything) {
  const AnySerde<std::string> silent = SilentSerde();
  EXPECT_EQ(silent.Fingerprint().name, "");
  EXPECT_EQ(ListSerde<std::string>(silent).Fingerprint().name, "") << "nor does one around it";
  EXPECT_THAT(CompareFingerprints(silent.Fingerprint(), AnySerde<int64_t>().Fingerprint(), Evolution::kNone), IsEmpty());
  EXPECT_THAT(CompareFingerprints(AnySerde<int64_t>().Fingerprint(), silent.Fingerprint(), Evolution::kFields), IsEmpty());
}

TEST(SerdeFingerprint, OtherNamesDiffer) {
  EXPECT_THAT(CompareFingerprints(AnySerde<std::string>().Fingerprint(), AnySerde<int64_t>().Fingerprint(), Evolution::kFields),
              ElementsAre(FormatDifference{"serde", "string", "int64"}));
}

TEST(SerdeFingerprint, FieldsOfValuesMayComeAndGo) {
  const SerdeFingerprint before = Order({{"shop.Order", {{1, {"varint", ""}}, {2, {"string", ""}}}}});
  const SerdeFingerprint now = Order({{"shop.Order", {{2, {"string", ""}}, {3, {"double", ""}}}}});
  EXPECT_THAT(CompareFingerprints(before, now, Evolution::kFields), IsEmpty());
  EXPECT_THAT(CompareFingerprints(before, now, Evolution::kNone),
              ElementsAre(FormatDifference{"field 1 of message shop.Order", "varint", "none"},
                          FormatDifference{"field 3 of message shop.Order", "none", "double"}));
}

TEST(SerdeFingerprint, ANumberWithTwoTypesDiffersAlsoInsideOtherMessages) {
  const SerdeFingerprint before = Order(
      {{"shop.Order", {{1, {"message", "shop.Item"}}}}, {"shop.Item", {{1, {"string", ""}}, {2, {"message", "shop.Item"}}}}});
  SerdeFingerprint now = Order({{"shop.Order", {{1, {"message", "shop.Article"}}}},
                                {"shop.Article", {{1, {"string", ""}}, {2, {"message", "shop.Article"}}}}});
  EXPECT_THAT(CompareFingerprints(before, now, Evolution::kFields), IsEmpty())
      << "only the name of the message inside is another";
  now.messages["shop.Article"][1].type = "varint";
  EXPECT_THAT(CompareFingerprints(before, now, Evolution::kFields),
              ElementsAre(FormatDifference{"field 1 of message shop.Article", "string", "varint"}));
}

TEST(SerdeFingerprint, RemembersFieldsThatWereEverUsed) {
  const SerdeFingerprint before = Order({{"shop.Order", {{1, {"varint", ""}}, {2, {"message", "shop.Item"}}}},
                                         {"shop.Item", {{1, {"message", "shop.Part"}}}},
                                         {"shop.Part", {{7, {"string", ""}}}}});
  const SerdeFingerprint now = Order({{"shop.Order", {{1, {"varint", ""}}}}});
  const SerdeFingerprint joined = RememberFields(before, now);
  EXPECT_EQ(joined, before);
  const SerdeFingerprint reused = Order({{"shop.Order", {{1, {"varint", ""}}, {2, {"string", ""}}}}});
  EXPECT_THAT(CompareFingerprints(now, reused, Evolution::kFields), IsEmpty());
  EXPECT_THAT(CompareFingerprints(joined, reused, Evolution::kFields),
              ElementsAre(FormatDifference{"field 2 of message shop.Order", "message", "string"}));
}

TEST(SerdeFingerprint, WhatIsNotSaidNowIsRememberedToo) {
  const SerdeFingerprint known = AnySerde<std::string>().Fingerprint();
  EXPECT_EQ(RememberFields(known, {}), known);
  EXPECT_EQ(RememberFields({}, known), known);
}

TEST(StoreFormat, NamesKindAndSerdes) {
  const StoreOptions options{"s", StoreKind::kPersistent, false, {}};
  const auto key_value = KeyValueStoreBuilder<std::string, int64_t>(options);
  EXPECT_EQ(key_value->format().kind, "key-value");
  EXPECT_EQ(key_value->format().version, 1);
  EXPECT_EQ(key_value->format().key.name, "string");
  ASSERT_EQ(key_value->format().values.size(), 1u);
  EXPECT_EQ(key_value->format().values[0].name, "int64");
  EXPECT_EQ((TimestampedKeyValueStoreBuilder<std::string, int64_t>(options)->format().kind), "timestamped-key-value");
  WindowStoreOptions windows{options, std::chrono::milliseconds(10), std::chrono::milliseconds(5), false};
  EXPECT_EQ((TimestampedWindowStoreBuilder<std::string, int64_t>(windows)->format().kind), "timestamped-window");
  EXPECT_EQ((WindowStoreBuilder<std::string, int64_t>(windows)->format().kind), "window");
  windows.retain_duplicates = true;
  EXPECT_EQ((WindowStoreBuilder<std::string, int64_t>(windows)->format().kind), "duplicates-window");
  const auto outer = OuterJoinStoreBuilder<std::string, int64_t, bool>(options);
  EXPECT_EQ(outer->format().kind, "outer-join");
  ASSERT_EQ(outer->format().values.size(), 2u);
  EXPECT_EQ(outer->format().values[1].name, "boolean");
}

}  // namespace
}  // namespace millrace
