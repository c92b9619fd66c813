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
    OffsetMetadata metadata{Timestamp::FromMillis(vector["partition_time"].get<int64_t>()), {}};
    if (!vector["processors"].is_null()) metadata.processor_times = vector["processors"].get<std::map<std::string, int64_t>>();
    EXPECT_EQ(metadata.Encode(), encoded);
    EXPECT_EQ(decoded.partition_time, metadata.partition_time);
    EXPECT_EQ(decoded.processor_times, metadata.processor_times);
    ++checked;
  }
  EXPECT_GE(checked, 6);
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
