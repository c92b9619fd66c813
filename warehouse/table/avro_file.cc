#include "table/avro_file.h"

#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "table/avro_codec.h"

namespace millrace::warehouse {
namespace {

constexpr std::string_view kMagic("Obj\x01", 4);
constexpr size_t kSyncBytes = 16;
constexpr size_t kBlockBytes = size_t{64} << 10;
// A schema may contain itself and so describe values of any depth.
constexpr int kDeepestValue = 64;
// Values that take no bytes (nulls, empty records) must not make a short file a huge tree: so many for each byte of a block.
constexpr size_t kValuesPerByte = 16;

// Reads Avro's binary encoding. After the first thing that cannot be, everything reads as zero, and ok() is false.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t remaining() const { return bytes_.size() - position_; }
  void Fail() { ok_ = false; }

  int64_t Long() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(Byte());
      value |= uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }
    Fail();
    return 0;
  }

  char Byte() {
    if (!ok_ || remaining() == 0) {
      Fail();
      return 0;
    }
    return bytes_[position_++];
  }

  std::string_view Raw(int64_t count) {
    if (!ok_ || count < 0 || static_cast<uint64_t>(count) > remaining()) {
      Fail();
      return {};
    }
    const std::string_view raw = bytes_.substr(position_, static_cast<size_t>(count));
    position_ += raw.size();
    return raw;
  }

  std::string_view Bytes() { return Raw(Long()); }

  // How many elements come in the next block of an array or a map; 0 at its end. Elements that take bytes, which all do that
  // anybody writes, are at most as many as bytes are left.
  int64_t BlockCount() {
    int64_t count = Long();
    if (count < 0) {
      if (count == std::numeric_limits<int64_t>::min()) Fail();
      count = ok_ ? -count : 0;
      Long();  // the size in bytes, for those who skip
    }
    if (static_cast<uint64_t>(count) > remaining()) Fail();
    return ok_ ? count : 0;
  }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

class ValueReader {
 public:
  ValueReader(const AvroSchema* schema, Decoder* in) : schema_(schema), in_(in), budget_(in->remaining() * kValuesPerByte) {}

  AvroValue Read(int node_index, int depth) {
    using Kind = AvroSchema::Kind;
    const AvroSchema::Node& node = schema_->node(node_index);
    AvroValue value{node_index, {}};
    if (depth > kDeepestValue || budget_ == 0) in_->Fail();
    if (!in_->ok()) return value;
    --budget_;
    switch (node.kind) {
      case Kind::kNull:
        break;
      case Kind::kBoolean:
        value.data = in_->Byte() != 0;
        break;
      case Kind::kInt:
      case Kind::kLong:
        value.data = in_->Long();
        break;
      case Kind::kEnum: {
        const int64_t symbol = in_->Long();
        if (symbol < 0 || symbol >= node.size) in_->Fail();
        value.data = symbol;
        break;
      }
      case Kind::kFloat:
        value.data = double{std::bit_cast<float>(Word<uint32_t>())};
        break;
      case Kind::kDouble:
        value.data = std::bit_cast<double>(Word<uint64_t>());
        break;
      case Kind::kBytes:
      case Kind::kString:
        value.data = std::string(in_->Bytes());
        break;
      case Kind::kFixed:
        value.data = std::string(in_->Raw(node.size));
        break;
      case Kind::kUnion:
        return Branch(node, depth);
      default:
        value.data = Parts(node, depth);
    }
    return value;
  }

 private:
  template <typename T>
  T Word() {
    const std::string_view raw = in_->Raw(sizeof(T));
    T word = 0;
    for (size_t i = raw.size(); i > 0; --i) word = (word << 8) | static_cast<unsigned char>(raw[i - 1]);
    return word;
  }

  AvroValue Branch(const AvroSchema::Node& node, int depth) {
    const int64_t branch = in_->Long();
    if (branch < 0 || static_cast<uint64_t>(branch) >= node.parts.size()) {
      in_->Fail();
      return {};
    }
    return Read(node.parts[static_cast<size_t>(branch)].node, depth + 1);
  }

  std::vector<AvroValue> Parts(const AvroSchema::Node& node, int depth) {
    std::vector<AvroValue> parts;
    if (node.kind == AvroSchema::Kind::kRecord) {
      for (const AvroSchema::Part& part : node.parts) {
        if (!in_->ok()) break;
        parts.push_back(Read(part.node, depth + 1));
      }
      return parts;
    }
    for (int64_t count = in_->BlockCount(); count > 0; count = in_->BlockCount()) {
      for (int64_t i = 0; i < count && in_->ok(); ++i) {
        if (node.kind == AvroSchema::Kind::kMap) parts.push_back({node.parts[0].node, std::string(in_->Bytes())});
        parts.push_back(Read(node.parts[0].node, depth + 1));
      }
    }
    return parts;
  }

  const AvroSchema* schema_;
  Decoder* in_;
  size_t budget_;
};

absl::Status Damaged(const std::string& file, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", what, "; the file is damaged or no Avro file"));
}

}  // namespace

void AvroEncoder::Long(int64_t value) {
  uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (zigzag >= 0x80) {
    bytes_.push_back(static_cast<char>(zigzag | 0x80));
    zigzag >>= 7;
  }
  bytes_.push_back(static_cast<char>(zigzag));
}

void AvroEncoder::Bytes(std::string_view value) {
  Long(static_cast<int64_t>(value.size()));
  bytes_.append(value);
}

void AvroEncoder::BeginArray(size_t count) {
  // A block of no elements would be the end of the array.
  if (count > 0) Long(static_cast<int64_t>(count));
}

AvroFileWriter::AvroFileWriter(const std::string& schema, const std::map<std::string, std::string>& metadata, AvroCodec codec,
                               std::string sync_marker)
    : codec_(codec), sync_marker_(std::move(sync_marker)), file_(kMagic) {
  std::map<std::string, std::string> header = metadata;
  header["avro.schema"] = schema;
  header["avro.codec"] = codec == AvroCodec::kDeflate ? "deflate" : "null";
  sync_marker_.resize(kSyncBytes);
  AvroEncoder encoder;
  encoder.BeginArray(header.size());
  for (const auto& [name, value] : header) {
    encoder.Bytes(name);
    encoder.Bytes(value);
  }
  encoder.EndArray();
  file_.append(encoder.bytes());
  file_.append(sync_marker_);
}

void AvroFileWriter::Append(std::string_view record) {
  block_.append(record);
  ++block_records_;
  if (block_.size() >= kBlockBytes) FinishBlock();
}

void AvroFileWriter::FinishBlock() {
  if (block_records_ == 0) return;
  AvroEncoder encoder;
  encoder.Long(block_records_);
  encoder.Bytes(codec_ == AvroCodec::kDeflate ? Deflated(block_) : block_);
  file_.append(encoder.bytes());
  file_.append(sync_marker_);
  block_.clear();
  block_records_ = 0;
}

std::string AvroFileWriter::Finish() {
  FinishBlock();
  return std::move(file_);
}

std::optional<AvroView> AvroView::Field(int field_id) const {
  const AvroSchema::Node& record = node();
  const auto* parts = std::get_if<std::vector<AvroValue>>(&value_->data);
  if (!parts || record.kind != AvroSchema::Kind::kRecord) return std::nullopt;
  for (size_t i = 0; i < record.parts.size() && i < parts->size(); ++i) {
    if (record.parts[i].field_id != field_id) continue;
    if (std::holds_alternative<std::monostate>((*parts)[i].data)) return std::nullopt;
    return AvroView(schema_, &(*parts)[i]);
  }
  return std::nullopt;
}

std::optional<int64_t> AvroView::Long(int field_id) const {
  const std::optional<AvroView> field = Field(field_id);
  const int64_t* number = field ? std::get_if<int64_t>(&field->value_->data) : nullptr;
  return number ? std::optional<int64_t>(*number) : std::nullopt;
}

std::optional<int> AvroView::Int(int field_id) const {
  const std::optional<int64_t> number = Long(field_id);
  const bool fits = number && *number >= std::numeric_limits<int>::min() && *number <= std::numeric_limits<int>::max();
  return fits ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}

std::optional<bool> AvroView::Bool(int field_id) const {
  const std::optional<AvroView> field = Field(field_id);
  const bool* truth = field ? std::get_if<bool>(&field->value_->data) : nullptr;
  return truth ? std::optional<bool>(*truth) : std::nullopt;
}

const std::string* AvroView::Bytes(int field_id) const {
  const std::optional<AvroView> field = Field(field_id);
  return field ? std::get_if<std::string>(&field->value_->data) : nullptr;
}

std::vector<AvroView> AvroView::Elements(int field_id) const {
  std::vector<AvroView> elements;
  const std::optional<AvroView> field = Field(field_id);
  if (!field || field->node().kind != AvroSchema::Kind::kArray) return elements;
  if (const auto* parts = std::get_if<std::vector<AvroValue>>(&field->value_->data)) {
    for (const AvroValue& part : *parts) elements.emplace_back(schema_, &part);
  }
  return elements;
}

absl::StatusOr<AvroFileReader> AvroFileReader::Open(std::string_view content, const std::string& file) {
  Decoder in(content);
  if (in.Raw(kMagic.size()) != kMagic) return Damaged(file, "does not begin as an Avro file");
  AvroFileReader reader;
  reader.file_ = file;
  for (int64_t count = in.BlockCount(); count > 0; count = in.BlockCount()) {
    for (int64_t i = 0; i < count && in.ok(); ++i) {
      const std::string name(in.Bytes());
      reader.metadata_[name] = std::string(in.Bytes());
    }
  }
  reader.sync_marker_ = std::string(in.Raw(kSyncBytes));
  if (!in.ok()) return Damaged(file, "the header ends too early");
  reader.blocks_ = content.substr(content.size() - in.remaining());
  reader.codec_ = std::exchange(reader.metadata_["avro.codec"], "");
  auto schema = AvroSchema::Parse(reader.metadata_["avro.schema"], file);
  if (!schema.ok()) return schema.status();
  reader.schema_ = *std::move(schema);
  reader.metadata_.erase("avro.codec");
  reader.metadata_.erase("avro.schema");
  return reader;
}

std::string AvroFileReader::metadata(const std::string& name) const {
  const auto found = metadata_.find(name);
  return found == metadata_.end() ? "" : found->second;
}

absl::Status AvroFileReader::ForEach(const std::function<absl::Status(const AvroView&)>& record) const {
  Decoder in(blocks_);
  while (in.remaining() > 0) {
    const int64_t count = in.Long();
    const std::string_view compressed = in.Bytes();
    if (in.Raw(kSyncBytes) != sync_marker_ || !in.ok() || count < 0)
      return Damaged(file_, "a block does not end where it should");
    auto block = Decompressed(compressed, codec_);
    if (!block.ok()) return absl::Status(block.status().code(), absl::StrCat(file_, ": ", std::string(block.status().message())));
    Decoder values(*block);
    ValueReader reader(&schema_, &values);
    for (int64_t i = 0; i < count; ++i) {
      const AvroValue value = reader.Read(0, 0);
      if (!values.ok()) return Damaged(file_, "a record cannot be read");
      if (absl::Status taken = record(AvroView(&schema_, &value)); !taken.ok()) return taken;
    }
    if (values.remaining() > 0) return Damaged(file_, "a block has bytes behind its records");
  }
  return absl::OkStatus();
}

}  // namespace millrace::warehouse
