// Lands random messages of every type in PostgreSQL, and writes beside that what the rows must hold, one JSON object a line.
// read_back_test.py compares.
//   warehouse_serving_land_random ADDRESS FOLDER ROWS SEED
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "expected_row.h"
#include "random_message.h"
#include "serving_test_support.h"
#include "test_protos.h"

namespace millrace::warehouse_test {
namespace {

constexpr int64_t kCommitRows = 100;

void OrDie(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  std::exit(1);
}

void LandRandom(TestProtos* protos, Warehouse* warehouse, const google::protobuf::Descriptor& type, int rows, uint64_t seed,
                const std::string& folder) {
  LandingDescription description;
  description.application_id = "fuzz";
  description.topic = "fuzz";
  description.name_space = "fuzz";
  description.table = type.full_name();
  description.message = type.full_name();
  description.descriptor_set = DescriptorSetOf(type);
  description.settings["columns._key"] = "binary";
  const std::string outer = type.name() == "Everything" ? "well_known." : "";
  if (type.name() == "Everything" || type.name() == "WellKnown") {
    for (const char* name : {"cents", "price"}) description.settings[absl::StrCat("columns.", outer, name, ".decimal")] = "18,2";
  }
  auto landing = warehouse->OpenLanding(description);
  OrDie(landing.status());
  OrDie((*landing)->Positions().status());
  std::ofstream expected(absl::StrCat(folder, "/", type.full_name(), ".jsonl"));
  RandomMessage random(seed);
  int64_t start = 0;
  for (int row = 0; row < rows; ++row) {
    const std::unique_ptr<google::protobuf::Message> message = protos->text().New(type);
    random.Fill(message.get());
    expected << ExpectedRow().Of(*message).dump() << "\n";
    const std::string key = std::to_string(row);
    const std::string value = message->SerializeAsString();
    OrDie((*landing)->Append({1, row, row, BytesView(key), BytesView(value)}));
    if ((row + 1) % kCommitRows != 0 && row + 1 != rows) continue;
    const auto done = (*landing)->Commit({{1, {start, row + 1, row}}});
    OrDie(done.status());
    if (!*done) OrDie(absl::InternalError("somebody else has landed it"));
    start = row + 1;
  }
}

int Main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: warehouse_serving_land_random ADDRESS FOLDER ROWS SEED\n";
    return 2;
  }
  const uint64_t seed = std::strtoull(argv[4], nullptr, 10);
  const auto warehouse = PostgresWarehouse::Open({{"uri", argv[1]}});
  OrDie(warehouse.status());
  TestProtos protos;
  uint64_t type = 0;
  for (const auto& [package, name] : {std::pair("every_type", "Scalars"), std::pair("every_type", "OptionalScalars"),
                                      std::pair("every_type", "RepeatedScalars"), std::pair("every_type", "WellKnown"),
                                      std::pair("every_type", "Everything"), std::pair("legacy", "Legacy")}) {
    LandRandom(&protos, warehouse->get(), protos.Message(package, name), std::atoi(argv[3]), seed + type++, argv[2]);
  }
  return 0;
}

}  // namespace
}  // namespace millrace::warehouse_test

int main(int argc, char** argv) { return millrace::warehouse_test::Main(argc, argv); }
