#include "protobuf/value_decoder.h"

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <array>
#include <bit>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "protobuf/utf8.h"
#include "protobuf/wire.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

absl::int128 PowerOfTen(int exponent) {
  absl::int128 result = 1;
  for (int i = 0; i < exponent; ++i) {
    result *= 10;
  }
  return result;
}

const char* Malformed(RowError* error, const std::string& names) {
  Fail(error, names, "the bytes are cut off or malformed");
  return nullptr;
}

const char* WrongWireType(RowError* error, const std::string& names, uint32_t wire_type) {
  Fail(error, names, absl::StrCat("wire type ", wire_type, " is not that of the field's type"));
  return nullptr;
}

/// The fields of a message, or of a group.
const char* ReadBody(const FieldDescriptor& field, const char* p, const char* end, uint32_t wire_type, std::string_view* body,
                     RowError* error, const std::string& names) {
  if (wire_type != wire::WireTypeOf(field.type())) {
    return WrongWireType(error, names, wire_type);
  }
  p = wire_type == wire::kStartGroup ? wire::ReadGroup(p, end, static_cast<uint32_t>(field.number()), body)
                                     : wire::ReadBytes(p, end, body);
  return p == nullptr ? Malformed(error, names) : p;
}

class LeafDecoder : public ValueDecoder {
 public:
  LeafDecoder(const FieldDescriptor& field, Column* column, bool always, std::string names)
      : field_(field), column_(column), always_(always), names_(std::move(names)) {}

  bool Finish(int64_t row, RowError* /*error*/) override {
    if (column_->size() == row) {
      if (always_) {
        Touch(row);
      } else {
        column_->AppendNull();
      }
    }
    return true;
  }
  void Clear(int64_t row) override { column_->Truncate(row); }
  [[nodiscard]] bool Has(int64_t row) const override { return column_->size() > row; }

 protected:
  const FieldDescriptor& field_;
  Column* const column_;
  const bool always_;
  const std::string names_;
};

template <typename T>
class NumberDecoder : public LeafDecoder {
 public:
  NumberDecoder(const FieldDescriptor& field, Column* column, bool always, std::string names, int precision)
      : LeafDecoder(field, column, always, std::move(names)),
        values_(static_cast<FixedColumn<T>*>(column)),
        type_(field.type()),
        wire_type_(wire::WireTypeOf(field.type())),
        limit_(std::is_same_v<T, absl::int128> ? PowerOfTen(precision) : absl::int128(0)) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) override {
    if (wire_type != wire_type_) {
      return WrongWireType(error, names_, wire_type);
    }
    uint64_t bits = 0;
    p = wire::ReadNumber(type_, p, end, &bits);
    if (p == nullptr) {
      return Malformed(error, names_);
    }
    const T value = FromBits(bits);
    if constexpr (std::is_same_v<T, absl::int128>) {
      if (value >= limit_ || value <= -limit_) {
        Fail(error, names_, "the number has more digits than the decimal of its column");
        return nullptr;
      }
    }
    values_->Set(row, value);
    return p;
  }
  // Defaults of proto2 are no values: a field that was not set is null there.
  void Touch(int64_t row) override { values_->Set(row, T()); }
  [[nodiscard]] uint32_t packed_wire_type() const override { return wire_type_; }

 private:
  T FromBits(uint64_t bits) const {
    if constexpr (std::is_floating_point_v<T>) {
      return type_ == FieldDescriptor::TYPE_FLOAT ? static_cast<T>(std::bit_cast<float>(static_cast<uint32_t>(bits)))
                                                  : static_cast<T>(std::bit_cast<double>(bits));
    } else if constexpr (std::is_same_v<T, absl::int128>) {
      return type_ == FieldDescriptor::TYPE_UINT64 || type_ == FieldDescriptor::TYPE_FIXED64
                 ? absl::int128(bits)
                 : absl::int128(static_cast<int64_t>(bits));
    } else {
      return static_cast<T>(static_cast<int64_t>(bits));
    }
  }

  FixedColumn<T>* const values_;
  const FieldDescriptor::Type type_;
  const uint32_t wire_type_;
  const absl::int128 limit_;
};

class TextDecoder : public LeafDecoder {
 public:
  TextDecoder(const FieldDescriptor& field, Column* column, bool always, std::string names)
      : LeafDecoder(field, column, always, std::move(names)),
        values_(static_cast<BytesColumn*>(column)),
        is_text_(field.type() == FieldDescriptor::TYPE_STRING) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) override {
    if (wire_type != wire::kLength) {
      return WrongWireType(error, names_, wire_type);
    }
    std::string_view value;
    p = wire::ReadBytes(p, end, &value);
    if (p == nullptr) {
      return Malformed(error, names_);
    }
    if (is_text_ && !IsUtf8(value)) {
      Fail(error, names_, "the text is not valid UTF-8");
      return nullptr;
    }
    if (!values_->Set(row, value)) {
      Fail(error, names_, "the batch is full");
      return nullptr;
    }
    return p;
  }
  void Touch(int64_t row) override { (void)values_->Set(row, ""); }

 private:
  BytesColumn* const values_;
  const bool is_text_;
};

class EnumDecoder : public LeafDecoder {
 public:
  EnumDecoder(const FieldDescriptor& field, Column* column, bool always, std::string names)
      : LeafDecoder(field, column, always, std::move(names)),
        values_(static_cast<BytesColumn*>(column)),
        closed_(field.file()->syntax() == google::protobuf::FileDescriptor::SYNTAX_PROTO2) {
    const EnumDescriptor& type = *field.enum_type();
    for (int i = 0; i < type.value_count(); ++i) {
      names_by_number_.emplace(type.value(i)->number(), type.value(i)->name());
    }
  }

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) override {
    if (wire_type != wire::kVarint) {
      return WrongWireType(error, names_, wire_type);
    }
    uint64_t bits = 0;
    p = wire::ReadNumber(FieldDescriptor::TYPE_ENUM, p, end, &bits);
    if (p == nullptr) {
      return Malformed(error, names_);
    }
    const auto number = static_cast<int32_t>(bits);
    const auto found = names_by_number_.find(number);
    bool set = true;
    if (found != names_by_number_.end()) {
      set = values_->Set(row, found->second);
    } else if (!closed_) {
      set = values_->Set(row, absl::StrCat("UNKNOWN_", number));
    }
    return set ? p : (Fail(error, names_, "the batch is full"), nullptr);
  }
  void Touch(int64_t row) override { (void)values_->Set(row, field_.default_value_enum()->name()); }
  [[nodiscard]] bool Knows(const char* p, const char* end) const override {
    uint64_t bits = 0;
    return !closed_ || wire::ReadNumber(FieldDescriptor::TYPE_ENUM, p, end, &bits) == nullptr ||
           names_by_number_.contains(static_cast<int32_t>(bits));
  }
  [[nodiscard]] uint32_t packed_wire_type() const override { return wire::kVarint; }

 private:
  BytesColumn* const values_;
  const bool closed_;
  absl::flat_hash_map<int32_t, std::string> names_by_number_;
};

/// A message of a few integers and at most one text that becomes one value.
class SmallMessageDecoder : public LeafDecoder {
 public:
  /// `numbers` are those of up to three integers; 0 = none. `text` is that of the text.
  SmallMessageDecoder(const FieldDescriptor& field, Column* column, std::string names, std::array<int, 3> numbers, int text = 0)
      : LeafDecoder(field, column, false, std::move(names)), text_(text) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers_[i] = static_cast<uint32_t>(numbers[i]);
      types_[i] = numbers[i] == 0 ? FieldDescriptor::TYPE_INT64 : field.message_type()->FindFieldByNumber(numbers[i])->type();
    }
  }

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t /*row*/, RowError* error) override {
    std::string_view body;
    p = ReadBody(field_, p, end, wire_type, &body, error, names_);
    seen_ = p != nullptr;
    const char* at = body.data();
    const char* const body_end = at + body.size();
    while (p != nullptr && at != body_end) {
      at = ReadPart(at, body_end);
      p = at == nullptr ? Malformed(error, names_) : p;
    }
    return p;
  }
  bool Finish(int64_t row, RowError* error) override {
    const bool good = seen_ ? Convert(row, error) : (AppendNull(), true);
    Reset();
    return good;
  }
  void Clear(int64_t row) override {
    column_->Truncate(row);
    Reset();
  }
  void Touch(int64_t /*row*/) override { seen_ = true; }
  [[nodiscard]] bool Has(int64_t /*row*/) const override { return seen_; }

 protected:
  virtual bool Convert(int64_t row, RowError* error) = 0;
  virtual void AppendNull() { column_->AppendNull(); }
  [[nodiscard]] int64_t integer(size_t i) const { return integers_[i]; }
  [[nodiscard]] std::string_view text() const { return text_value_; }

 private:
  const char* ReadPart(const char* p, const char* end) {
    uint32_t number;
    uint32_t wire_type;
    p = wire::ReadTag(p, end, &number, &wire_type);
    if (p == nullptr) {
      return nullptr;
    }
    for (size_t i = 0; i < numbers_.size(); ++i) {
      if (number == numbers_[i]) {
        uint64_t bits = 0;
        p = wire_type == wire::WireTypeOf(types_[i]) ? wire::ReadNumber(types_[i], p, end, &bits) : nullptr;
        integers_[i] = p == nullptr ? 0 : static_cast<int64_t>(bits);
        return p;
      }
    }
    if (number == text_) {
      return wire_type == wire::kLength ? wire::ReadBytes(p, end, &text_value_) : nullptr;
    }
    return wire::SkipField(p, end, number, wire_type);
  }
  void Reset() {
    seen_ = false;
    integers_ = {};
    text_value_ = {};
  }

  std::array<uint32_t, 3> numbers_{};
  std::array<FieldDescriptor::Type, 3> types_{};
  const uint32_t text_;
  bool seen_ = false;
  std::array<int64_t, 3> integers_{};
  std::string_view text_value_;  // in the bytes of the row
};

class TimestampDecoder : public SmallMessageDecoder {
 public:
  TimestampDecoder(const FieldDescriptor& field, Column* column, std::string names)
      : SmallMessageDecoder(field, column, std::move(names), {1, 2, 0}) {}

 private:
  // 0001-01-01 to 9999-12-31, as the type says.
  static constexpr int64_t kFirstSecond = -62'135'596'800;
  static constexpr int64_t kLastSecond = 253'402'300'799;

  bool Convert(int64_t row, RowError* error) override {
    const int64_t seconds = integer(0);
    const int64_t nanos = integer(1);
    if (seconds < kFirstSecond || seconds > kLastSecond || nanos < 0 || nanos >= kNanosPerSecond) {
      return Fail(error, names_,
                  absl::StrCat("the timestamp of ", seconds, " s and ", nanos, " ns is not in the years 1 to 9999"));
    }
    static_cast<FixedColumn<int64_t>*>(column_)->Set(row, seconds * kMicrosPerSecond + nanos / 1000);
    return true;
  }
};

class DurationDecoder : public SmallMessageDecoder {
 public:
  DurationDecoder(const FieldDescriptor& field, Column* column, std::string names)
      : SmallMessageDecoder(field, column, std::move(names), {1, 2, 0}) {}

 private:
  static constexpr int64_t kMostSeconds = 315'576'000'000;  // 10,000 years, as the type says

  bool Convert(int64_t row, RowError* error) override {
    const int64_t seconds = integer(0);
    const int64_t nanos = integer(1);
    if (seconds < -kMostSeconds || seconds > kMostSeconds || nanos <= -kNanosPerSecond || nanos >= kNanosPerSecond ||
        (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0)) {
      return Fail(error, names_,
                  absl::StrCat("the duration of ", seconds, " s and ", nanos, " ns is beyond 10,000 years or has two signs"));
    }
    const int64_t micros = nanos >= 0 ? nanos / 1000 : -((-nanos + 999) / 1000);
    static_cast<FixedColumn<int64_t>*>(column_)->Set(row, seconds * kMicrosPerSecond + micros);
    return true;
  }
};

class DateDecoder : public SmallMessageDecoder {
 public:
  DateDecoder(const FieldDescriptor& field, Column* column, std::string names)
      : SmallMessageDecoder(field, column, std::move(names),
                            {Number(field, "year"), Number(field, "month"), Number(field, "day")}) {}

 private:
  static int Number(const FieldDescriptor& field, const char* name) {
    const FieldDescriptor* part = field.message_type()->FindFieldByName(name);
    return part == nullptr ? 0 : part->number();
  }

  bool Convert(int64_t row, RowError* error) override {
    const absl::CivilDay day(integer(0), integer(1), integer(2));
    if (integer(0) < 1 || integer(0) > 9999 || day.month() != integer(1) || day.day() != integer(2)) {
      return Fail(error, names_,
                  absl::StrCat(integer(0), "-", integer(1), "-", integer(2), " is no whole date of the years 1 to 9999"));
    }
    static_cast<FixedColumn<int32_t>*>(column_)->Set(row, static_cast<int32_t>(day - absl::CivilDay(1970, 1, 1)));
    return true;
  }
};

/// Units and nanos, as decimal(28,9) in a struct with the currency, or as the decimal that was asked for beside it.
class MoneyDecoder : public SmallMessageDecoder {
 public:
  MoneyDecoder(const FieldDescriptor& field, const FieldMapping& mapping, Column* column, Column* amount, Column* currency,
               std::string names)
      : SmallMessageDecoder(field, column, std::move(names), {mapping.units, mapping.nanos, 0}, mapping.currency),
        amount_(static_cast<FixedColumn<absl::int128>*>(amount)),
        currency_(static_cast<BytesColumn*>(currency)),
        in_struct_(mapping.conversion == Conversion::kMoney) {
    const Type& decimal = in_struct_ ? mapping.type.fields[0].type : mapping.type;
    limit_ = PowerOfTen(decimal.precision);
    units_by_ = PowerOfTen(decimal.scale);
    nanos_over_ = decimal.scale >= 9 ? 1 : PowerOfTen(9 - decimal.scale);
    nanos_by_ = decimal.scale >= 9 ? PowerOfTen(decimal.scale - 9) : 1;
  }

  void Clear(int64_t row) override {
    SmallMessageDecoder::Clear(row);
    if (currency_ != nullptr) {
      currency_->Truncate(row);
    }
  }

 private:
  bool Convert(int64_t row, RowError* error) override {
    const int64_t units = integer(0);
    const int64_t nanos = integer(1);
    if (nanos <= -kNanosPerSecond || nanos >= kNanosPerSecond || (units > 0 && nanos < 0) || (units < 0 && nanos > 0)) {
      return Fail(error, names_, absl::StrCat(units, " units and ", nanos, " nanos are no amount"));
    }
    if (absl::int128(nanos) % nanos_over_ != 0) {
      return Fail(error, names_, absl::StrCat(nanos, " nanos need more digits after the point than the column has"));
    }
    // Found before they are multiplied, which would not fit.
    const absl::int128 magnitude = units < 0 ? -absl::int128(units) : absl::int128(units);
    if (magnitude >= limit_ / units_by_) {
      return Fail(error, names_, absl::StrCat(units, " units have more digits than the column"));
    }
    const absl::int128 amount = absl::int128(units) * units_by_ + absl::int128(nanos) / nanos_over_ * nanos_by_;
    if (amount >= limit_ || amount <= -limit_) {
      return Fail(error, names_, absl::StrCat(units, " units have more digits than the column"));
    }
    if (!IsUtf8(text())) {
      return Fail(error, names_, "the currency is not valid UTF-8");
    }
    amount_->Set(row, amount);
    if (currency_ != nullptr && !currency_->Set(row, text())) {
      return Fail(error, names_, "the batch is full");
    }
    if (in_struct_) {
      static_cast<StructColumn*>(column_)->Finish();
    }
    return true;
  }
  void AppendNull() override {
    column_->AppendNull();
    if (!in_struct_ && currency_ != nullptr) {
      currency_->AppendNull();
    }
  }

  FixedColumn<absl::int128>* const amount_;
  BytesColumn* const currency_;
  const bool in_struct_;
  absl::int128 limit_;
  absl::int128 units_by_;
  absl::int128 nanos_over_;
  absl::int128 nanos_by_;
};

/// google.protobuf.StringValue and its like: the value is there as soon as the message is.
class WrapperDecoder : public LeafDecoder {
 public:
  WrapperDecoder(const FieldDescriptor& field, Column* column, std::string names, std::unique_ptr<ValueDecoder> value)
      : LeafDecoder(field, column, false, std::move(names)), value_(std::move(value)) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) override {
    std::string_view body;
    p = ReadBody(field_, p, end, wire_type, &body, error, names_);
    if (p == nullptr) {
      return nullptr;
    }
    if (!value_->Has(row)) {
      value_->Touch(row);
    }
    const char* at = body.data();
    const char* const body_end = at + body.size();
    while (at != body_end) {
      uint32_t number;
      uint32_t inner;
      at = wire::ReadTag(at, body_end, &number, &inner);
      if (at == nullptr) {
        return Malformed(error, names_);
      }
      at = number == 1 ? value_->Read(at, body_end, inner, row, error) : wire::SkipField(at, body_end, number, inner);
      if (at == nullptr) {
        return error->text.empty() ? Malformed(error, names_) : nullptr;
      }
    }
    return p;
  }
  void Touch(int64_t row) override { value_->Touch(row); }

 private:
  std::unique_ptr<ValueDecoder> value_;
};

/// A message of which only matters whether it is there.
class PresenceDecoder : public LeafDecoder {
 public:
  using LeafDecoder::LeafDecoder;

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) override {
    std::string_view body;
    p = ReadBody(field_, p, end, wire_type, &body, error, names_);
    const char* at = body.data();
    while (p != nullptr && at != body.data() + body.size()) {
      uint32_t number;
      uint32_t inner;
      at = wire::ReadTag(at, body.data() + body.size(), &number, &inner);
      at = at == nullptr ? nullptr : wire::SkipField(at, body.data() + body.size(), number, inner);
      if (at == nullptr) {
        return Malformed(error, names_);
      }
    }
    if (p != nullptr) {
      Touch(row);
    }
    return p;
  }
  void Touch(int64_t row) override { static_cast<FixedColumn<uint8_t>*>(column_)->Set(row, 1); }
};

class JsonDecoder : public LeafDecoder {
 public:
  JsonDecoder(const FieldDescriptor& field, Column* column, std::string names, const DecoderContext& context)
      : LeafDecoder(field, column, false, std::move(names)),
        message_(context.messages->GetPrototype(field.message_type())->New()),
        resolver_(google::protobuf::util::NewTypeResolverForDescriptorPool("type.googleapis.com", field.file()->pool())),
        type_url_(absl::StrCat("type.googleapis.com/", field.message_type()->full_name())) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t /*row*/, RowError* error) override {
    std::string_view body;
    p = ReadBody(field_, p, end, wire_type, &body, error, names_);
    if (p != nullptr) {
      seen_ = true;
      bytes_.append(body);
    }
    return p;
  }
  bool Finish(int64_t row, RowError* error) override {
    if (!seen_) {
      column_->AppendNull();
      return true;
    }
    std::string json;
    const bool good =
        Print(&json, error) && (static_cast<BytesColumn*>(column_)->Set(row, json) || Fail(error, names_, "the batch is full"));
    Reset();
    return good;
  }
  void Clear(int64_t row) override {
    column_->Truncate(row);
    Reset();
  }
  void Touch(int64_t /*row*/) override { seen_ = true; }
  [[nodiscard]] bool Has(int64_t /*row*/) const override { return seen_; }

 private:
  bool Print(std::string* json, RowError* error) {
    // The error of the row says it; protobuf would print a line for each.
    const google::protobuf::LogSilencer silence;
    if (!message_->ParseFromString(bytes_)) {
      return Fail(error, names_, "the message is malformed, not valid UTF-8, or nested too deeply");
    }
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    // The message as it was merged, not as it came; maps in the order of their keys, so that one message has one text.
    std::string merged;
    {
      google::protobuf::io::StringOutputStream stream(&merged);
      google::protobuf::io::CodedOutputStream output(&stream);
      output.SetSerializationDeterministic(true);
      message_->SerializePartialToCodedStream(&output);
    }
    const auto status = google::protobuf::util::BinaryToJsonString(resolver_.get(), type_url_, merged, json, options);
    if (status.ok()) {
      return true;
    }
    if (field_.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) {
      *json = UnknownAny();
      return true;
    }
    return Fail(error, names_, absl::StrCat("the message has no JSON: ", status.ToString()));
  }

  /// The type of an Any need not be known here.
  std::string UnknownAny() const {
    const google::protobuf::Reflection& reflection = *message_->GetReflection();
    const Descriptor& type = *message_->GetDescriptor();
    std::string url;
    for (const char c : reflection.GetString(*message_, type.FindFieldByNumber(1))) {
      if (c == '"' || c == '\\') {
        url += '\\';
      }
      if (static_cast<unsigned char>(c) >= 0x20) {
        url += c;
      }
    }
    return absl::StrCat("{\"@type\":\"", url, "\",\"value\":\"",
                        absl::Base64Escape(reflection.GetString(*message_, type.FindFieldByNumber(2))), "\"}");
  }
  void Reset() {
    seen_ = false;
    bytes_.clear();
  }

  std::unique_ptr<google::protobuf::Message> message_;
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
  const std::string type_url_;
  bool seen_ = false;
  std::string bytes_;  // all that came, one after another, which is how messages are merged
};

class IgnoringDecoder : public ValueDecoder {
 public:
  IgnoringDecoder(int number, std::string names) : number_(static_cast<uint32_t>(number)), names_(std::move(names)) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t /*row*/, RowError* error) override {
    p = wire::SkipField(p, end, number_, wire_type);
    return p == nullptr ? Malformed(error, names_) : p;
  }
  bool Finish(int64_t /*row*/, RowError* /*error*/) override { return true; }
  void Clear(int64_t /*row*/) override {}
  void Touch(int64_t /*row*/) override {}
  [[nodiscard]] bool Has(int64_t /*row*/) const override { return false; }

 private:
  const uint32_t number_;
  const std::string names_;
};

std::unique_ptr<ValueDecoder> MakeNumberDecoder(const FieldDescriptor& field, const FieldMapping& mapping, Column* column,
                                                bool always, const std::string& names) {
  switch (column->kind()) {
    case Type::Kind::kBoolean:
      return std::make_unique<NumberDecoder<uint8_t>>(field, column, always, names, 0);
    case Type::Kind::kInt:
      return std::make_unique<NumberDecoder<int32_t>>(field, column, always, names, 0);
    case Type::Kind::kLong:
      return std::make_unique<NumberDecoder<int64_t>>(field, column, always, names, 0);
    case Type::Kind::kFloat:
      return std::make_unique<NumberDecoder<float>>(field, column, always, names, 0);
    case Type::Kind::kDouble:
      return std::make_unique<NumberDecoder<double>>(field, column, always, names, 0);
    default:
      return std::make_unique<NumberDecoder<absl::int128>>(field, column, always, names, mapping.type.precision);
  }
}

}  // namespace

uint32_t ValueDecoder::packed_wire_type() const { return wire::kLength; }

bool Fail(RowError* error, const std::string& names, std::string_view what) {
  error->text = absl::StrCat("field ", names, ": ", std::string(what));
  return false;
}

std::unique_ptr<ValueDecoder> MakeIgnoringDecoder(int number, const std::string& names) {
  return std::make_unique<IgnoringDecoder>(number, names);
}

std::unique_ptr<ValueDecoder> MakeValueDecoder(const FieldDescriptor& field, const FieldMapping& mapping, Column* column,
                                               Column* currency, bool always, const std::string& names,
                                               const DecoderContext& context) {
  switch (mapping.conversion) {
    case Conversion::kNumber:
      return MakeNumberDecoder(field, mapping, column, always, names);
    case Conversion::kText:
      return std::make_unique<TextDecoder>(field, column, always, names);
    case Conversion::kEnumName:
      return std::make_unique<EnumDecoder>(field, column, always, names);
    case Conversion::kTimestamp:
      return std::make_unique<TimestampDecoder>(field, column, names);
    case Conversion::kDuration:
      return std::make_unique<DurationDecoder>(field, column, names);
    case Conversion::kDate:
      return std::make_unique<DateDecoder>(field, column, names);
    case Conversion::kMoney: {
      const auto& children = static_cast<StructColumn*>(column)->children();
      return std::make_unique<MoneyDecoder>(field, mapping, column, children[0].get(), children[1].get(), names);
    }
    case Conversion::kMoneyDecimal:
      return std::make_unique<MoneyDecoder>(field, mapping, column, column, currency, names);
    case Conversion::kWrapper: {
      const FieldDescriptor& wrapped = *field.message_type()->FindFieldByNumber(1);
      FieldMapping inner = mapping;
      inner.conversion = wrapped.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? Conversion::kText : Conversion::kNumber;
      return std::make_unique<WrapperDecoder>(field, column, names,
                                              MakeValueDecoder(wrapped, inner, column, nullptr, false, names, context));
    }
    case Conversion::kJson:
      return std::make_unique<JsonDecoder>(field, column, names, context);
    case Conversion::kPresence:
      return std::make_unique<PresenceDecoder>(field, column, false, names);
    case Conversion::kStruct:
      break;
  }
  return nullptr;
}

}  // namespace millrace::warehouse
