#include "protobuf/schema_evolution.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace millrace::warehouse {
namespace {

std::string TypeName(const Type& type) {
  switch (type.kind) {
    case Type::Kind::kStruct:
      return "a struct";
    case Type::Kind::kList:
      return "a list";
    case Type::Kind::kMap:
      return "a map";
    default:
      return type.ToString();
  }
}

/// The type that holds values of both, if that needs no rewriting of files.
std::optional<Type> Promote(const Type& present, const Type& wanted) {
  const auto either = [&](Type::Kind narrow, Type::Kind wide) {
    return (present.kind == narrow && wanted.kind == wide) || (present.kind == wide && wanted.kind == narrow);
  };
  if (either(Type::Kind::kInt, Type::Kind::kLong) || either(Type::Kind::kFloat, Type::Kind::kDouble)) {
    return present.kind > wanted.kind ? present : wanted;
  }
  if (present.kind != wanted.kind || (present.kind == Type::Kind::kDecimal && present.scale != wanted.scale)) {
    return std::nullopt;
  }
  return present.precision > wanted.precision ? present : wanted;
}

class Evolution {
 public:
  Evolution(const ColumnRecord& record, const MappedSchema& wanted, int last_column_id, const EvolutionPolicy& policy)
      : present_record_(record), wanted_(wanted), policy_(policy), next_id_(last_column_id + 1) {
    for (const auto& [path, id] : record.ids) {
      present_paths_[id] = path;
    }
    for (const auto& [path, id] : wanted.record.ids) {
      wanted_paths_[id] = path;
    }
  }

  absl::StatusOr<std::optional<EvolvedSchema>> Run(const Schema& present) {
    std::vector<Field> fields = Merge(present.fields, wanted_.schema.fields, "");
    if (!status_.ok()) {
      return status_;
    }
    if (result_.changes.empty()) {
      return std::nullopt;
    }
    result_.schema.id = present.id;
    result_.schema.fields = std::move(fields);
    return std::move(result_);
  }

 private:
  static std::string Join(const std::string& outer, const std::string& name) {
    return outer.empty() ? name : absl::StrCat(outer, ".", name);
  }

  void Note(std::string change) { result_.changes.push_back(std::move(change)); }

  /// The wanted field that `present` belongs to, if it is among `wanted`.
  const Field* Partner(const Field& present, const std::vector<Field>& wanted) const {
    const auto path = present_paths_.find(present.id);
    const int id = path == present_paths_.end() ? 0 : wanted_.record.Find(path->second);
    const auto found = std::find_if(wanted.begin(), wanted.end(), [&](const Field& field) { return id != 0 && field.id == id; });
    return found == wanted.end() ? nullptr : &*found;
  }

  /// The fields of a struct, or of the table.
  std::vector<Field> Merge(const std::vector<Field>& present, const std::vector<Field>& wanted, const std::string& outer) {
    std::vector<Field> result;
    std::vector<const Field*> added;
    std::set<const Field*> met;
    std::vector<std::pair<size_t, const Field*>> matched;  // which of `result` is which wanted one
    for (const Field& field : present) {
      const Field* partner = Partner(field, wanted);
      if (partner == nullptr) {
        KeepOrDrop(field, outer, &result);
        continue;
      }
      met.insert(partner);
      std::optional<Field> merged = MergeField(field, *partner, Join(outer, field.name));
      if (merged.has_value()) {
        matched.emplace_back(result.size(), partner);
        result.push_back(*std::move(merged));
        continue;
      }
      ChangedType(field, *partner, Join(outer, field.name));
      result.push_back(Kept(field));
      added.push_back(partner);
    }
    for (const auto& [index, partner] : matched) {
      Rename(*partner, outer, index, &result);
    }
    for (const Field& field : wanted) {
      if (met.count(&field) == 0) {
        added.push_back(&field);
      }
    }
    for (const Field* field : added) {
      Add(*field, outer, &result);
    }
    return result;
  }

  /// A column that no rows are written to any more.
  static Field Kept(const Field& present) {
    Field result = present;
    result.required = false;
    return result;
  }

  void KeepOrDrop(const Field& present, const std::string& outer, std::vector<Field>* result) {
    const std::string name = Join(outer, present.name);
    const auto path = present_paths_.find(present.id);
    if (path != present_paths_.end() && policy_.removal == EvolutionPolicy::Removal::kDrop &&
        policy_.pinned.count(present.id) == 0) {
      Note(absl::StrCat("drop ", name));
      return;
    }
    if (present.required) {
      Note(absl::StrCat("make ", name, " optional, which is not written any more"));
    }
    // A field that comes back finds its column.
    if (path != present_paths_.end()) {
      KeepRecord(present);
    }
    result->push_back(Kept(present));
  }

  void KeepRecord(const Field& present) {
    if (const auto path = present_paths_.find(present.id); path != present_paths_.end()) {
      result_.record.ids[path->second] = present.id;
    }
    for (const Field& field : present.type.fields) {
      KeepRecord(field);
    }
  }

  /// All but the name; nullopt if the types do not fit.
  std::optional<Field> MergeField(const Field& present, const Field& wanted, const std::string& name) {
    const std::map<std::string, int, std::less<>> before = result_.record.ids;
    std::optional<Type> type = MergeType(present.type, wanted.type, name);
    if (!type.has_value()) {
      result_.record.ids = before;
      return std::nullopt;
    }
    result_.record.ids[present_paths_.at(present.id)] = present.id;
    Field result = present;
    result.type = *std::move(type);
    if (present.required && !wanted.required) {
      result.required = false;
      Note(absl::StrCat("make ", name, " optional"));
    }
    if (!wanted.doc.empty() && wanted.doc != present.doc) {
      result.doc = wanted.doc;
      Note(absl::StrCat("describe ", name, " anew"));
    }
    return result;
  }

  std::optional<Type> MergeType(const Type& present, const Type& wanted, const std::string& name) {
    if (!present.is_nested() || !wanted.is_nested()) {
      std::optional<Type> type = Promote(present, wanted);
      if (type.has_value() && (type->kind != present.kind || type->precision != present.precision)) {
        Note(absl::StrCat("widen ", name, " from ", present.ToString(), " to ", type->ToString()));
      }
      return type;
    }
    if (present.kind != wanted.kind) {
      return std::nullopt;
    }
    Type result = present;
    if (present.kind == Type::Kind::kStruct) {
      result.fields = Merge(present.fields, wanted.fields, name);
      return result;
    }
    for (size_t i = 0; i < present.fields.size(); ++i) {
      const Field* partner = Partner(present.fields[i], wanted.fields);
      std::optional<Field> merged =
          partner == nullptr ? std::nullopt : MergeField(present.fields[i], *partner, Join(name, present.fields[i].name));
      // A key is what a map is found by: its type stays.
      if (!merged.has_value() ||
          (present.kind == Type::Kind::kMap && i == 0 && !merged->type.SameShape(present.fields[i].type))) {
        return std::nullopt;
      }
      result.fields[i] = *std::move(merged);
    }
    return result;
  }

  void ChangedType(const Field& present, const Field& wanted, const std::string& name) {
    if (policy_.type_change == EvolutionPolicy::TypeChange::kRefuse && status_.ok()) {
      const std::string into =
          present.type.kind == wanted.type.kind && present.type.is_nested() ? "one of other elements" : TypeName(wanted.type);
      status_ = absl::InvalidArgumentError(absl::StrCat(
          "column ", name, " is ", TypeName(present.type), " and its field would make it ", into,
          ", which the files that are there cannot be read as; give the new type a field number of its own, or let such fields "
          "have a new column (policy new_column)"));
    }
  }

  static bool Taken(const std::vector<Field>& fields, const std::string& name, const Field* but) {
    return std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
      return &field != but && absl::AsciiStrToLower(field.name) == absl::AsciiStrToLower(name);
    });
  }

  static std::string FreeName(const std::vector<Field>& fields, const std::string& name) {
    for (int version = 2;; ++version) {
      if (std::string result = absl::StrCat(name, "_v", version); !Taken(fields, result, nullptr)) {
        return result;
      }
    }
  }

  static bool IsVersionOf(const std::string& name, const std::string& of) {
    const std::string prefix = absl::StrCat(of, "_v");
    return name.size() > prefix.size() && name.compare(0, prefix.size(), prefix) == 0 &&
           std::all_of(name.begin() + static_cast<ptrdiff_t>(prefix.size()), name.end(), absl::ascii_isdigit);
  }

  void Rename(const Field& wanted, const std::string& outer, size_t index, std::vector<Field>* fields) {
    Field& field = (*fields)[index];
    if (field.name == wanted.name || IsVersionOf(field.name, wanted.name)) {
      return;
    }
    // Another that is renamed too gives its name free; one that stays does not.
    const auto holder = std::find_if(fields->begin(), fields->end(), [&](const Field& other) {
      return &other != &field && absl::AsciiStrToLower(other.name) == absl::AsciiStrToLower(wanted.name);
    });
    if (holder != fields->end() &&
        result_.record.ids.end() == std::find_if(result_.record.ids.begin(), result_.record.ids.end(),
                                                 [&](const auto& entry) { return entry.second == holder->id; })) {
      NameTaken(Join(outer, wanted.name));
      return;
    }
    Note(absl::StrCat("rename ", Join(outer, field.name), " to ", wanted.name));
    field.name = wanted.name;
  }

  void NameTaken(const std::string& name) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat("the table has a column ", name,
                       " already that is of no field of the message; rename or drop it, or rename the field"));
    }
  }

  void Add(const Field& wanted, const std::string& outer, std::vector<Field>* fields) {
    Field field = wanted;
    field.required = false;
    if (Taken(*fields, field.name, nullptr)) {
      if (policy_.type_change == EvolutionPolicy::TypeChange::kRefuse) {
        NameTaken(Join(outer, field.name));
        return;
      }
      field.name = FreeName(*fields, field.name);
    }
    std::vector<Field> one = {std::move(field)};
    ColumnRecord ids;
    CollectPaths(one, &ids);
    AssignIds(&one, &next_id_, &ids);
    for (const auto& [path, id] : ids.ids) {
      result_.record.ids[path] = id;
    }
    Note(absl::StrCat("add ", Join(outer, one[0].name)));
    fields->push_back(std::move(one[0]));
  }

  void CollectPaths(const std::vector<Field>& fields, ColumnRecord* record) const {
    for (const Field& field : fields) {
      record->ids[wanted_paths_.at(field.id)] = field.id;
      CollectPaths(field.type.fields, record);
    }
  }

  const ColumnRecord& present_record_;
  const MappedSchema& wanted_;
  const EvolutionPolicy& policy_;
  int next_id_;
  std::map<int, std::string> present_paths_;
  std::map<int, std::string> wanted_paths_;
  EvolvedSchema result_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::optional<EvolvedSchema>> EvolveSchema(const Schema& present, const ColumnRecord& record,
                                                          const MappedSchema& wanted, int last_column_id,
                                                          const EvolutionPolicy& policy) {
  return Evolution(record, wanted, last_column_id, policy).Run(present);
}

}  // namespace millrace::warehouse
