#include "table/manifest.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "table/avro_file.h"
#include "table/json_members.h"
#include "table/manifest_schemas.h"
#include "table/partition_json.h"
#include "table/partition_values.h"
#include "table/schema_json.h"
#include "table/unique_ids.h"

namespace millrace::warehouse {
namespace {

constexpr size_t kSyncBytes = 16;

void PutOptional(const std::optional<int64_t>& value, AvroEncoder* out) {
  value ? out->NotNull() : out->Null();
  if (value) out->Long(*value);
}

void PutOptional(const std::string* bytes, AvroEncoder* out) {
  bytes ? out->NotNull() : out->Null();
  if (bytes) out->Bytes(*bytes);
}

void PutBytes(const std::string& bytes, AvroEncoder* out) { PutOptional(bytes.empty() ? nullptr : &bytes, out); }

void PutValue(int64_t value, AvroEncoder* out) { out->Long(value); }
void PutValue(const std::string& value, AvroEncoder* out) { out->Bytes(value); }

template <typename V>
void PutMap(const std::map<int, V>& map, AvroEncoder* out) {
  if (map.empty()) return out->Null();
  out->NotNull();
  out->BeginArray(map.size());
  for (const auto& [key, value] : map) {
    out->Long(key);
    PutValue(value, out);
  }
  out->EndArray();
}

template <typename V>
void PutList(const std::vector<V>& list, AvroEncoder* out) {
  if (list.empty()) return out->Null();
  out->NotNull();
  out->BeginArray(list.size());
  for (const V value : list) out->Long(value);
  out->EndArray();
}

void PutPartition(const PartitionTuple& tuple, AvroEncoder* out) {
  for (const PartitionValue& value : tuple) {
    if (std::holds_alternative<std::monostate>(value)) {
      out->Null();
      continue;
    }
    out->NotNull();
    if (const bool* truth = std::get_if<bool>(&value)) out->Bool(*truth);
    if (const int32_t* number = std::get_if<int32_t>(&value)) out->Long(*number);
    if (const int64_t* number = std::get_if<int64_t>(&value)) out->Long(*number);
    if (const std::string* text = std::get_if<std::string>(&value)) out->Bytes(*text);
  }
}

void PutEntry(const ManifestEntry& entry, const PartitionTuple& partition, AvroEncoder* out) {
  out->Long(static_cast<int>(entry.status));
  PutOptional(entry.snapshot_id, out);
  PutOptional(entry.sequence_number, out);
  PutOptional(entry.file_sequence_number, out);
  const DataFile& file = entry.file;
  out->Long(static_cast<int>(entry.content));
  out->Bytes(file.path);
  out->Bytes(entry.format);
  PutPartition(partition, out);
  out->Long(file.record_count);
  out->Long(file.size_bytes);
  PutMap(file.column_size_bytes, out);
  PutMap(file.value_counts, out);
  PutMap(file.null_value_counts, out);
  PutMap(entry.nan_value_counts, out);
  PutMap(file.lower_bounds, out);
  PutMap(file.upper_bounds, out);
  PutBytes(entry.key_metadata, out);
  PutList(file.split_offsets, out);
  PutList(entry.equality_ids, out);
  PutOptional(entry.sort_order_id ? std::optional<int64_t>(*entry.sort_order_id) : std::nullopt, out);
}

std::map<int, int64_t> LongMap(const AvroView& record, int field_id, int key_id, int value_id) {
  std::map<int, int64_t> map;
  for (const AvroView& pair : record.Elements(field_id)) {
    const auto key = pair.Int(key_id);
    const auto value = pair.Long(value_id);
    if (key && value) map[*key] = *value;
  }
  return map;
}

std::map<int, std::string> BytesMap(const AvroView& record, int field_id, int key_id, int value_id) {
  std::map<int, std::string> map;
  for (const AvroView& pair : record.Elements(field_id)) {
    const auto key = pair.Int(key_id);
    const std::string* value = pair.Bytes(value_id);
    if (key && value) map[*key] = *value;
  }
  return map;
}

std::vector<int64_t> LongList(const AvroView& record, int field_id) {
  std::vector<int64_t> list;
  for (const AvroView& element : record.Elements(field_id)) {
    if (const int64_t* value = std::get_if<int64_t>(&element.value().data)) list.push_back(*value);
  }
  return list;
}

std::string BytesOr(const AvroView& record, int field_id, const std::string& otherwise) {
  const std::string* bytes = record.Bytes(field_id);
  return bytes ? *bytes : otherwise;
}

absl::Status Damaged(const std::string& file, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", what));
}

class ManifestDecoder {
 public:
  explicit ManifestDecoder(std::string file) : file_(std::move(file)) {}

  absl::StatusOr<Manifest> Decode(std::string_view content) {
    auto reader = AvroFileReader::Open(content, file_);
    if (!reader.ok()) return reader.status();
    version_1_ = reader->metadata("format-version") != "2";
    if (absl::Status header = ReadHeader(*reader); !header.ok()) return header;
    absl::Status read = reader->ForEach([&](const AvroView& record) { return Entry(record); });
    if (!read.ok()) return read;
    return std::move(manifest_);
  }

 private:
  absl::Status ReadHeader(const AvroFileReader& reader) {
    if (reader.metadata("content") == "deletes") manifest_.content = FileContent::kPositionDeletes;
    const std::string id = reader.metadata("partition-spec-id");
    const auto id_json = id.empty() ? nlohmann::json(0) : nlohmann::json::parse(id, nullptr, false);
    if (!id_json.is_number_integer()) return Damaged(file_, "the header has no partition-spec-id");
    manifest_.spec_id = id_json.get<int>();
    // Without a spec that is known here the fields of the partition record itself give the order.
    auto spec = ParseJson(reader.metadata("partition-spec"), file_);
    if (!spec.ok()) return absl::OkStatus();
    if (auto fields = PartitionFieldsFromJson(*spec, file_); fields.ok()) {
      field_ids_.emplace();
      for (const PartitionField& field : *fields) field_ids_->push_back(field.field_id);
    }
    return absl::OkStatus();
  }

  absl::Status Entry(const AvroView& record) {
    const auto status = record.Int(0);
    const auto data_file = record.Field(2);
    if (!status || *status < 0 || *status > 2 || !data_file) return Damaged(file_, "an entry has no status or no file");
    ManifestEntry entry;
    entry.status = static_cast<FileStatus>(*status);
    entry.snapshot_id = record.Long(1);
    entry.sequence_number = version_1_ ? 0 : record.Long(3);
    entry.file_sequence_number = version_1_ ? 0 : record.Long(4);
    const int content = data_file->Int(134).value_or(0);
    if (content < 0 || content > 2) return Damaged(file_, "an entry has an unknown content");
    entry.content = static_cast<FileContent>(content);
    if (absl::Status read = File(*data_file, &entry.file); !read.ok()) return read;
    entry.format = BytesOr(*data_file, 101, "PARQUET");
    entry.nan_value_counts = LongMap(*data_file, 137, 138, 139);
    entry.key_metadata = BytesOr(*data_file, 131, "");
    for (const int64_t id : LongList(*data_file, 135)) entry.equality_ids.push_back(static_cast<int>(id));
    entry.sort_order_id = data_file->Int(140);
    manifest_.entries.push_back(std::move(entry));
    return absl::OkStatus();
  }

  absl::Status File(const AvroView& data_file, DataFile* file) {
    const std::string* path = data_file.Bytes(100);
    const auto records = data_file.Long(103);
    const auto size = data_file.Long(104);
    const auto partition = data_file.Field(102);
    if (!path || !records || !size || !partition || *records < 0 || *size < 0) {
      return Damaged(file_, "an entry lacks its path, partition, rows or size");
    }
    file->path = *path;
    file->record_count = *records;
    file->size_bytes = *size;
    file->column_size_bytes = LongMap(data_file, 108, 117, 118);
    file->value_counts = LongMap(data_file, 109, 119, 120);
    file->null_value_counts = LongMap(data_file, 110, 121, 122);
    file->lower_bounds = BytesMap(data_file, 125, 126, 127);
    file->upper_bounds = BytesMap(data_file, 128, 129, 130);
    file->split_offsets = LongList(data_file, 132);
    return Partition(*partition, &file->partition);
  }

  absl::Status Partition(const AvroView& partition, PartitionTuple* tuple) {
    if (!field_ids_) {
      field_ids_.emplace();
      for (const AvroSchema::Part& part : partition.node().parts) field_ids_->push_back(part.field_id);
    }
    for (const int id : *field_ids_) {
      const auto field = partition.Field(id);
      PartitionValue value;
      if (field) {
        const AvroSchema::Kind kind = field->node().kind;
        if (kind == AvroSchema::Kind::kBoolean) {
          value = *partition.Bool(id);
        } else if (kind == AvroSchema::Kind::kInt) {
          const auto number = partition.Int(id);
          if (!number) return Damaged(file_, "a partition has an int of more than 32 bits");
          value = *number;
        } else if (kind == AvroSchema::Kind::kLong) {
          value = *partition.Long(id);
        } else if (kind == AvroSchema::Kind::kString) {
          value = *partition.Bytes(id);
        } else {
          return absl::UnimplementedError(
              absl::StrCat(file_, ": partition field ", id, " has a type that this program does not know"));
        }
      }
      tuple->push_back(std::move(value));
    }
    return absl::OkStatus();
  }

  std::string file_;
  bool version_1_ = false;
  std::optional<std::vector<int>> field_ids_;
  Manifest manifest_;
};

void Summarise(const PartitionValue& value, std::optional<PartitionValue>* least, std::optional<PartitionValue>* greatest,
               FieldSummary* summary) {
  if (std::holds_alternative<std::monostate>(value)) {
    summary->contains_null = true;
    return;
  }
  if (!*least || value < **least) *least = value;
  if (!*greatest || **greatest < value) *greatest = value;
}

std::vector<FieldSummary> Summaries(size_t fields, const std::vector<ManifestEntry>& entries) {
  std::vector<FieldSummary> summaries(fields);
  for (size_t i = 0; i < fields; ++i) {
    std::optional<PartitionValue> least;
    std::optional<PartitionValue> greatest;
    for (const ManifestEntry& entry : entries) {
      const PartitionTuple& tuple = entry.file.partition;
      Summarise(i < tuple.size() ? tuple[i] : PartitionValue(), &least, &greatest, &summaries[i]);
    }
    summaries[i].contains_nan = false;  // no type that can be a partition has one
    if (least) summaries[i].lower_bound = SingleValueBytes(*least);
    if (greatest) summaries[i].upper_bound = SingleValueBytes(*greatest);
  }
  return summaries;
}

absl::StatusOr<ManifestFile> ListEntry(const AvroView& record, const std::string& file) {
  ManifestFile manifest;
  const std::string* path = record.Bytes(500);
  const auto size = record.Long(501);
  const auto spec_id = record.Int(502);
  const int content = record.Int(517).value_or(0);
  if (!path || !size || !spec_id || content < 0 || content > 1) return Damaged(file, "an entry lacks its path, length or spec");
  manifest.path = *path;
  manifest.size_bytes = *size;
  manifest.spec_id = *spec_id;
  manifest.content = static_cast<FileContent>(content);
  manifest.sequence_number = record.Long(515).value_or(0);
  manifest.min_sequence_number = record.Long(516).value_or(0);
  manifest.added_snapshot_id = record.Long(503).value_or(0);
  manifest.added_files = record.Int(504);
  manifest.existing_files = record.Int(505);
  manifest.deleted_files = record.Int(506);
  manifest.added_rows = record.Long(512);
  manifest.existing_rows = record.Long(513);
  manifest.deleted_rows = record.Long(514);
  for (const AvroView& summary : record.Elements(507)) {
    FieldSummary field{summary.Bool(509).value_or(true), summary.Bool(518), std::nullopt, std::nullopt};
    if (const std::string* lower = summary.Bytes(510)) field.lower_bound = *lower;
    if (const std::string* upper = summary.Bytes(511)) field.upper_bound = *upper;
    manifest.partitions.push_back(std::move(field));
  }
  manifest.key_metadata = BytesOr(record, 519, "");
  return manifest;
}

void PutListEntry(const ManifestFile& manifest, AvroEncoder* out) {
  out->Bytes(manifest.path);
  out->Long(manifest.size_bytes);
  out->Long(manifest.spec_id);
  out->Long(manifest.content == FileContent::kData ? 0 : 1);
  out->Long(manifest.sequence_number);
  out->Long(manifest.min_sequence_number);
  out->Long(manifest.added_snapshot_id);
  // Version 2 asks for counts; where there were none, "at least one added" keeps readers from skipping the manifest.
  out->Long(manifest.added_files.value_or(1));
  out->Long(manifest.existing_files.value_or(0));
  out->Long(manifest.deleted_files.value_or(0));
  out->Long(manifest.added_rows.value_or(0));
  out->Long(manifest.existing_rows.value_or(0));
  out->Long(manifest.deleted_rows.value_or(0));
  if (manifest.partitions.empty()) {
    out->Null();
  } else {
    out->NotNull();
    out->BeginArray(manifest.partitions.size());
    for (const FieldSummary& field : manifest.partitions) {
      out->Bool(field.contains_null);
      field.contains_nan ? out->NotNull() : out->Null();
      if (field.contains_nan) out->Bool(*field.contains_nan);
      PutOptional(field.lower_bound ? &*field.lower_bound : nullptr, out);
      PutOptional(field.upper_bound ? &*field.upper_bound : nullptr, out);
    }
    out->EndArray();
  }
  PutBytes(manifest.key_metadata, out);
}

}  // namespace

absl::StatusOr<std::string> EncodeManifest(const Schema& schema, const PartitionSpec& spec,
                                           const std::vector<ManifestEntry>& entries) {
  auto types = PartitionTypes(spec, schema);
  if (!types.ok()) return types.status();
  const std::map<std::string, std::string> header = {{"schema", DumpJson(SchemaToJson(schema))},
                                                     {"schema-id", absl::StrCat(schema.id)},
                                                     {"partition-spec", DumpJson(PartitionFieldsToJson(spec.fields))},
                                                     {"partition-spec-id", absl::StrCat(spec.id)},
                                                     {"format-version", "2"},
                                                     {"content", "data"}};
  AvroFileWriter writer(ManifestSchema(spec, *types), header, AvroCodec::kDeflate, RandomBytes(kSyncBytes));
  AvroEncoder record;
  for (const ManifestEntry& entry : entries) {
    auto partition = AsTypes(entry.file.partition, *types);
    if (!partition.ok()) return Damaged(entry.file.path, std::string(partition.status().message()));
    if (entry.content != FileContent::kData) return Damaged(entry.file.path, "is no data file");
    if (entry.status != FileStatus::kAdded && (!entry.sequence_number || !entry.file_sequence_number || !entry.snapshot_id)) {
      return Damaged(entry.file.path, "an entry that is not added needs its snapshot and sequence numbers");
    }
    record.Clear();
    PutEntry(entry, *partition, &record);
    writer.Append(record.bytes());
  }
  return writer.Finish();
}

ManifestFile DescribeManifest(std::string path, int64_t size_bytes, const PartitionSpec& spec, int64_t snapshot_id,
                              const std::vector<ManifestEntry>& entries) {
  ManifestFile manifest;
  manifest.path = std::move(path);
  manifest.size_bytes = size_bytes;
  manifest.spec_id = spec.id;
  manifest.added_snapshot_id = snapshot_id;
  manifest.added_files = manifest.existing_files = manifest.deleted_files = 0;
  manifest.added_rows = manifest.existing_rows = manifest.deleted_rows = 0;
  int64_t oldest = std::numeric_limits<int64_t>::max();
  for (const ManifestEntry& entry : entries) {
    const int64_t rows = entry.file.record_count;
    if (entry.status == FileStatus::kDeleted) {
      ++*manifest.deleted_files;
      *manifest.deleted_rows += rows;
      continue;
    }
    const bool added = entry.status == FileStatus::kAdded;
    ++*(added ? manifest.added_files : manifest.existing_files);
    *(added ? manifest.added_rows : manifest.existing_rows) += rows;
    if (entry.sequence_number) oldest = std::min(oldest, *entry.sequence_number);
  }
  if (oldest != std::numeric_limits<int64_t>::max()) manifest.min_sequence_number = oldest;
  manifest.partitions = Summaries(spec.fields.size(), entries);
  return manifest;
}

absl::StatusOr<Manifest> DecodeManifest(std::string_view content, const std::string& file) {
  return ManifestDecoder(file).Decode(content);
}

absl::Status InheritFrom(const ManifestFile& description, Manifest* manifest) {
  manifest->spec_id = description.spec_id;
  for (ManifestEntry& entry : manifest->entries) {
    if (!entry.snapshot_id) entry.snapshot_id = description.added_snapshot_id;
    if (entry.status == FileStatus::kAdded) {
      if (!entry.sequence_number) entry.sequence_number = description.sequence_number;
      if (!entry.file_sequence_number) entry.file_sequence_number = description.sequence_number;
    }
    if (!entry.sequence_number) return Damaged(description.path, absl::StrCat(entry.file.path, " has no sequence number"));
    // Writers before the field was there left it out; the rows' number is never below the file's where it matters.
    if (!entry.file_sequence_number) entry.file_sequence_number = entry.sequence_number;
  }
  return absl::OkStatus();
}

std::string EncodeManifestList(const std::vector<ManifestFile>& manifests, int64_t snapshot_id, std::optional<int64_t> parent_id,
                               int64_t sequence_number) {
  std::map<std::string, std::string> header = {{"snapshot-id", absl::StrCat(snapshot_id)},
                                               {"parent-snapshot-id", parent_id ? absl::StrCat(*parent_id) : "null"},
                                               {"sequence-number", absl::StrCat(sequence_number)},
                                               {"format-version", "2"}};
  AvroFileWriter writer(ManifestListSchema(), header, AvroCodec::kDeflate, RandomBytes(kSyncBytes));
  AvroEncoder record;
  for (const ManifestFile& manifest : manifests) {
    record.Clear();
    PutListEntry(manifest, &record);
    writer.Append(record.bytes());
  }
  return writer.Finish();
}

absl::StatusOr<std::vector<ManifestFile>> DecodeManifestList(std::string_view content, const std::string& file) {
  auto reader = AvroFileReader::Open(content, file);
  if (!reader.ok()) return reader.status();
  std::vector<ManifestFile> manifests;
  absl::Status read = reader->ForEach([&](const AvroView& record) {
    auto manifest = ListEntry(record, file);
    if (manifest.ok()) manifests.push_back(*std::move(manifest));
    return manifest.status();
  });
  if (!read.ok()) return read;
  return manifests;
}

}  // namespace millrace::warehouse
