#include "millrace/operators/debezium_serde.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "debezium_rows.pb.h"
#include "google/protobuf/util/message_differencer.h"

namespace millrace {
namespace {

using test::EveryColumn;
using test::LineKey;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// As Connect writes it; `row` is what stands in `after`.
std::string Envelope(const std::string& op, const std::string& row) {
  return R"({"before":null,"after":)" + row +
         R"(,"source":{"version":"3.7.0.Final","connector":"postgresql","name":"shop","ts_ms":1796024984435,"snapshot":"false",)"
         R"("db":"shop","sequence":"[null,\"26408104\"]","schema":"public","table":"orders","txId":741,"lsn":26408104,"xmin":null},)"
         R"("transaction":null,"op":")" +
         op + R"(","ts_ms":1796024984718})";
}

EveryColumn Read(const std::string& row, const DebeziumOptions& options = {}) {
  EveryColumn message;
  message.set_name("of the record before");
  const absl::StatusOr<bool> read = DebeziumSerde<EveryColumn>(options).DeserializeNullable(Envelope("c", row), &message);
  EXPECT_TRUE(read.ok() && *read) << read.status();
  return message;
}

std::string ErrorOf(const std::string& row, const DebeziumOptions& options = {}) {
  EveryColumn message;
  const absl::Status status = DebeziumSerde<EveryColumn>(options).DeserializeNullable(Envelope("u", row), &message).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << row;
  return std::string(status.message());
}

DebeziumOptions Column(const std::string& name, const std::string& field, int scale) {
  DebeziumOptions options;
  options.columns[name].field = field;
  options.columns[name].scale = scale;
  return options;
}

TEST(DebeziumSerde, InsertsUpdatesAndSnapshotsAreRows) {
  for (const char* op : {"c", "u", "r"}) {
    EveryColumn message;
    ASSERT_EQ(DebeziumSerde<EveryColumn>().Deserialize(Envelope(op, R"({"id":17,"name":"Åsa \"q\""})"), &message),
              absl::OkStatus());
    EXPECT_EQ(message.id(), 17);
    EXPECT_EQ(message.name(), "Åsa \"q\"");
  }
}

TEST(DebeziumSerde, ADeleteIsNull) {
  EveryColumn message;
  const std::string bytes = Envelope("d", "null");
  const absl::StatusOr<bool> read = DebeziumSerde<EveryColumn>().DeserializeNullable(bytes, &message);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(*read);
  EXPECT_TRUE(AnySerde<EveryColumn>(DebeziumSerde<EveryColumn>()).has_nulls());
  EXPECT_THAT(std::string(DebeziumSerde<EveryColumn>().Deserialize(bytes, &message).message()), HasSubstr("a delete"));
}

TEST(DebeziumSerde, TruncatesAndLogicalMessagesAreErrorsThatSayWhatToDo) {
  EveryColumn message;
  const DebeziumSerde<EveryColumn> serde;
  EXPECT_THAT(std::string(serde.DeserializeNullable(Envelope("t", "null"), &message).status().message()),
              HasSubstr("skipped.operations"));
  EXPECT_THAT(std::string(serde.DeserializeNullable(Envelope("m", "null"), &message).status().message()),
              HasSubstr("logical message"));
  EXPECT_THAT(std::string(serde.DeserializeNullable(Envelope("x", "{}"), &message).status().message()), HasSubstr("(op \"x\")"));
  EXPECT_THAT(std::string(serde.DeserializeNullable(Envelope("u", "null"), &message).status().message()),
              HasSubstr("without a row"));
}

TEST(DebeziumSerde, OtherFormsOfConnectAreNamed) {
  EveryColumn message;
  const auto error = [&message](const std::string& bytes) {
    return std::string(DebeziumSerde<EveryColumn>().DeserializeNullable(bytes, &message).status().message());
  };
  EXPECT_THAT(error(R"({"schema":{},"payload":{}})"), HasSubstr("value.converter.schemas.enable=false"));
  EXPECT_THAT(error(R"({"id":17})"), HasSubstr("ExtractNewRecordState"));
  EXPECT_THAT(error(R"({"op":"c","after":)"), HasSubstr("damaged"));
  EXPECT_THAT(error("{\"op\":\"c\",\"after\":{\"name\":\"\xff\"}}"), HasSubstr("damaged"));
  EXPECT_THAT(error(std::string("\0\0\0\0\1", 5)), HasSubstr("JsonConverter"));
}

TEST(DebeziumSerde, JsonThatIsNestedWithoutEndIsDamaged) {
  EveryColumn message;
  for (const size_t depth : {200, 200000}) {
    const std::string nested = "{\"name\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    const absl::Status status = DebeziumSerde<EveryColumn>().DeserializeNullable(Envelope("c", nested), &message).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("damaged"));
  }
}

TEST(DebeziumSerde, ANullColumnLeavesItsFieldUnset) {
  const EveryColumn message = Read(R"({"id":1,"name":null,"note":null,"created":null,"tags":null,"credit":null})");
  EXPECT_EQ(message.name(), "");
  EXPECT_FALSE(message.has_note());
  EXPECT_FALSE(message.has_created());
  EXPECT_FALSE(message.has_credit());
  EXPECT_EQ(message.tags_size(), 0);
  EXPECT_TRUE(Read(R"({"note":""})").has_note());
}

TEST(DebeziumSerde, NumbersGoIntoFieldsThatHoldThem) {
  const EveryColumn message = Read(
      R"({"id":-9223372036854775808,"small":-3,"unsigned32":4294967295,"unsigned64":"18446744073709551615","ratio":0.1,"weight":1.5,"active":true})");
  EXPECT_EQ(message.id(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(message.small(), -3);
  EXPECT_EQ(message.unsigned32(), 4294967295U);
  EXPECT_EQ(message.unsigned64(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(message.ratio(), 0.1);
  EXPECT_EQ(message.weight(), 1.5F);
  EXPECT_TRUE(message.active());
}

TEST(DebeziumSerde, FloatsHaveTheirSpecialValues) {
  EXPECT_TRUE(std::isnan(Read(R"({"ratio":"NaN"})").ratio()));
  EXPECT_TRUE(std::isnan(Read(R"({"ratio":"NAN"})").ratio()));
  EXPECT_EQ(Read(R"({"ratio":"-Infinity"})").ratio(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(Read(R"({"weight":"POSITIVE_INFINITY"})").weight(), std::numeric_limits<float>::infinity());
}

TEST(DebeziumSerde, DecimalsGoIntoTextFloatsMoneyAndCounts) {
  EXPECT_EQ(Read(R"({"name":"-1234567890.123456789"})").name(), "-1234567890.123456789");
  EXPECT_EQ(Read(R"({"ratio":"12.34"})").ratio(), 12.34);
  EXPECT_EQ(Read(R"({"price":"-12.05"})").price().units(), -12);
  EXPECT_EQ(Read(R"({"price":"-12.05"})").price().nanos(), -50000000);
  EXPECT_EQ(Read(R"({"price":3})").price().units(), 3);
  EXPECT_EQ(Read(R"({"amount":"12.30"})", Column("amount", "amount_cents", 2)).amount_cents(), 1230);
  EXPECT_EQ(Read(R"({"amount":12})", Column("amount", "amount_cents", 2)).amount_cents(), 1200);
  EXPECT_EQ(Read(R"({"id":"12.00"})").id(), 12);
}

TEST(DebeziumSerde, TimesAreReadAsTextAndAsCounts) {
  EXPECT_EQ(Read(R"({"created":"2026-11-30T07:09:10.123456Z"})").created().seconds(), 1796022550);
  EXPECT_EQ(Read(R"({"created":"2026-11-30T07:09:10.123456Z"})").created().nanos(), 123456000);
  EXPECT_EQ(Read(R"({"created":"2026-11-30Z"})").created().seconds(), 1795996800);
  EXPECT_EQ(Read(R"({"created":1796022550123456})").created().nanos(), 123456000);
  DebeziumOptions options;
  options.columns["created"].unit = DebeziumTimeUnit::kMilliseconds;
  EXPECT_EQ(Read(R"({"created":1796022550123})", options).created().nanos(), 123000000);
  options.columns["created"].field = "created_ms";
  EXPECT_EQ(Read(R"({"created":"2026-11-30T07:09:10.123456Z"})", options).created_ms(), 1796022550123);
  EXPECT_EQ(Read(R"({"took":-1500000})").took().seconds(), -1);
  EXPECT_EQ(Read(R"({"took":-1500000})").took().nanos(), -500000000);
}

TEST(DebeziumSerde, DatesAreReadAsTextAndAsDays) {
  for (const char* row : {R"({"day":"2026-11-30Z"})", R"({"day":20787})"}) {
    const EveryColumn message = Read(row);
    EXPECT_EQ(message.day().year(), 2026);
    EXPECT_EQ(message.day().month(), 11);
    EXPECT_EQ(message.day().day(), 30);
  }
  EXPECT_THAT(ErrorOf(R"({"day":"2026-11-30T01:00:00Z"})"), HasSubstr("is no date"));
}

TEST(DebeziumSerde, BytesTextAndEverythingElseThatIsWrittenAsText) {
  EXPECT_EQ(Read(R"({"raw":"AP8="})").raw(), std::string("\0\xff", 2));
  EXPECT_EQ(Read(R"({"name":"6f9619ff-8b86-d011-b42d-00cf4fc964ff"})").name(), "6f9619ff-8b86-d011-b42d-00cf4fc964ff");
  EXPECT_EQ(Read(R"({"name":"{\"a\": [1, 2]}"})").name(), R"({"a": [1, 2]})");
  EXPECT_EQ(Read(R"({"name":17})").name(), "17");
  EXPECT_EQ(Read(R"({"name":{"x":1.5}})").name(), R"({"x":1.5})");
}

TEST(DebeziumSerde, EnumsAreFoundByTheirNamesWithAndWithoutPrefix) {
  for (const char* name : {"paid", "PAID", "ORDER_STATUS_PAID", "order_status_paid"}) {
    EXPECT_EQ(Read(std::string(R"({"status":")") + name + "\"}").status(), test::ORDER_STATUS_PAID) << name;
  }
  EXPECT_EQ(Read(R"({"status":2})").status(), test::ORDER_STATUS_PAID);
  EXPECT_THAT(ErrorOf(R"({"status":"lost"})"), HasSubstr("\"lost\" is no value of millrace.test.OrderStatus"));
  EXPECT_THAT(ErrorOf(R"({"status":4294967298})"), HasSubstr("is no value"));
}

TEST(DebeziumSerde, ArraysObjectsAndWrappers) {
  const EveryColumn message = Read(
      R"({"tags":["a","b c"],"numbers":[1,2],"visits":["2026-11-30T08:09:10.000000Z"],"place":{"x":1.0,"y":2.0,"wkb":"AQ==","srid":null},"credit":7})");
  EXPECT_THAT(message.tags(), ElementsAre("a", "b c"));
  EXPECT_THAT(message.numbers(), ElementsAre(1, 2));
  EXPECT_EQ(message.visits(0).seconds(), 1796026150);
  EXPECT_EQ(message.place().y(), 2.0);
  EXPECT_EQ(message.credit().value(), 7);
  EXPECT_THAT(ErrorOf(R"({"tags":["a",null]})"), HasSubstr("an array holds null"));
}

TEST(DebeziumSerde, AValueThatDoesNotFitNamesColumnFieldAndReason) {
  EXPECT_EQ(ErrorOf(R"({"small":3000000000})"),
            "column 'small' into field millrace.test.EveryColumn.small (int32): 3000000000 is out of range");
  EXPECT_THAT(ErrorOf(R"({"unsigned32":-1})"), HasSubstr("out of range"));
  EXPECT_THAT(ErrorOf(R"({"id":1.5})"), HasSubstr("1.5 is no whole number"));
  EXPECT_THAT(ErrorOf(R"({"id":true})"), HasSubstr("true is no whole number"));
  EXPECT_THAT(ErrorOf(R"({"id":"2026-11-30Z"})"), HasSubstr("give the unit"));
  EXPECT_THAT(ErrorOf(R"({"amount":"12.345"})", Column("amount", "amount_cents", 2)),
              HasSubstr("\"12.345\" is no decimal of at most 2"));
  EXPECT_THAT(ErrorOf(R"({"amount":"1"})", Column("amount", "amount_cents", 19)), HasSubstr("scale is not from 0 to 18"));
  EXPECT_THAT(ErrorOf(R"({"price":"0.0000000001"})"), HasSubstr("at most 9 places"));
  EXPECT_THAT(ErrorOf(R"({"created":18446744073709551615})"), HasSubstr("is no date or time"));
  EXPECT_THAT(ErrorOf(R"({"created":"infinity"})"), HasSubstr("\"infinity\" is no date or time"));
  EXPECT_THAT(ErrorOf(R"({"weight":1e300})"), HasSubstr("out of range"));
  EXPECT_THAT(ErrorOf(R"({"ratio":"much"})"), HasSubstr("is no number"));
  EXPECT_THAT(ErrorOf(R"({"active":1})"), HasSubstr("is no boolean"));
  EXPECT_THAT(ErrorOf(R"({"raw":"not base64!"})"), HasSubstr("is no base64"));
  EXPECT_THAT(ErrorOf(R"({"tags":"a"})"), HasSubstr("is no array"));
  EXPECT_THAT(ErrorOf(R"({"labels":{"a":"b"}})"), HasSubstr("make it a string"));
  EXPECT_THAT(ErrorOf(R"({"place":"1 2"})"), HasSubstr("is no object"));
  EXPECT_THAT(ErrorOf(R"({"place":{"x":"a"}})"), AllOf(HasSubstr("column 'place'"), HasSubstr("member 'x'")));
  EXPECT_THAT(ErrorOf(R"({"took":"P1D"})"), HasSubstr("interval.handling.mode"));
}

TEST(DebeziumSerde, ALongValueIsCutInTheError) {
  const std::string error = ErrorOf(R"({"id":")" + std::string(1000, 'x') + "\"}");
  EXPECT_LT(error.size(), 300U);
}

TEST(DebeziumSerde, AValueThatPostgresLeftOutIsAnErrorThatSaysWhatToDo) {
  const char* rows[] = {
      R"({"name":"__debezium_unavailable_value"})", R"({"raw":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="})",
      R"({"tags":["__debezium_unavailable_value"]})",
      R"({"numbers":[95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,97,108,117,101]})"};
  for (const char* row : rows) EXPECT_THAT(ErrorOf(row), HasSubstr("REPLICA IDENTITY FULL")) << row;
}

TEST(DebeziumSerde, AnUnknownColumnIsLeftOutOrRefused) {
  EXPECT_EQ(Read(R"({"id":1,"added_later":"x"})").id(), 1);
  DebeziumOptions options;
  options.refuse_unknown_columns = true;
  EXPECT_EQ(Read(R"({"id":1})", options).id(), 1);
  EXPECT_THAT(ErrorOf(R"({"id":1,"added_later":null})", options),
              HasSubstr("column 'added_later' has no field in millrace.test.EveryColumn"));
}

TEST(DebeziumSerde, OptionsThatNameNoFieldAreToldByEachRead) {
  EXPECT_THAT(ErrorOf("{}", Column("amount", "amount_dollars", 2)),
              HasSubstr("a column 'amount' for the field 'amount_dollars', which millrace.test.EveryColumn does not have"));
}

TEST(DebeziumSerde, ReadsWhatItWrites) {
  const EveryColumn message = Read(R"({"id":17,"name":"{","tags":["{"],"day":"2026-11-30Z"})");
  const AnySerde<EveryColumn> serde = DebeziumSerde<EveryColumn>();
  EveryColumn read;
  ASSERT_EQ(serde.Deserialize(serde.ToBytes(message), &read), absl::OkStatus());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(message, read));
  EXPECT_EQ(serde.ToBytes(message), AnySerde<EveryColumn>().ToBytes(message));
  EXPECT_EQ(serde.Fingerprint(), AnySerde<EveryColumn>().Fingerprint());
  ASSERT_EQ(serde.Deserialize(serde.ToBytes(EveryColumn()), &read), absl::OkStatus());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(EveryColumn(), read));
}

template <class K>
void ExpectKey(const AnySerde<K>& serde, const std::string& bytes, const K& expected) {
  K key;
  ASSERT_EQ(serde.Deserialize(bytes, &key), absl::OkStatus()) << bytes;
  EXPECT_EQ(serde.ToBytes(expected), bytes);
  EXPECT_EQ(serde.ToBytes(key), bytes);
}

TEST(DebeziumKeySerde, KeysAreWrittenAsDebeziumWritesThem) {
  ExpectKey<int64_t>(DebeziumKeySerde<int64_t>("id"), R"({"id":-17})", -17);
  ExpectKey<std::string>(DebeziumKeySerde<std::string>("sku"), R"({"sku":"Åsa \"q\" \\ \n/"})", "Åsa \"q\" \\ \n/");
  LineKey key;
  key.set_order_id(1);
  key.set_shelf("a");
  ExpectKey<std::string>(DebeziumKeySerde<std::string>("a\"b"), R"({"a\"b":""})", "");
  const AnySerde<LineKey> serde = DebeziumKeySerde<LineKey>();
  EXPECT_EQ(serde.ToBytes(key), R"({"order_id":1,"line_no":0,"shelf":"a"})");
  LineKey read;
  ASSERT_EQ(serde.Deserialize(R"({"order_id":1,"line_no":0,"shelf":"a"})", &read), absl::OkStatus());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(key, read));
}

TEST(DebeziumKeySerde, AKeyOfOtherColumnsIsAnError) {
  const auto error = [](const auto& serde, const std::string& bytes) {
    auto key = [&] {
      if constexpr (std::is_same_v<std::decay_t<decltype(serde)>, DebeziumKeySerde<int64_t>>) {
        return int64_t{0};
      } else {
        return LineKey();
      }
    }();
    return std::string(serde.Deserialize(bytes, &key).message());
  };
  const DebeziumKeySerde<int64_t> id("id");
  EXPECT_THAT(error(id, R"({"number":17})"), HasSubstr("is not of the column 'id' alone"));
  EXPECT_THAT(error(id, R"({"id":17,"line":1})"), HasSubstr("alone"));
  EXPECT_THAT(error(id, R"({"id":"17"})"), HasSubstr("is no int64"));
  EXPECT_THAT(error(id, R"({"id":9223372036854775808})"), HasSubstr("is no int64"));
  EXPECT_THAT(error(id, "17"), HasSubstr("JsonConverter"));
  EXPECT_THAT(error(id, R"({"schema":{},"payload":{"id":17}})"), HasSubstr("key.converter.schemas.enable=false"));
  const DebeziumKeySerde<LineKey> line;
  EXPECT_THAT(error(line, R"({"order_id":1,"line_no":2})"), HasSubstr("has not the columns of millrace.test.LineKey"));
  EXPECT_THAT(error(line, R"({"order_id":1,"line_no":2,"row":"a"})"), HasSubstr("column 'row' has no field"));
  test::NoKey none;
  EXPECT_THAT(std::string(DebeziumKeySerde<test::NoKey>().Deserialize(R"({"ratio":1.0})", &none).message()),
              HasSubstr("cannot be of a key"));
}

TEST(DebeziumKeySerde, FingerprintsNameTheColumns) {
  EXPECT_EQ(DebeziumKeySerde<int64_t>("id").Fingerprint().name, "debezium key id int64");
  EXPECT_EQ(DebeziumKeySerde<LineKey>().Fingerprint().name, "debezium key order_id integer, line_no integer, shelf string");
}

}  // namespace
}  // namespace millrace
