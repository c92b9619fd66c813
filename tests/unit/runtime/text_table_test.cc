#include "status/text_table.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(TextTable, ColumnsAreAsWideAsTheirLongestCell) {
  EXPECT_EQ(TextTable({{"TABLE", "ROWS"}, {"orders_changes", "12"}}), "TABLE           ROWS\norders_changes  12\n");
}

TEST(TextTable, NumbersStandAtTheRight) {
  EXPECT_EQ(TextTable({{"TABLE", "ROWS"}, {"orders", "12"}}, {.numbers = {1}}), "TABLE   ROWS\norders    12\n");
}

TEST(TextTable, EachLineIsIndented) { EXPECT_EQ(TextTable({{"a", "b"}, {"c", "d"}}, {.indent = 2}), "  a  b\n  c  d\n"); }

TEST(TextTable, NoLineEndsInSpaces) {
  EXPECT_EQ(TextTable({{"a", "long"}, {"b", ""}}), "a  long\nb\n");
  EXPECT_EQ(TextTable({{"", ""}}, {.indent = 2}), "\n");
}

TEST(TextTable, RowsMayDifferInLength) { EXPECT_EQ(TextTable({{"a"}, {"bb", "c"}}), "a\nbb  c\n"); }

TEST(TextTable, IsEmptyWithoutRows) { EXPECT_EQ(TextTable({}), ""); }

}  // namespace
}  // namespace millrace
