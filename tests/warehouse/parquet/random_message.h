#ifndef MILLRACE_TESTS_WAREHOUSE_PARQUET_RANDOM_MESSAGE_H_
#define MILLRACE_TESTS_WAREHOUSE_PARQUET_RANDOM_MESSAGE_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <random>
#include <string>

namespace millrace::warehouse {

/// Fills messages with anything that a row can hold. The same seed gives the same messages.
class RandomMessage {
 public:
  explicit RandomMessage(uint64_t seed) : random_(seed) {}

  void Fill(google::protobuf::Message* message, int depth = 0);
  /// True once in `n` times.
  bool OneIn(int n) { return random_() % static_cast<uint64_t>(n) == 0; }

 private:
  bool FillWellKnown(google::protobuf::Message* message);
  void FillField(google::protobuf::Message* message, const google::protobuf::FieldDescriptor& field, int depth);
  void Set(google::protobuf::Message* message, const google::protobuf::FieldDescriptor& field, int depth);
  int32_t EnumNumber(const google::protobuf::FieldDescriptor& field);
  int64_t Between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }
  int64_t Integer();
  double Double();
  std::string Text();
  std::string Bytes();

  std::mt19937_64 random_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_WAREHOUSE_PARQUET_RANDOM_MESSAGE_H_
