#include "task/offset_metadata.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace millrace {
namespace {

using nlohmann::json;

json Vectors() {
  std::ifstream file(MILLRACE_SOURCE_DIR "/tests/conformance/vectors.json");
  return json::parse(file).at("offset_metadata");
}

TEST(OffsetMetadataTest, EncodesAndDecodesAsKafkaStreamsDoes) {
  int checked = 0;
  for (const json& vector : Vectors()) {
    const auto encoded = vector["encoded"].get<std::string>();
    const OffsetMetadata decoded = OffsetMetadata::Decode(encoded);
    if (!vector.contains("partition_time")) {
      EXPECT_EQ(decoded.partition_time.millis(), vector["partition_time_decoded_with_5_trailing_bytes"].get<int64_t>());
      continue;
    }
    OffsetMetadata metadata{Timestamp::FromMillis(vector["partition_time"].get<int64_t>()), {}, {}};
    if (!vector["processors"].is_null()) metadata.processor_times = vector["processors"].get<std::map<std::string, int64_t>>();
    EXPECT_EQ(metadata.Encode(), encoded);
    EXPECT_EQ(decoded.partition_time, metadata.partition_time);
    EXPECT_EQ(decoded.processor_times, metadata.processor_times);
    ++checked;
  }
  EXPECT_GE(checked, 6);
}

TEST(OffsetMetadataTest, CarriesTheTransactionalIdBehindWhatKafkaStreamsReads) {
  const OffsetMetadata plain{Timestamp::FromMillis(7), {{"n", 3}}, {}};
  const OffsetMetadata ours{Timestamp::FromMillis(7), {{"n", 3}}, "app-process-1"};
  const OffsetMetadata decoded = OffsetMetadata::Decode(ours.Encode());
  EXPECT_EQ(decoded.transactional_id, "app-process-1");
  EXPECT_EQ(decoded.partition_time, plain.partition_time);
  EXPECT_EQ(decoded.processor_times, plain.processor_times);
  // Three bytes of plain text are four characters, so only the end of the encoding may differ.
  const std::string prefix = plain.Encode();
  EXPECT_EQ(ours.Encode().substr(0, prefix.size() - 4), prefix.substr(0, prefix.size() - 4));
  EXPECT_EQ(OffsetMetadata::Decode(plain.Encode()).transactional_id, "");
  const OffsetMetadata without_map{Timestamp::FromMillis(7), {}, "id"};
  EXPECT_EQ(OffsetMetadata::Decode(without_map.Encode()).transactional_id, "id");
}

TEST(OffsetMetadataTest, DecodesTheOlderVersionWithTheTimeOnly) {
  EXPECT_EQ(OffsetMetadata::Decode("AQAAAAAAAAAF").partition_time.millis(), 5);
}

TEST(OffsetMetadataTest, WhatCannotBeDecodedHasNoTime) {
  for (const char* text : {"", "not base 64", "AgAA", "CQAAAAAAAAAF"}) {
    EXPECT_EQ(OffsetMetadata::Decode(text).partition_time, Timestamp::Unknown()) << text;
  }
}

}  // namespace
}  // namespace millrace
