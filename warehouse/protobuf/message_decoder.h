#ifndef MILLRACE_WAREHOUSE_PROTOBUF_MESSAGE_DECODER_H_
#define MILLRACE_WAREHOUSE_PROTOBUF_MESSAGE_DECODER_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "parquet/row_batch.h"
#include "protobuf/value_decoder.h"

namespace millrace::warehouse {

/// Which member of a oneof is set in the value that is being read.
struct OneofState {
  BytesColumn* case_column = nullptr;  // nullptr: the table has none
  ValueDecoder* current = nullptr;
  std::string_view current_name;
};

/// A message into the children of a struct, or into the columns of a table.
class MessageDecoder : public ValueDecoder {
 public:
  /// `column` is nullptr for the message of the table, whose row somebody else ends. `field` is that of the message, nullptr
  /// there.
  MessageDecoder(const google::protobuf::FieldDescriptor* field, StructColumn* column, std::string names)
      : field_(field), column_(column), names_(std::move(names)) {}

  void Add(const google::protobuf::FieldDescriptor& field, std::unique_ptr<ValueDecoder> decoder);
  /// A state that lives as long as this, for the decoders of a oneof's members.
  OneofState* AddOneof(BytesColumn* case_column);

  /// The fields of a message without anything around.
  bool ReadBody(std::string_view body, int64_t row, RowError* error);
  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) override;
  bool Finish(int64_t row, RowError* error) override;
  void Clear(int64_t row) override;
  void Touch(int64_t /*row*/) override { seen_ = true; }
  [[nodiscard]] bool Has(int64_t /*row*/) const override { return seen_; }

 private:
  [[nodiscard]] ValueDecoder* Find(uint32_t number) const {
    if (number < by_number_.size()) {
      return by_number_[number];
    }
    const auto found = by_high_number_.find(number);
    return found == by_high_number_.end() ? nullptr : found->second;
  }

  const google::protobuf::FieldDescriptor* const field_;
  StructColumn* const column_;
  const std::string names_;
  std::vector<std::unique_ptr<ValueDecoder>> fields_;
  std::vector<std::pair<const ValueDecoder*, std::string>> required_;  // of proto2
  std::vector<ValueDecoder*> by_number_;
  std::unordered_map<uint32_t, ValueDecoder*> by_high_number_;
  std::vector<std::unique_ptr<OneofState>> oneofs_;
  bool seen_ = false;
};

std::unique_ptr<ValueDecoder> MakeListDecoder(const google::protobuf::FieldDescriptor& field, ListColumn* column,
                                              std::unique_ptr<ValueDecoder> element, std::string names);
/// `key` and `value` write to the children of the map's entries. The last entry of a key wins.
std::unique_ptr<ValueDecoder> MakeMapDecoder(const google::protobuf::FieldDescriptor& field, ListColumn* column,
                                             std::unique_ptr<ValueDecoder> key, std::unique_ptr<ValueDecoder> value,
                                             std::string names);
/// When `member` comes, the one that was set before goes.
std::unique_ptr<ValueDecoder> MakeOneofMember(OneofState* oneof, std::string name, std::unique_ptr<ValueDecoder> member);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_PROTOBUF_MESSAGE_DECODER_H_
