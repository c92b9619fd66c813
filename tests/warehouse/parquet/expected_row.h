#ifndef MILLRACE_TESTS_WAREHOUSE_PARQUET_EXPECTED_ROW_H_
#define MILLRACE_TESTS_WAREHOUSE_PARQUET_EXPECTED_ROW_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace millrace::warehouse {

/// What a row of `message` must hold, by protobuf's reflection, which knows nothing of the decoder: numbers as numbers, floating
/// points as the bits of a double, bytes in hexadecimal, instants in microseconds, dates in days, decimals without their point,
/// maps as sorted lists of pairs.
class ExpectedRow {
 public:
  nlohmann::json Of(const google::protobuf::Message& message) { return Fields(message); }

 private:
  nlohmann::json Fields(const google::protobuf::Message& message);
  nlohmann::json Field(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field);
  nlohmann::json Single(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field, int index);
  nlohmann::json Inside(const google::protobuf::Message& message);

  std::vector<const google::protobuf::Descriptor*> around_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_WAREHOUSE_PARQUET_EXPECTED_ROW_H_
