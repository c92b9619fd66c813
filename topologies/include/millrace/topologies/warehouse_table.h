#ifndef MILLRACE_TOPOLOGIES_WAREHOUSE_TABLE_H_
#define MILLRACE_TOPOLOGIES_WAREHOUSE_TABLE_H_

#include <map>
#include <string>
#include <utility>

namespace millrace {

/// The table of the warehouse that a topic becomes, and what is special about it. A plain value.
///
///   facts.ToWarehouse("tshirt-facts", WarehouseTable::As("facts").With("partition.by", "day(delivered_at)"));
class WarehouseTable {
 public:
  /// Named like the topic, with '_' for what a name of a table cannot have.
  WarehouseTable() = default;
  static WarehouseTable As(std::string name) {
    WarehouseTable table;
    table.name_ = std::move(name);
    return table;
  }
  /// A setting of docs/warehouse.md ("partition.by", "errors", "mode", "columns.amount.decimal", ...). A line
  /// warehouse.table.<table>.<setting> of the configuration is stronger. Unknown ones are an error when the table is opened.
  WarehouseTable& With(std::string setting, std::string value) {
    settings_[std::move(setting)] = std::move(value);
    return *this;
  }

  /// Empty if it is to be made from the topic's.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::map<std::string, std::string>& settings() const { return settings_; }

 private:
  std::string name_;
  std::map<std::string, std::string> settings_;
};

namespace internal {

/// Protobuf's own header is the user's to include.
template <class V>
inline constexpr bool kIsMessage = requires {
  V::descriptor()->full_name();
};

}  // namespace internal

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_WAREHOUSE_TABLE_H_
