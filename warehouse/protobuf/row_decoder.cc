#include "protobuf/row_decoder.h"

#include <google/protobuf/dynamic_message.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protobuf/local_day.h"
#include "protobuf/message_decoder.h"
#include "protobuf/utf8.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;

// Offsets in columns are 32 bits wide.
constexpr int64_t kMaxBatchBytes = int64_t{1} << 30;

struct DerivedDate {
  FixedColumn<int32_t>* to;
  FixedColumn<int64_t>* from;
  LocalDay day;
};

}  // namespace

class RowDecoder::Plan {
 public:
  Plan(const Schema& schema, const ColumnRecord& record, const MappingOptions& options)
      : batch_(schema), record_(record), options_(options), root_(nullptr, nullptr, "") {
    messages_.SetDelegateToGeneratedFactory(true);
  }

  absl::Status Compile(const Descriptor& message) {
    if (absl::Status status = CompileMessage(message, "", "", &root_); !status.ok()) {
      return status;
    }
    topic_ = FindOwn<BytesColumn>(kTopicColumn);
    partition_ = FindOwn<FixedColumn<int32_t>>(kPartitionColumn);
    offset_ = FindOwn<FixedColumn<int64_t>>(kOffsetColumn);
    timestamp_ = FindOwn<FixedColumn<int64_t>>(kTimestampColumn);
    key_ = FindOwn<BytesColumn>(kKeyColumn);
    for (const DateColumn& date : options_.dates) {
      auto* to = FindOwn<FixedColumn<int32_t>>(DatePath(date.name));
      auto* from = to == nullptr ? nullptr : FindInstant(message, date.from);
      if (to != nullptr && from == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("columns.", date.name, ".date.from = ", date.from,
                                                       ": the table has no such column; evolve its schema first"));
      }
      if (to != nullptr) {
        dates_.push_back({to, from, LocalDay(date.zone)});
      }
    }
    return CheckRequired(batch_.columns(), batch_.schema().fields, "");
  }

  absl::Status Append(std::string_view message, const RowOrigin& origin) {
    if (batch_.rows() % kRowsBetweenChecks == 0 && batch_.bytes() > kMaxBatchBytes) {
      return absl::ResourceExhaustedError("the batch holds more than 1 GiB; write it out and clear it");
    }
    const int64_t row = batch_.rows();
    error_.text.clear();
    if (root_.ReadBody(message, row, &error_) && root_.Finish(row, &error_) && SetOrigin(row, origin)) {
      FinishRow(row);
      return absl::OkStatus();
    }
    root_.Clear(row);
    batch_.Truncate(row);
    return absl::InvalidArgumentError(error_.text);
  }

  absl::Status AppendWithoutMessage(const RowOrigin& origin) {
    const int64_t row = batch_.rows();
    error_.text.clear();
    if (SetOrigin(row, origin)) {
      FinishRow(row);
      return absl::OkStatus();
    }
    batch_.Truncate(row);
    return absl::InvalidArgumentError(error_.text);
  }

  RowBatch& batch() { return batch_; }

 private:
  static constexpr int64_t kRowsBetweenChecks = 256;
  // What fits in microseconds.
  static constexpr int64_t kMaxTimestampMs = INT64_MAX / 1000;

  void FinishRow(int64_t row) {
    for (DerivedDate& date : dates_) {
      if (date.from->size() > row && !date.from->IsNull(row)) {
        date.to->Set(row, date.day.Of(date.from->values()[row]));
      }
    }
    batch_.FinishRow();
  }

  bool SetOrigin(int64_t row, const RowOrigin& origin) {
    if (origin.timestamp_ms > kMaxTimestampMs || origin.timestamp_ms < -kMaxTimestampMs) {
      return Fail(&error_, std::string(kTimestampColumn),
                  absl::StrCat(origin.timestamp_ms, " ms are no instant in microseconds"));
    }
    if (partition_ != nullptr) {
      partition_->Set(row, origin.partition);
    }
    if (offset_ != nullptr) {
      offset_->Set(row, origin.offset);
    }
    if (timestamp_ != nullptr) {
      timestamp_->Set(row, origin.timestamp_ms * 1000);
    }
    if (topic_ != nullptr && !topic_->Set(row, origin.topic)) {
      return Fail(&error_, std::string(kTopicColumn), "the batch is full");
    }
    if (key_ == nullptr || !origin.key.has_value()) {
      return true;
    }
    if (key_->kind() == Type::Kind::kString && !IsUtf8(*origin.key)) {
      return Fail(&error_, std::string(kKeyColumn), "the key is not valid UTF-8");
    }
    return key_->Set(row, *origin.key) || Fail(&error_, std::string(kKeyColumn), "the batch is full");
  }

  template <typename C>
  C* FindOwn(std::string_view path) const {
    return batch_.Find<C>(record_.Find(path));
  }

  /// The column of the field that `names` leads to.
  FixedColumn<int64_t>* FindInstant(const Descriptor& message, std::string_view names) const {
    if (names == kTimestampColumn) {
      return timestamp_;
    }
    const Descriptor* level = &message;
    std::string path;
    while (level != nullptr) {
      const std::string_view name = names.substr(0, names.find('.'));
      const FieldDescriptor* field = level->FindFieldByName(std::string(name));
      if (field == nullptr || field->is_repeated()) {
        return nullptr;
      }
      path = FieldPath(path, field->number());
      if (name.size() == names.size()) {
        return FindOwn<FixedColumn<int64_t>>(path);
      }
      level = field->message_type();
      names.remove_prefix(name.size() + 1);
    }
    return nullptr;
  }

  absl::Status CompileMessage(const Descriptor& message, const std::string& prefix, const std::string& names,
                              MessageDecoder* decoder) {
    ancestors_.push_back(&message);
    std::unordered_map<const OneofDescriptor*, OneofState*> oneofs;
    for (int i = 0; i < message.real_oneof_decl_count(); ++i) {
      const OneofDescriptor* oneof = message.oneof_decl(i);
      auto* column = FindOwn<BytesColumn>(OneofPath(prefix, oneof->name()));
      used_.insert(column);
      oneofs[oneof] = decoder->AddOneof(column);
    }
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      const std::string inner = names.empty() ? field.name() : absl::StrCat(names, ".", field.name());
      const OneofDescriptor* oneof = field.real_containing_oneof();
      absl::StatusOr<std::unique_ptr<ValueDecoder>> compiled = CompileField(field, FieldPath(prefix, field.number()), inner);
      if (!compiled.ok()) {
        return compiled.status();
      }
      if (oneof != nullptr) {
        *compiled = MakeOneofMember(oneofs.at(oneof), field.name(), *std::move(compiled));
      }
      decoder->Add(field, *std::move(compiled));
    }
    ancestors_.pop_back();
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<ValueDecoder>> CompileField(const FieldDescriptor& field, const std::string& path,
                                                             const std::string& names) {
    Column* column = batch_.Find(record_.Find(path));
    if (column == nullptr) {
      return MakeIgnoringDecoder(field.number(), names);
    }
    used_.insert(column);
    if (!field.is_repeated()) {
      return CompileValue(field, path, names, column, IsAlwaysSet(field));
    }
    auto* list = dynamic_cast<ListColumn*>(column);
    if (list == nullptr || (column->kind() == Type::Kind::kMap) != field.is_map()) {
      return DoesNotFit(names);
    }
    if (!field.is_map()) {
      absl::StatusOr<std::unique_ptr<ValueDecoder>> element =
          CompileValue(field, absl::StrCat(path, std::string(kElementPath)), names, &list->child(), false);
      if (!element.ok()) {
        return element;
      }
      return MakeListDecoder(field, list, *std::move(element), names);
    }
    const auto& entry = static_cast<StructColumn&>(list->child()).children();
    absl::StatusOr<std::unique_ptr<ValueDecoder>> key =
        CompileValue(*field.message_type()->map_key(), absl::StrCat(path, std::string(kKeyPath)), absl::StrCat(names, ".key"),
                     entry[0].get(), false);
    if (!key.ok()) {
      return key;
    }
    absl::StatusOr<std::unique_ptr<ValueDecoder>> value =
        CompileValue(*field.message_type()->map_value(), absl::StrCat(path, std::string(kValuePath)),
                     absl::StrCat(names, ".value"), entry[1].get(), false);
    if (!value.ok()) {
      return value;
    }
    return MakeMapDecoder(field, list, *std::move(key), *std::move(value), names);
  }

  absl::StatusOr<std::unique_ptr<ValueDecoder>> CompileValue(const FieldDescriptor& field, const std::string& path,
                                                             const std::string& names, Column* column, bool always) {
    absl::StatusOr<FieldMapping> mapping = MapFieldValue(field, names, options_, ancestors_);
    if (!mapping.ok()) {
      return mapping.status();
    }
    const Field* in_table = batch_.schema().Find(record_.Find(path));
    if (in_table == nullptr || column->id() != in_table->id || !Fits(mapping->type, in_table->type)) {
      return DoesNotFit(names);
    }
    used_.insert(column);
    if (mapping->conversion == Conversion::kStruct) {
      auto decoder = std::make_unique<MessageDecoder>(&field, static_cast<StructColumn*>(column), names);
      if (absl::Status status = CompileMessage(*field.message_type(), path, names, decoder.get()); !status.ok()) {
        return status;
      }
      return decoder;
    }
    Column* const currency = mapping->conversion == Conversion::kMoneyDecimal
                                 ? batch_.Find(record_.Find(absl::StrCat(path, std::string(kCurrencyPath))))
                                 : nullptr;
    if (mapping->conversion == Conversion::kMoney) {
      for (const std::unique_ptr<Column>& child : static_cast<StructColumn*>(column)->children()) {
        used_.insert(child.get());
      }
    }
    used_.insert(currency);
    return MakeValueDecoder(field, *mapping, column, currency, always, names, {&messages_});
  }

  /// Whether a value of one type can be written to a column of another, which may be wider.
  static bool Fits(const Type& value, const Type& column) {
    if (value.kind == Type::Kind::kDecimal && column.kind == Type::Kind::kDecimal) {
      return value.scale == column.scale && value.precision <= column.precision;
    }
    return value.kind == column.kind || (value.kind == Type::Kind::kInt && column.kind == Type::Kind::kLong) ||
           (value.kind == Type::Kind::kFloat && column.kind == Type::Kind::kDouble);
  }

  static absl::Status DoesNotFit(const std::string& names) {
    return absl::InvalidArgumentError(
        absl::StrCat("field ", names, " does not go into its column; evolve the table's schema first"));
  }

  /// A required column that nothing writes would get zeros for values.
  absl::Status CheckRequired(const std::vector<std::unique_ptr<Column>>& columns, const std::vector<Field>& fields,
                             const std::string& outer) const {
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string name = outer.empty() ? fields[i].name : absl::StrCat(outer, ".", fields[i].name);
      const Column* column = columns[i].get();
      bool written = used_.count(column) != 0 || column == topic_ || column == partition_ || column == offset_ ||
                     column == timestamp_ || column == key_;
      for (const DerivedDate& date : dates_) {
        written = written || column == date.to;
      }
      if (column->required() && !written) {
        return absl::InvalidArgumentError(absl::StrCat(
            "column ", name, " of the table is required and no field of the message belongs to it; make it optional"));
      }
      if (column->kind() == Type::Kind::kStruct && written) {
        absl::Status status = CheckRequired(static_cast<const StructColumn*>(column)->children(), fields[i].type.fields, name);
        if (!status.ok()) {
          return status;
        }
      }
    }
    return absl::OkStatus();
  }

  RowBatch batch_;
  const ColumnRecord record_;
  const MappingOptions options_;
  google::protobuf::DynamicMessageFactory messages_;
  std::vector<const Descriptor*> ancestors_;
  std::set<const Column*> used_;
  MessageDecoder root_;
  BytesColumn* topic_ = nullptr;
  FixedColumn<int32_t>* partition_ = nullptr;
  FixedColumn<int64_t>* offset_ = nullptr;
  FixedColumn<int64_t>* timestamp_ = nullptr;
  BytesColumn* key_ = nullptr;
  std::vector<DerivedDate> dates_;
  RowError error_;
};

RowDecoder::RowDecoder(std::unique_ptr<Plan> plan) : plan_(std::move(plan)) {}
RowDecoder::~RowDecoder() = default;

absl::StatusOr<std::unique_ptr<RowDecoder>> RowDecoder::Create(const Schema& schema, const ColumnRecord& record,
                                                               const Descriptor& message, const MappingOptions& options) {
  auto plan = std::make_unique<Plan>(schema, record, options);
  if (absl::Status status = plan->Compile(message); !status.ok()) {
    return status;
  }
  return std::unique_ptr<RowDecoder>(new RowDecoder(std::move(plan)));
}

absl::Status RowDecoder::Append(std::string_view message, const RowOrigin& origin) { return plan_->Append(message, origin); }

absl::Status RowDecoder::AppendWithoutMessage(const RowOrigin& origin) { return plan_->AppendWithoutMessage(origin); }

RowBatch& RowDecoder::batch() { return plan_->batch(); }

}  // namespace millrace::warehouse
