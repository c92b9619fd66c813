#include "registry/topic_schemas.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;

constexpr int kMaxFiles = 1000;

class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", message);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Confluent's clients for Python and .NET register a file as protobuf has it itself, serialised and in base64; no text of a
/// .proto file reads as that.
bool IsSerializedFile(const std::string& text, FileDescriptorProto* file) {
  std::string bytes;
  return !text.empty() && text.find_first_of(";{ \n") == std::string::npos && absl::Base64Unescape(text, &bytes) &&
         file->ParseFromString(bytes);
}

absl::StatusOr<FileDescriptorProto> ParseFile(const std::string& name, const std::string& text) {
  FileDescriptorProto file;
  if (IsSerializedFile(text, &file)) {
    file.set_name(name);
    return file;
  }
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  FirstError error;
  google::protobuf::io::Tokenizer tokenizer(&input, &error);
  google::protobuf::compiler::Parser parser;
  parser.RecordErrorsTo(&error);
  if (!parser.Parse(&tokenizer, &file) || !error.text().empty()) {
    return absl::FailedPreconditionError(absl::StrCat("the registered file ", name, " cannot be parsed: ", error.text()));
  }
  file.set_name(name);
  return file;
}

/// Files that come with protobuf: registries do not have them.
const google::protobuf::FileDescriptor* KnownFile(const std::string& name) {
  // In the pool as soon as they are linked.
  static const auto* const linked =
      new std::set<const void*>{google::protobuf::Any::descriptor(),       google::protobuf::Duration::descriptor(),
                                google::protobuf::Empty::descriptor(),     google::protobuf::FieldMask::descriptor(),
                                google::protobuf::Struct::descriptor(),    google::protobuf::Timestamp::descriptor(),
                                google::protobuf::Int64Value::descriptor()};
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  return linked->empty() || !name.starts_with("google/protobuf/") ? nullptr : pool->FindFileByName(name);
}

/// A file with what it imports, what is imported first.
class FileCollector {
 public:
  explicit FileCollector(RegistryClient* client) : client_(client) {}

  absl::Status Add(const std::string& name, const RegisteredSchema& schema) {
    if (!added_.insert(name).second) return absl::OkStatus();
    if (added_.size() > kMaxFiles) return absl::FailedPreconditionError(absl::StrCat(name, " imports more than 1000 files"));
    absl::StatusOr<FileDescriptorProto> file = ParseFile(name, schema.text);
    if (!file.ok()) return file.status();
    for (const std::string& import : file->dependency()) {
      if (absl::Status status = Import(name, import, schema); !status.ok()) return status;
    }
    *set_.add_file() = *std::move(file);
    return absl::OkStatus();
  }
  [[nodiscard]] const FileDescriptorSet& set() const { return set_; }

 private:
  absl::Status Import(const std::string& from, const std::string& name, const RegisteredSchema& schema) {
    for (const RegisteredSchema::Reference& reference : schema.references) {
      if (reference.name != name) continue;
      absl::StatusOr<RegisteredSchema> imported = client_->Version(reference.subject, reference.version);
      return imported.ok() ? Add(name, *imported) : imported.status();
    }
    const auto* known = KnownFile(name);
    if (known == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("the registered file ", from, " imports ", name, ", which is none of its references"));
    }
    if (added_.insert(name).second) known->CopyTo(set_.add_file());
    return absl::OkStatus();
  }

  RegistryClient* const client_;
  std::set<std::string> added_;
  FileDescriptorSet set_;
};

void AddNames(const DescriptorProto& message, const std::string& scope, std::vector<int32_t>* way,
              std::map<std::vector<int32_t>, std::string>* names) {
  const std::string name = scope.empty() ? message.name() : absl::StrCat(scope, ".", message.name());
  names->emplace(*way, name);
  // Entries of maps come behind the messages that are written down, and are no way's end.
  for (int i = 0; i < message.nested_type_size(); ++i) {
    way->push_back(i);
    AddNames(message.nested_type(i), name, way, names);
    way->pop_back();
  }
}

std::map<std::vector<int32_t>, std::string> NamesIn(const FileDescriptorProto& file) {
  std::map<std::vector<int32_t>, std::string> names;
  for (int i = 0; i < file.message_type_size(); ++i) {
    std::vector<int32_t> way = {i};
    AddNames(file.message_type(i), file.package(), &way, &names);
  }
  return names;
}

/// A zigzag varint of at most 32 bits; false if there is none.
bool TakeNumber(BytesView value, size_t* at, int32_t* number) {
  uint64_t bits = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    if (*at >= value.size()) return false;
    const auto byte = static_cast<unsigned char>(value[(*at)++]);
    bits |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if (bits > UINT32_MAX) return false;
    *number = static_cast<int32_t>(bits >> 1) ^ -static_cast<int32_t>(bits & 1);
    return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<RegistryHeader> RegistryHeader::Parse(BytesView value) {
  if (value.size() < 6 || value[0] != 0) {
    return absl::InvalidArgumentError("the value does not begin as one that was written with a schema registry");
  }
  RegistryHeader header;
  uint32_t id = 0;
  for (size_t i = 1; i < 5; ++i) id = id << 8 | static_cast<unsigned char>(value[i]);
  header.schema_id = static_cast<int32_t>(id);
  header.size = 5;
  int32_t count = 0;
  const absl::Status damaged = absl::InvalidArgumentError("the value's way to its message is damaged");
  if (!TakeNumber(value, &header.size, &count) || count < 0 || static_cast<size_t>(count) > value.size()) return damaged;
  for (int32_t i = 0; i < count; ++i) {
    int32_t index = 0;
    if (!TakeNumber(value, &header.size, &index)) return damaged;
    header.message_indexes.push_back(index);
  }
  if (count == 0) header.message_indexes = {0};
  return header;
}

absl::StatusOr<TopicSchemas::Latest> TopicSchemas::Load() {
  absl::StatusOr<RegisteredSchema> schema = client_->Latest(subject_);
  if (!schema.ok()) return schema.status();
  FileCollector files(client_);
  // By a name that no import has.
  if (absl::Status status = files.Add(absl::StrCat(subject_, ".registered.proto"), *schema); !status.ok()) return status;
  const FileDescriptorProto& file = *files.set().file().rbegin();
  Names names = NamesIn(file);
  if (names.empty()) return absl::FailedPreconditionError(absl::StrCat("the schema of subject ", subject_, " has no message"));
  if (message_.empty()) message_ = names.begin()->second;
  bool there = false;
  for (const auto& [way, name] : names) there = there || name == message_;
  if (!there) {
    return absl::FailedPreconditionError(absl::StrCat("the schema of subject ", subject_, " has no message ", message_));
  }
  messages_[schema->id] = std::move(names);
  return Latest{files.set().SerializeAsString(), message_};
}

absl::Status TopicSchemas::Learn(int32_t schema_id) {
  absl::StatusOr<RegisteredSchema> schema = client_->ById(schema_id);
  if (!schema.ok()) return schema.status();
  absl::StatusOr<FileDescriptorProto> file = ParseFile(absl::StrCat("schema ", schema_id), schema->text);
  if (!file.ok()) return file.status();
  messages_[schema_id] = NamesIn(*file);
  return absl::OkStatus();
}

absl::Status TopicSchemas::Check(const RegistryHeader& header) const {
  const Names& names = messages_.at(header.schema_id);
  const auto found = names.find(header.message_indexes);
  if (found != names.end() && found->second == message_) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the value is a ",
                                                 found == names.end() ? "message that its schema does not have" : found->second,
                                                 " by schema ", header.schema_id, ", and not a ", message_));
}

}  // namespace millrace::warehouse
