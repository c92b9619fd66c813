#include "debezium/json_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace millrace::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "name=value" of each member, and "damaged" at the end if it is.
std::vector<std::string> MembersOf(const std::string& text) {
  std::vector<std::string> result;
  JsonMembers members(text);
  while (members.Next()) result.push_back(std::string(members.name()) + "=" + std::string(members.value()));
  if (members.damaged()) result.push_back("damaged");
  return result;
}

TEST(JsonMembers, GivesTheTextOfEachMember) {
  EXPECT_THAT(MembersOf(R"({"a":1,"b":"x","c":{"d":[1,{"e":"}"}]},"f":[],"g":null})"),
              ElementsAre("a=1", R"(b="x")", R"(c={"d":[1,{"e":"}"}]})", "f=[]", "g=null"));
  EXPECT_THAT(MembersOf(" { \"a\" : 1.5e3 ,\n\t\"b\" : true } "), ElementsAre("a=1.5e3", "b=true"));
  EXPECT_THAT(MembersOf("{}"), IsEmpty());
}

TEST(JsonMembers, LooksBehindEscapesAndBracketsInStrings) {
  EXPECT_THAT(MembersOf(R"({"a\"b":"c\\","d":["]\"}"]})"), ElementsAre(R"(a\"b="c\\")", R"(d=["]\"}"])"));
}

TEST(JsonMembers, WhatIsCutOrFollowedByMoreIsDamaged) {
  for (const char* text :
       {"", " ", "[]", "1", "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":1", "{\"a\":\"x", "{\"a\":\"x\\", "{\"a\":[1}",
        "{\"a\":1 2}", "{\"a\":1}}", "{\"a\":1}x", "{a:1}", "{\"a\":1,}", "{,}"}) {
    const std::vector<std::string> members = MembersOf(text);
    ASSERT_FALSE(members.empty()) << text;
    EXPECT_EQ(members.back(), "damaged") << text;
  }
}

TEST(JsonMembers, NestingHasAnEnd) {
  const auto nested = [](size_t depth) { return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
  EXPECT_NE(MembersOf(nested(100)).back(), "damaged");
  EXPECT_EQ(MembersOf(nested(101)).back(), "damaged");
  EXPECT_EQ(MembersOf("{\"a\":" + std::string(1000000, '[')).back(), "damaged");
}

// A JSON value of any form.
nlohmann::json RandomJson(std::mt19937* random, int depth) {
  const auto pick = [random](unsigned n) { return (*random)() % n; };
  switch (pick(depth > 3 ? 4 : 6)) {
    case 0:
      return static_cast<int64_t>((*random)()) - 1000000;
    case 1:
      return nullptr;
    case 2:
      return pick(2) == 0;
    case 3: {
      std::string text;
      for (unsigned i = pick(12); i > 0; --i) text += "\"\\{}[],: \nax"[pick(12)];
      return text;
    }
    case 4: {
      nlohmann::json array = nlohmann::json::array();
      for (unsigned i = pick(4); i > 0; --i) array.push_back(RandomJson(random, depth + 1));
      return array;
    }
    default: {
      nlohmann::json object = nlohmann::json::object();
      for (unsigned i = pick(5); i > 0; --i) object["k\"" + std::to_string(pick(100))] = RandomJson(random, depth + 1);
      return object;
    }
  }
}

TEST(JsonMembers, AgreesWithAParserOnRandomObjects) {
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) {
    nlohmann::json object = nlohmann::json::object();
    for (int member = 0; member < 4; ++member) object["m" + std::to_string(member)] = RandomJson(&random, 0);
    const std::string text = object.dump(i % 2 == 0 ? -1 : 1);
    JsonMembers members(text);
    nlohmann::json found = nlohmann::json::object();
    while (members.Next()) found[std::string(members.name())] = nlohmann::json::parse(members.value(), nullptr, false);
    EXPECT_FALSE(members.damaged()) << text;
    EXPECT_EQ(found, object) << text;
    // Whatever is cut off, it ends, and inside of the text.
    const std::string cut = text.substr(0, random() % text.size());
    JsonMembers rest(cut);
    while (rest.Next()) EXPECT_LE(rest.value().size(), cut.size());
    EXPECT_TRUE(rest.damaged()) << cut;
  }
}

}  // namespace
}  // namespace millrace::internal
