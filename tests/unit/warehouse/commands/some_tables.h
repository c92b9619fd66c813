#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_COMMANDS_SOME_TABLES_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_COMMANDS_SOME_TABLES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "millrace/warehouse/warehouse.h"
#include "warehouse_commands/warehouse_address.h"

namespace millrace {

inline warehouse::ColumnInfo SomeColumn(int id, const std::string& name, const std::string& type, bool required = false,
                                        const std::string& doc = "", std::vector<warehouse::ColumnInfo> fields = {}) {
  warehouse::ColumnInfo column;
  column.id = id;
  column.name = name;
  column.type = type;
  column.required = required;
  column.doc = doc;
  column.fields = std::move(fields);
  return column;
}

/// Of the columns id, amount, paid_at and parts.
inline warehouse::TableInfo SomeTable(const std::string& name_space, const std::string& name,
                                      const std::string& warehouse = "file:///data") {
  warehouse::TableInfo table;
  table.name_space = name_space;
  table.table = name;
  table.location = absl::StrCat(warehouse, "/", name_space, "/", name);
  table.metadata_file = absl::StrCat(table.location, "/metadata/v7.metadata.json");
  table.time_zone = "UTC";
  table.columns = {SomeColumn(1, "id", "long", true), SomeColumn(2, "amount", "decimal(18,2)", false, "The payer's \"money\"."),
                   SomeColumn(3, "paid_at", "timestamptz"),
                   SomeColumn(4, "parts", "struct<a int, b list<string>>", false, "",
                              {SomeColumn(5, "a", "int"),
                               SomeColumn(6, "b", "list<string>", false, "", {SomeColumn(7, "element", "string")})})};
  return table;
}

inline WarehouseAddress SomeAddress(std::map<std::string, std::string> settings) {
  settings.insert({{"uri", "file:///data"}, {"catalog", "fs"}});
  return *WarehouseAddress::From(settings);
}

}  // namespace millrace

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_COMMANDS_SOME_TABLES_H_
