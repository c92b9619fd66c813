#include "protobuf/schema_evolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto_text.h"

namespace millrace::warehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SchemaEvolution : public testing::Test {
 protected:
  void Create(const std::string& text) {
    const MappedSchema mapped = *MapSchema(*protos_.Message(text), {});
    schema_ = mapped.schema;
    record_ = mapped.record;
    last_id_ = schema_.HighestId();
  }

  /// The changes; the table is as it is then.
  std::vector<std::string> Evolve(const std::string& text) {
    absl::StatusOr<std::optional<EvolvedSchema>> next =
        EvolveSchema(schema_, record_, *MapSchema(*protos_.Message(text), {}), last_id_, policy_);
    if (!next.ok()) {
      return {std::string(next.status().message())};
    }
    if (!next->has_value()) {
      return {};
    }
    schema_ = (*next)->schema;
    record_ = (*next)->record;
    last_id_ = std::max(last_id_, schema_.HighestId());
    return (*next)->changes;
  }

  const Field& At(const std::string& path) {
    const Field* field = schema_.Find(record_.Find(path));
    static const Field none;
    return field == nullptr ? none : *field;
  }

  ProtoText protos_;
  Schema schema_;
  ColumnRecord record_;
  int last_id_ = 0;
  EvolutionPolicy policy_;
};

TEST_F(SchemaEvolution, DoesNothingWithoutAChange) {
  const std::string text =
      "message M { int32 a = 1; S s = 2; repeated S l = 3; map<string, S> m = 4; oneof o { int32 x = 5; } } message S { string t "
      "= 1; }";
  Create(text);
  EXPECT_THAT(Evolve(text), ElementsAre());
}

TEST_F(SchemaEvolution, RenamesByNumber) {
  Create("message M { int32 a = 1; int32 b = 2; S s = 3; } message S { string t = 1; }");
  const int id = At("1").id;
  // Also two names that change places, and one inside a struct.
  EXPECT_THAT(Evolve("message M { int32 b = 1; int32 a = 2; S s = 3; } message S { string u = 1; }"),
              ElementsAre("rename s.t to u", "rename a to b", "rename b to a"));
  EXPECT_EQ(At("1").id, id);
  EXPECT_EQ(At("1").name, "b");
  EXPECT_EQ(At("3.1").name, "u");
}

TEST_F(SchemaEvolution, AddsOptionalColumnsWithNewIds) {
  Create("message M { int32 a = 1; S s = 2; } message S { string t = 1; }");
  const int last = last_id_;
  EXPECT_THAT(Evolve("message M { int32 a = 1; S s = 2; repeated S l = 3; } message S { string t = 1; int64 n = 2; }"),
              ElementsAre("add s.n", "add l"));
  EXPECT_EQ(At("2.2").id, last + 1);
  EXPECT_FALSE(At("2.2").required);
  EXPECT_EQ(At("3").id, last + 2);
  EXPECT_FALSE(At("3").required);
  EXPECT_TRUE(At("3.e.2").required);
  EXPECT_GT(At("3.e.2").id, At("3.e").id);
}

TEST_F(SchemaEvolution, DropsAndNeverUsesAnIdAgain) {
  Create("message M { int32 a = 1; int32 b = 2; }");
  const int id = At("2").id;
  EXPECT_THAT(Evolve("message M { int32 a = 1; }"), ElementsAre("drop b"));
  EXPECT_EQ(schema_.Find(id), nullptr);
  EXPECT_THAT(Evolve("message M { int32 a = 1; int32 b = 2; }"), ElementsAre("add b"));
  EXPECT_GT(At("2").id, id);
}

TEST_F(SchemaEvolution, KeepsWhatIsRemovedIfThePolicySaysSo) {
  Create("message M { int32 a = 1; int32 b = 2; int32 c = 3; }");
  policy_.pinned = {At("3").id};
  EXPECT_THAT(Evolve("message M { int32 a = 1; int32 b = 2; }"), ElementsAre("make c optional, which is not written any more"));
  policy_.removal = EvolutionPolicy::Removal::kKeep;
  const int id = At("2").id;
  EXPECT_THAT(Evolve("message M { int32 a = 1; }"), ElementsAre("make b optional, which is not written any more"));
  EXPECT_THAT(Evolve("message M { int32 a = 1; }"), ElementsAre());
  EXPECT_THAT(Evolve("message M { int32 a = 1; int32 b = 2; }"), ElementsAre());
  EXPECT_EQ(At("2").id, id);
}

TEST_F(SchemaEvolution, WidensTypesAndNeverNarrowsThem) {
  Create("message M { int32 a = 1; float b = 2; repeated int32 l = 3; map<string, float> m = 4; }");
  EXPECT_THAT(Evolve("message M { int64 a = 1; double b = 2; repeated int64 l = 3; map<string, double> m = 4; }"),
              ElementsAre("widen a from int to long", "widen b from float to double", "widen l.element from int to long",
                          "widen m.value from float to double"));
  EXPECT_THAT(Evolve("message M { int32 a = 1; float b = 2; repeated int32 l = 3; map<string, float> m = 4; }"), ElementsAre());
  EXPECT_EQ(At("1").type.kind, Type::Kind::kLong);
}

TEST_F(SchemaEvolution, MakesColumnsOptionalAndNotRequiredAgain) {
  Create("message M { int32 a = 1; }");
  EXPECT_THAT(Evolve("message M { optional int32 a = 1; }"), ElementsAre("make a optional"));
  EXPECT_THAT(Evolve("message M { int32 a = 1; }"), ElementsAre());
}

TEST_F(SchemaEvolution, RefusesOtherTypesAndSaysWhatToDo) {
  Create("message M { int32 a = 1; S s = 2; } message S { string t = 1; }");
  for (const char* text : {"message M { string a = 1; S s = 2; } message S { string t = 1; }",
                           "message M { repeated int32 a = 1; S s = 2; } message S { string t = 1; }",
                           "message M { S a = 1; S s = 2; } message S { string t = 1; }"}) {
    EXPECT_THAT(Evolve(text), ElementsAre(testing::AllOf(HasSubstr("column a is int"), HasSubstr("new_column")))) << text;
  }
  EXPECT_THAT(Evolve("message M { int32 a = 1; S s = 2; } message S { int64 t = 1; }"),
              ElementsAre(HasSubstr("column s.t is string")));
}

TEST_F(SchemaEvolution, GivesAChangedTypeANewColumn) {
  policy_.type_change = EvolutionPolicy::TypeChange::kNewColumn;
  Create("message M { int32 a = 1; repeated int32 l = 2; }");
  const int old = At("1").id;
  const std::string changed = "message M { string a = 1; repeated string l = 2; }";
  EXPECT_THAT(Evolve(changed), ElementsAre("add a_v2", "add l_v2"));
  EXPECT_EQ(At("1").name, "a_v2");
  EXPECT_EQ(schema_.Find(old)->name, "a");
  EXPECT_FALSE(schema_.Find(old)->required);
  EXPECT_THAT(Evolve(changed), ElementsAre());
  EXPECT_THAT(Evolve("message M { double a = 1; repeated string l = 2; }"), ElementsAre("add a_v3"));
}

TEST_F(SchemaEvolution, LeavesColumnsOfOthersAlone) {
  Create("message M { int32 a = 1; }");
  Field other;
  other.id = ++last_id_;
  other.name = "note";
  schema_.fields.push_back(other);
  EXPECT_THAT(Evolve("message M { int32 b = 1; }"), ElementsAre("rename a to b"));
  EXPECT_NE(schema_.Find(other.id), nullptr);
  EXPECT_THAT(Evolve("message M { int32 b = 1; string note = 2; }"), ElementsAre(HasSubstr("a column note already")));
  EXPECT_THAT(Evolve("message M { int32 note = 1; }"), ElementsAre(HasSubstr("a column note already")));
}

}  // namespace
}  // namespace millrace::warehouse
