#ifndef MILLRACE_OPERATORS_DEBEZIUM_JSON_MEMBERS_H_
#define MILLRACE_OPERATORS_DEBEZIUM_JSON_MEMBERS_H_

#include <cstddef>
#include <string_view>

namespace millrace::internal {

/// Walks the members of a JSON object and gives their texts, without making values of them: most of an envelope is never read.
/// What it gives is to be parsed; of the rest only strings and brackets are looked at. Views into the text.
///
///   JsonMembers members(text);
///   while (members.Next()) Use(members.name(), members.value());
///   if (members.damaged()) ...
class JsonMembers {
 public:
  explicit JsonMembers(std::string_view text) : text_(text) {}

  /// False at the end, and where the text is no object or damaged.
  bool Next();
  /// Between its quotes, as it is written.
  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::string_view value() const { return value_; }
  /// Once Next has said false. Also for what is nested so deeply that only a mistake can have made it.
  [[nodiscard]] bool damaged() const { return damaged_; }

 private:
  bool Damaged() { return damaged_ = true, false; }
  void SkipSpace();
  bool Take(char c);
  bool SkipString();
  bool SkipValue();

  const std::string_view text_;
  size_t at_ = 0;
  bool begun_ = false;
  bool damaged_ = false;
  std::string_view name_;
  std::string_view value_;
};

}  // namespace millrace::internal

#endif  // MILLRACE_OPERATORS_DEBEZIUM_JSON_MEMBERS_H_
