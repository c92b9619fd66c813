#include "serving/copy_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "serving/column_json.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kEpochMicros = 946'684'800'000'000;       // 2000-01-01, from which PostgreSQL counts
constexpr int32_t kEpochDays = 10957;                       // the same
constexpr int64_t kFirstMicros = -211'813'488'000'000'000;  // 4714-11-24 BC, counted from there
constexpr int32_t kFirstDay = -2'451'545;                   // the same
constexpr uint64_t kTenTo18 = 1'000'000'000'000'000'000;
constexpr uint8_t kJsonbVersion = 1;

template <typename T>
void AppendBigEndian(T value, std::string* row) {
  std::array<char, sizeof(T)> bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)) & 0xff);
  row->append(bytes.data(), bytes.size());
}

/// Decimal digits, at least `least`.
std::string Digits(absl::uint128 value, size_t least) {
  std::string digits;
  while (value != 0) {
    auto part = static_cast<uint64_t>(value % kTenTo18);
    value /= kTenTo18;
    for (int i = 0; i < 18 && (part != 0 || value != 0); ++i) {
      digits.push_back(static_cast<char>('0' + part % 10));
      part /= 10;
    }
  }
  if (digits.size() < least) digits.append(least - digits.size(), '0');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

template <typename T>
T Value(const Column& column, int64_t row) {
  return static_cast<const FixedColumn<T>&>(column).values()[static_cast<size_t>(row)];
}

}  // namespace

void AppendCopyCount(int16_t fields, std::string* row) { AppendBigEndian(static_cast<uint16_t>(fields), row); }

void AppendCopyNull(std::string* row) { AppendBigEndian(~uint32_t{0}, row); }

void AppendCopyInt16(int16_t value, std::string* row) {
  AppendBigEndian(uint32_t{2}, row);
  AppendBigEndian(static_cast<uint16_t>(value), row);
}

void AppendCopyInt32(int32_t value, std::string* row) {
  AppendBigEndian(uint32_t{4}, row);
  AppendBigEndian(static_cast<uint32_t>(value), row);
}

void AppendCopyInt64(int64_t value, std::string* row) {
  AppendBigEndian(uint32_t{8}, row);
  AppendBigEndian(static_cast<uint64_t>(value), row);
}

void AppendCopyBytes(std::string_view value, std::string* row) {
  AppendBigEndian(static_cast<uint32_t>(value.size()), row);
  row->append(value);
}

// Digits to the base 10,000, counted from the decimal point, without those that are zero at either end.
void AppendCopyNumeric(absl::int128 unscaled, int scale, std::string* row) {
  const absl::uint128 magnitude = unscaled < 0 ? absl::uint128(0) - absl::uint128(unscaled) : absl::uint128(unscaled);
  std::string digits = Digits(magnitude, static_cast<size_t>(scale));
  const size_t whole = digits.size() - static_cast<size_t>(scale);
  digits.insert(0, (4 - whole % 4) % 4, '0');
  digits.append((4 - digits.size() % 4) % 4, '0');
  int weight = static_cast<int>((whole + 3) / 4) - 1;
  std::vector<uint16_t> groups;
  for (size_t i = 0; i < digits.size(); i += 4) {
    uint16_t group = 0;
    for (size_t j = i; j < i + 4; ++j) group = static_cast<uint16_t>(group * 10 + (digits[j] - '0'));
    if (group == 0 && groups.empty()) {
      --weight;
    } else {
      groups.push_back(group);
    }
  }
  while (!groups.empty() && groups.back() == 0) groups.pop_back();
  AppendBigEndian(static_cast<uint32_t>(8 + 2 * groups.size()), row);
  AppendBigEndian(static_cast<uint16_t>(groups.size()), row);
  AppendBigEndian(static_cast<uint16_t>(groups.empty() ? 0 : weight), row);
  AppendBigEndian(static_cast<uint16_t>(unscaled < 0 ? 0x4000 : 0), row);
  AppendBigEndian(static_cast<uint16_t>(scale), row);
  for (const uint16_t group : groups) AppendBigEndian(group, row);
}

bool AppendCopyInstant(int64_t micros, std::string* row) {
  if (micros < kFirstMicros + kEpochMicros) return false;
  AppendCopyInt64(micros - kEpochMicros, row);
  return true;
}

CopyEncoder::CopyEncoder(const RowBatch& batch, const std::vector<ServingColumn>& columns) : columns_(columns) {
  for (const ServingColumn& column : columns_) sources_.push_back({&column, batch.Find(column.field.id)});
}

bool CopyEncoder::Append(int64_t row, std::string* out, std::string* error) {
  const size_t begin = out->size();
  key_size_ = 0;
  for (const Source& source : sources_) {
    if (!AppendField(source, row, out, error)) {
      *error = absl::StrCat("column ", source.column->field.name, " ", *error);
      return false;
    }
    if (source.column->key) key_size_ = out->size() - begin;
  }
  if (key_size_ <= kMaxKeyBytes) return true;
  *error = absl::StrCat("the key has ", key_size_, " bytes, and PostgreSQL's indexes take no more than ", kMaxKeyBytes);
  return false;
}

bool CopyEncoder::AppendField(const Source& source, int64_t row, std::string* out, std::string* error) {
  const Column& values = *source.values;
  if (values.IsNull(row)) {
    if (source.column->key) return *error = "is part of the key and not set", false;
    AppendCopyNull(out);
    return true;
  }
  switch (values.kind()) {
    case Type::Kind::kBoolean:
      AppendCopyBytes(std::string_view(Value<uint8_t>(values, row) != 0 ? "\1" : "\0", 1), out);
      return true;
    case Type::Kind::kInt:
      AppendCopyInt32(Value<int32_t>(values, row), out);
      return true;
    case Type::Kind::kLong:
      AppendCopyInt64(Value<int64_t>(values, row), out);
      return true;
    case Type::Kind::kFloat:
      AppendCopyInt32(std::bit_cast<int32_t>(Value<float>(values, row)), out);
      return true;
    case Type::Kind::kDouble:
      AppendCopyInt64(std::bit_cast<int64_t>(Value<double>(values, row)), out);
      return true;
    case Type::Kind::kDecimal:
      AppendCopyNumeric(Value<absl::int128>(values, row), source.column->field.type.scale, out);
      return true;
    case Type::Kind::kDate: {
      const int64_t day = int64_t{Value<int32_t>(values, row)} - kEpochDays;
      if (day < kFirstDay) return *error = "is a day before 4714 BC, which PostgreSQL does not have", false;
      AppendCopyInt32(static_cast<int32_t>(day), out);
      return true;
    }
    case Type::Kind::kTimestampTz:
      if (AppendCopyInstant(Value<int64_t>(values, row), out)) return true;
      return *error = "is an instant before 4714 BC, which PostgreSQL does not have", false;
    case Type::Kind::kString:
      return AppendText(source, row, out, error);
    case Type::Kind::kBinary:
      AppendCopyBytes(static_cast<const BytesColumn&>(values).Get(row), out);
      return true;
    default:
      return AppendJson(source, row, out, error);
  }
}

bool CopyEncoder::AppendText(const Source& source, int64_t row, std::string* out, std::string* error) {
  const std::string_view text = static_cast<const BytesColumn&>(*source.values).Get(row);
  const bool json = source.column->type == "jsonb";
  if (json ? JsonHasNul(text) : text.find('\0') != std::string_view::npos) return *error = kNulError, false;
  AppendBigEndian(static_cast<uint32_t>(text.size() + (json ? 1 : 0)), out);
  if (json) out->push_back(static_cast<char>(kJsonbVersion));
  out->append(text);
  return true;
}

bool CopyEncoder::AppendJson(const Source& source, int64_t row, std::string* out, std::string* error) {
  json_.assign(1, static_cast<char>(kJsonbVersion));
  if (!AppendColumnJson(*source.values, source.column->field, row, &json_, error)) return false;
  AppendCopyBytes(json_, out);
  return true;
}

}  // namespace millrace::warehouse
