#include <fstream>
#include <nlohmann/json.hpp>

#include "millrace/state/murmur2.h"
#include "test_support.h"

namespace millrace {
namespace {

using state_test::At;
using state_test::Hex;

const nlohmann::json& Vectors() {
  static const auto* const vectors = [] {
    std::ifstream file(MILLRACE_SOURCE_DIR "/tests/conformance/vectors.json");
    return new nlohmann::json(nlohmann::json::parse(file));
  }();
  return *vectors;
}

std::string HexOf(const std::string& type, const std::string& value) {
  for (const auto& v : Vectors()["serde"]) {
    if (v["type"] == type && v["value"] == value) return v["hex"];
  }
  return "no such vector";
}

// Both ways, against the bytes of Java's serializer.
template <class T>
void ExpectLayout(const std::string& type, const std::string& text, const T& value, const AnySerde<T>& serde = {}) {
  const Bytes bytes = serde.ToBytes(value);
  EXPECT_EQ(Hex(bytes), HexOf(type, text)) << type;
  T back{};
  ASSERT_EQ(serde.Deserialize(bytes, &back), absl::OkStatus());
  EXPECT_TRUE(back == value) << type;
  EXPECT_GE(serde.MemoryBytes(value), sizeof(T));
}

TEST(Serdes, NumbersAndTextHaveJavasLayout) {
  ExpectLayout<int64_t>("Long", "-1", -1);
  ExpectLayout<int64_t>("Long", "1704067200000", 1704067200000);
  ExpectLayout<int32_t>("Integer", "-7", -7);
  ExpectLayout<int16_t>("Short", "300", 300);
  ExpectLayout<double>("Double", "3.25", 3.25);
  ExpectLayout<float>("Float", "-0.5", -0.5F);
  ExpectLayout<bool>("Boolean", "true", true);
  ExpectLayout<std::string>("String", "na\u00efve", "na\u00efve");
  ExpectLayout<std::vector<uint8_t>>("Boolean", "true", {1});
}

TEST(Serdes, ListsHaveJavasLayout) {
  ExpectLayout<std::vector<std::optional<std::string>>>("List<String>", "[a, null, bc]", {"a", std::nullopt, "bc"},
                                                        NullableListSerde<std::string>());
  ExpectLayout<std::vector<std::optional<int32_t>>>("List<Integer>", "[1, null, 3]", {1, std::nullopt, 3},
                                                    NullableListSerde<int32_t>());
  ExpectLayout<std::vector<int64_t>>("List<Long>", "[]", {}, ListSerde<int64_t>());
}

TEST(Serdes, WindowedKeysHaveJavasLayout) {
  const Windowed<std::string> window{"key", {At(20), At(30)}};
  ExpectLayout<Windowed<std::string>>("TimeWindowed<String> size 10 [20,30)", "[key@20/30]", window,
                                      TimeWindowedSerde<std::string>{{}, std::chrono::milliseconds(10)});
  const Windowed<std::string> session{"key", {At(20), At(35)}};
  ExpectLayout<Windowed<std::string>>("SessionWindowed<String> [20,35]", "[key@20/35]", session,
                                      SessionWindowedSerde<std::string>{});
}

TEST(Serdes, WrongBytesAreRefusedWithTheSizes) {
  int64_t number = 0;
  EXPECT_THAT(std::string(Serde<int64_t>().Deserialize("abc", &number).message()), testing::HasSubstr("expected 8 bytes"));
  bool truth = false;
  EXPECT_FALSE(Serde<bool>().Deserialize("\x02", &truth).ok());
  Windowed<std::string> key;
  EXPECT_FALSE((TimeWindowedSerde<std::string>{{}, std::chrono::milliseconds(1)}).Deserialize("short", &key).ok());
  std::vector<std::string> list;
  const Bytes whole = AnySerde<std::vector<std::string>>(ListSerde<std::string>()).ToBytes({"one", "two"});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ListSerde<std::string>().Deserialize(BytesView(whole).substr(0, size), &list).ok()) << size;
  }
  std::vector<int32_t> numbers;
  EXPECT_FALSE(ListSerde<int32_t>().Deserialize(whole, &numbers).ok());
  const Bytes with_null = AnySerde<std::vector<std::optional<int32_t>>>(NullableListSerde<int32_t>()).ToBytes({1, std::nullopt});
  EXPECT_FALSE(ListSerde<int32_t>().Deserialize(with_null, &numbers).ok());
}

TEST(Partition, KeysGoWhereKafkaSendsThem) {
  for (const auto& v : Vectors()["partition"]) {
    const std::string key = v["key"];
    EXPECT_EQ(Murmur2(key), v["murmur2"].get<int32_t>()) << key;
    EXPECT_EQ(PartitionForKey(key, v["partitions"]), v["partition"].get<int32_t>()) << key;
  }
}

TEST(StoreKeys, WindowChangelogKeysHaveJavasLayout) {
  state_test::Task task(false);
  const WindowStoreOptions single{state_test::Named("single"), std::chrono::milliseconds(1000), std::chrono::milliseconds(10),
                                  false};
  task.Open<WindowStore<std::string, std::string>>(*WindowStoreBuilder<std::string, std::string>(single))
      ->Put("key", "v", At(20));
  EXPECT_EQ(Hex(task.changelog.records[0].key), Vectors()["store_key"][0]["hex"].get<std::string>());
  const WindowStoreOptions many{state_test::Named("many"), std::chrono::milliseconds(1000), std::chrono::milliseconds(10), true};
  auto* store = task.Open<WindowStore<std::string, std::string>>(*WindowStoreBuilder<std::string, std::string>(many));
  for (int i = 0; i < 3; ++i) store->Put("key", "v", At(20));
  EXPECT_EQ(Hex(task.changelog.records[3].key), Vectors()["store_key"][1]["hex"].get<std::string>());
}

}  // namespace
}  // namespace millrace
