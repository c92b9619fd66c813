#include "warehouse_commands/csv.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::vector<warehouse::ColumnInfo> Columns(const std::vector<std::string>& types) {
  std::vector<warehouse::ColumnInfo> columns;
  for (const std::string& type : types) {
    warehouse::ColumnInfo& column = columns.emplace_back();
    column.name = type.substr(0, type.find('('));
    column.type = type;
  }
  return columns;
}

std::string Row(const std::vector<NullableBytesView>& row, const std::vector<std::string>& types, bool raw = false) {
  std::string text;
  CsvRows(Columns(types), raw).AppendRow(row, &text);
  return text;
}

std::string Text(std::string_view value, bool raw = false) { return Row({value}, {"string"}, raw); }

TEST(Csv, LinesEndAsTheStandardSays) {
  EXPECT_EQ(Row({"a", "1"}, {"string", "long"}), "a,1\r\n");
  std::string header;
  CsvRows(Columns({"long", "decimal(18,2)"}), false).AppendHeader(&header);
  EXPECT_EQ(header, "long,decimal\r\n");
}

TEST(Csv, ANullIsNothingAndAnEmptyTextIsTwoQuotes) {
  EXPECT_EQ(Row({"", std::nullopt, "x"}, {"string", "string", "string"}), "\"\",,x\r\n");
}

TEST(Csv, ValuesAreInQuotesWhereTheyMust) {
  EXPECT_EQ(Text("a,b"), "\"a,b\"\r\n");
  EXPECT_EQ(Text("say \"hi\""), "\"say \"\"hi\"\"\"\r\n");
  EXPECT_EQ(Text("\""), "\"\"\"\"\r\n");
  EXPECT_EQ(Text("two\nlines"), "\"two\nlines\"\r\n");
  EXPECT_EQ(Text("a\rb"), "\"a\rb\"\r\n");
  EXPECT_EQ(Text(" plain; 'text' "), " plain; 'text' \r\n");
}

TEST(Csv, FormulasInTextsAreMadeHarmless) {
  EXPECT_EQ(Text("=1+1"), "'=1+1\r\n");
  EXPECT_EQ(Text("+49 30"), "'+49 30\r\n");
  EXPECT_EQ(Text("-1"), "'-1\r\n");
  EXPECT_EQ(Text("@SUM(A1)"), "'@SUM(A1)\r\n");
  EXPECT_EQ(Text("\t=1"), "'\t=1\r\n");
  EXPECT_EQ(Text("\r=1"), "\"'\r=1\"\r\n");
  EXPECT_EQ(Text("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"\r\n");
  EXPECT_EQ(Row({"+/8="}, {"binary"}), "'+/8=\r\n");
  EXPECT_EQ(Text("a=1"), "a=1\r\n");
}

TEST(Csv, NumbersStayNumbersAndRawTextsStayTexts) {
  EXPECT_EQ(Row({"-1", "-0.50", "-Infinity"}, {"long", "decimal(18,2)", "double"}), "-1,-0.50,-Infinity\r\n");
  EXPECT_EQ(Text("=1+1", /*raw=*/true), "=1+1\r\n");
}

TEST(Csv, AFormulaInANameIsMadeHarmless) {
  warehouse::ColumnInfo column;
  column.name = "=cmd";
  column.type = "long";
  std::string header;
  CsvRows({column}, false).AppendHeader(&header);
  EXPECT_EQ(header, "'=cmd\r\n");
}

TEST(CsvLineCounter, CountsLinesAndNotLineEndsInQuotes) {
  CsvLineCounter counter;
  counter.Add("a,b\r\n1,\"two\r\nli");
  counter.Add("nes \"");
  counter.Add("\" \"\r\n,\r\n");
  EXPECT_EQ(counter.lines(), 3);
}

}  // namespace
}  // namespace millrace
