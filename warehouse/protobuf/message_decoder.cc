#include "protobuf/message_decoder.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "protobuf/wire.h"

namespace millrace::warehouse {
namespace {

using google::protobuf::FieldDescriptor;

// Field numbers up to this one are found in an array.
constexpr uint32_t kMaxDenseNumber = 1024;

const char* Malformed(RowError* error, const std::string& names) {
  Fail(error, names.empty() ? "(the message)" : names, "the bytes are cut off or malformed");
  return nullptr;
}

class ListDecoder : public ValueDecoder {
 public:
  ListDecoder(const FieldDescriptor& field, ListColumn* column, std::unique_ptr<ValueDecoder> element, std::string names)
      : column_(column),
        element_(std::move(element)),
        packed_wire_type_(element_->packed_wire_type()),
        packable_(field.is_packable()),
        names_(std::move(names)) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t /*row*/, RowError* error) override {
    if (wire_type != wire::kLength || !packable_) {
      return ReadElement(p, end, wire_type, error);
    }
    std::string_view body;
    p = wire::ReadBytes(p, end, &body);
    const char* at = body.data();
    while (p != nullptr && at != body.data() + body.size()) {
      at = ReadElement(at, body.data() + body.size(), packed_wire_type_, error);
      if (at == nullptr) {
        return nullptr;
      }
    }
    return p == nullptr ? Malformed(error, names_) : p;
  }
  bool Finish(int64_t /*row*/, RowError* /*error*/) override {
    column_->Finish();
    return true;
  }
  void Clear(int64_t row) override {
    column_->Truncate(row);
    element_->Clear(column_->child().size());
  }
  void Touch(int64_t /*row*/) override {}
  [[nodiscard]] bool Has(int64_t /*row*/) const override { return column_->child().size() > column_->offsets().back(); }

 private:
  const char* ReadElement(const char* p, const char* end, uint32_t wire_type, RowError* error) {
    const int64_t row = column_->child().size();
    p = element_->Read(p, end, wire_type, row, error);
    // Nothing was written for the number of an enum that protobuf takes for an unknown field.
    if (p != nullptr && element_->Has(row) && !element_->Finish(row, error)) {
      return nullptr;
    }
    return p;
  }

  ListColumn* const column_;
  const std::unique_ptr<ValueDecoder> element_;
  const uint32_t packed_wire_type_;
  const bool packable_;
  const std::string names_;
};

class MapDecoder : public ValueDecoder {
 public:
  MapDecoder(const FieldDescriptor& field, ListColumn* column, std::unique_ptr<ValueDecoder> key,
             std::unique_ptr<ValueDecoder> value, std::string names)
      : column_(column),
        entries_column_(static_cast<StructColumn*>(&column->child())),
        key_(std::move(key)),
        value_(std::move(value)),
        key_type_(field.message_type()->map_key()->type()),
        names_(std::move(names)) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t /*row*/, RowError* error) override {
    Entry entry;
    p = wire_type == wire::kLength ? wire::ReadBytes(p, end, &entry.body) : nullptr;
    if (p == nullptr || !FindKey(&entry)) {
      return Malformed(error, names_);
    }
    if (entry.known) {
      entries_.push_back(entry);
    }
    return p;
  }
  bool Finish(int64_t /*row*/, RowError* error) override {
    if (entries_.size() > 1) {
      KeepLastOfEachKey();
    }
    for (const Entry& entry : entries_) {
      if (!WriteEntry(entry, error)) {
        return false;
      }
    }
    entries_.clear();
    column_->Finish();
    return true;
  }
  void Clear(int64_t row) override {
    column_->Truncate(row);
    const int64_t size = entries_column_->size();
    key_->Clear(size);
    value_->Clear(size);
    entries_.clear();
  }
  void Touch(int64_t /*row*/) override {}
  [[nodiscard]] bool Has(int64_t /*row*/) const override { return !entries_.empty(); }

 private:
  struct Entry {
    std::string_view body;  // in the bytes of the row
    std::string_view text_key;
    uint64_t number_key = 0;
    bool known = true;  // false: its value is one that protobuf does not know
    bool last = true;   // of its key
  };

  bool FindKey(Entry* entry) const {
    const char* p = entry->body.data();
    const char* const end = p + entry->body.size();
    while (p != end) {
      uint32_t number;
      uint32_t wire_type;
      p = wire::ReadTag(p, end, &number, &wire_type);
      if (p == nullptr) {
        return false;
      }
      if (number == 2) {
        entry->known = value_->Knows(p, end);
      }
      if (number != 1) {
        p = wire::SkipField(p, end, number, wire_type);
      } else if (wire_type != wire::WireTypeOf(key_type_)) {
        return false;
      } else if (wire_type == wire::kLength) {
        p = wire::ReadBytes(p, end, &entry->text_key);
      } else {
        p = wire::ReadNumber(key_type_, p, end, &entry->number_key);
      }
      if (p == nullptr) {
        return false;
      }
    }
    return true;
  }

  void KeepLastOfEachKey() {
    absl::flat_hash_map<std::pair<std::string_view, uint64_t>, Entry*> last;
    for (Entry& entry : entries_) {
      Entry*& known = last[{entry.text_key, entry.number_key}];
      if (known != nullptr) {
        known->last = false;
      }
      known = &entry;
    }
  }

  bool WriteEntry(const Entry& entry, RowError* error) {
    if (!entry.last) {
      return true;
    }
    const int64_t row = entries_column_->size();
    // Both are there, even if the wire says nothing of them.
    key_->Touch(row);
    value_->Touch(row);
    const char* p = entry.body.data();
    const char* const end = p + entry.body.size();
    while (p != end) {
      uint32_t number;
      uint32_t wire_type;
      p = wire::ReadTag(p, end, &number, &wire_type);
      if (p != nullptr) {
        p = number == 1   ? key_->Read(p, end, wire_type, row, error)
            : number == 2 ? value_->Read(p, end, wire_type, row, error)
                          : wire::SkipField(p, end, number, wire_type);
      }
      if (p == nullptr) {
        return error->text.empty() ? Malformed(error, names_) != nullptr : false;
      }
    }
    if (!key_->Finish(row, error) || !value_->Finish(row, error)) {
      return false;
    }
    entries_column_->Finish();
    return true;
  }

  ListColumn* const column_;
  StructColumn* const entries_column_;
  const std::unique_ptr<ValueDecoder> key_;
  const std::unique_ptr<ValueDecoder> value_;
  const FieldDescriptor::Type key_type_;
  const std::string names_;
  std::vector<Entry> entries_;
};

class OneofMember : public ValueDecoder {
 public:
  OneofMember(OneofState* oneof, std::string name, std::unique_ptr<ValueDecoder> member)
      : oneof_(oneof), name_(std::move(name)), member_(std::move(member)) {}

  const char* Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) override {
    if (member_->Knows(p, end) && oneof_->current != member_.get()) {
      if (oneof_->current != nullptr) {
        oneof_->current->Clear(row);
      }
      oneof_->current = member_.get();
      oneof_->current_name = name_;
    }
    return member_->Read(p, end, wire_type, row, error);
  }
  bool Finish(int64_t row, RowError* error) override { return member_->Finish(row, error); }
  void Clear(int64_t row) override { member_->Clear(row); }
  void Touch(int64_t row) override { member_->Touch(row); }
  [[nodiscard]] bool Has(int64_t row) const override { return member_->Has(row); }

 private:
  OneofState* const oneof_;
  const std::string name_;
  const std::unique_ptr<ValueDecoder> member_;
};

}  // namespace

void MessageDecoder::Add(const FieldDescriptor& field, std::unique_ptr<ValueDecoder> decoder) {
  const auto number = static_cast<uint32_t>(field.number());
  if (number <= kMaxDenseNumber) {
    if (by_number_.size() <= number) {
      by_number_.resize(number + 1);
    }
    by_number_[number] = decoder.get();
  } else {
    by_high_number_[number] = decoder.get();
  }
  if (field.is_required()) {
    required_.emplace_back(decoder.get(), field.name());
  }
  fields_.push_back(std::move(decoder));
}

OneofState* MessageDecoder::AddOneof(BytesColumn* case_column) {
  oneofs_.push_back(std::make_unique<OneofState>());
  oneofs_.back()->case_column = case_column;
  return oneofs_.back().get();
}

bool MessageDecoder::ReadBody(std::string_view body, int64_t row, RowError* error) {
  seen_ = true;
  const char* p = body.data();
  const char* const end = p + body.size();
  while (p != end) {
    uint32_t number;
    uint32_t wire_type;
    p = wire::ReadTag(p, end, &number, &wire_type);
    if (p == nullptr) {
      return Malformed(error, names_) != nullptr;
    }
    if (ValueDecoder* field = Find(number)) {
      p = field->Read(p, end, wire_type, row, error);
      if (p == nullptr) {
        return false;
      }
    } else {
      p = wire::SkipField(p, end, number, wire_type);
      if (p == nullptr) {
        return Malformed(error, names_) != nullptr;
      }
    }
  }
  return true;
}

const char* MessageDecoder::Read(const char* p, const char* end, uint32_t wire_type, int64_t row, RowError* error) {
  if (wire_type != wire::WireTypeOf(field_->type())) {
    Fail(error, names_, absl::StrCat("wire type ", wire_type, " is not that of a message"));
    return nullptr;
  }
  std::string_view body;
  p = wire_type == wire::kStartGroup ? wire::ReadGroup(p, end, static_cast<uint32_t>(field_->number()), &body)
                                     : wire::ReadBytes(p, end, &body);
  if (p == nullptr) {
    return Malformed(error, names_);
  }
  return ReadBody(body, row, error) ? p : nullptr;
}

bool MessageDecoder::Finish(int64_t row, RowError* error) {
  if (!seen_ && column_ != nullptr) {
    column_->AppendNull();
    return true;
  }
  seen_ = false;
  for (const auto& [decoder, name] : required_) {
    if (!decoder->Has(row)) {
      return Fail(error, names_.empty() ? name : absl::StrCat(names_, ".", name), "it is required and not set");
    }
  }
  for (const std::unique_ptr<OneofState>& oneof : oneofs_) {
    if (oneof->current != nullptr && oneof->case_column != nullptr && !oneof->case_column->Set(row, oneof->current_name)) {
      return Fail(error, names_, "the batch is full");
    }
    oneof->current = nullptr;
  }
  for (const std::unique_ptr<ValueDecoder>& field : fields_) {
    if (!field->Finish(row, error)) {
      return false;
    }
  }
  if (column_ != nullptr) {
    // Also nulls for columns that no field belongs to.
    column_->Finish();
  }
  return true;
}

void MessageDecoder::Clear(int64_t row) {
  seen_ = false;
  for (const std::unique_ptr<ValueDecoder>& field : fields_) {
    field->Clear(row);
  }
  for (const std::unique_ptr<OneofState>& oneof : oneofs_) {
    oneof->current = nullptr;
    if (oneof->case_column != nullptr) {
      oneof->case_column->Truncate(row);
    }
  }
  if (column_ != nullptr) {
    column_->Truncate(row);
  }
}

std::unique_ptr<ValueDecoder> MakeListDecoder(const FieldDescriptor& field, ListColumn* column,
                                              std::unique_ptr<ValueDecoder> element, std::string names) {
  return std::make_unique<ListDecoder>(field, column, std::move(element), std::move(names));
}

std::unique_ptr<ValueDecoder> MakeMapDecoder(const FieldDescriptor& field, ListColumn* column, std::unique_ptr<ValueDecoder> key,
                                             std::unique_ptr<ValueDecoder> value, std::string names) {
  return std::make_unique<MapDecoder>(field, column, std::move(key), std::move(value), std::move(names));
}

std::unique_ptr<ValueDecoder> MakeOneofMember(OneofState* oneof, std::string name, std::unique_ptr<ValueDecoder> member) {
  return std::make_unique<OneofMember>(oneof, std::move(name), std::move(member));
}

}  // namespace millrace::warehouse
