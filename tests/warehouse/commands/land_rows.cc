// Lands rows in a table of a warehouse, without Kafka:
//   warehouse_land_rows WHAT < ROWS
// WHAT is a JSON object with warehouse (settings), descriptors (a file), and application, topic, message, namespace, table,
// settings (of the table); ROWS are lines of JSON, [timestamp in ms, message in protobuf's text format], of partition 0, which
// follow those that are in the table. One commit.

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "landing/open_warehouse.h"

namespace millrace::warehouse {
namespace {

int Fail(const absl::Status& status) {
  fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

LandingDescription DescriptionFrom(const nlohmann::json& what) {
  LandingDescription description;
  description.application_id = what.at("application");
  description.topic = what.at("topic");
  description.message = what.at("message");
  description.name_space = what.at("namespace");
  description.table = what.at("table");
  description.settings = what.at("settings").get<std::map<std::string, std::string>>();
  std::ifstream file(what.at("descriptors").get<std::string>(), std::ios::binary);
  description.descriptor_set = {std::istreambuf_iterator<char>(file), {}};
  return description;
}

absl::Status LandLines(const LandingDescription& description, TableLanding* landing) {
  google::protobuf::FileDescriptorSet set;
  set.ParseFromString(description.descriptor_set);
  google::protobuf::DescriptorPool pool;
  for (const auto& file : set.file()) pool.BuildFile(file);
  google::protobuf::DynamicMessageFactory messages;
  const auto* prototype = messages.GetPrototype(pool.FindMessageTypeByName(description.message));
  const auto positions = landing->Positions();
  if (!positions.ok()) return positions.status();
  PositionRange range;
  range.start = positions->empty() ? 0 : positions->at(0);
  range.end = range.start;
  for (std::string line; std::getline(std::cin, line);) {
    const auto json = nlohmann::json::parse(line);
    const std::unique_ptr<google::protobuf::Message> message(prototype->New());
    if (!google::protobuf::TextFormat::ParseFromString(json.at(1).get<std::string>(), message.get())) {
      return absl::InvalidArgumentError(line);
    }
    const int64_t time_ms = json.at(0);
    const std::string value = message->SerializeAsString();
    const absl::Status appended = landing->Append({0, range.end++, time_ms, std::nullopt, BytesView(value)});
    if (!appended.ok()) return appended;
    range.stream_time_ms = std::max(range.stream_time_ms.value_or(time_ms), time_ms);
  }
  const auto done = landing->Commit({{0, range}});
  if (!done.ok()) return done.status();
  return *done ? absl::OkStatus() : absl::AbortedError("somebody else has landed the rows");
}

int Main(const std::string& text) {
  const auto what = nlohmann::json::parse(text);
  auto warehouse = OpenTableWarehouse(what.at("warehouse").get<std::map<std::string, std::string>>());
  if (!warehouse.ok()) return Fail(warehouse.status());
  const LandingDescription description = DescriptionFrom(what);
  auto landing = (*warehouse)->OpenLanding(description);
  if (!landing.ok()) return Fail(landing.status());
  const absl::Status landed = LandLines(description, landing->get());
  return landed.ok() ? 0 : Fail(landed);
}

}  // namespace
}  // namespace millrace::warehouse

int main(int argc, char** argv) { return argc == 2 ? millrace::warehouse::Main(argv[1]) : 2; }
