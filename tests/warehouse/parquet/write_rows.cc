// Writes random messages, and those of a schema that evolves, as Parquet files, and beside each file what its rows must hold, one
// JSON object a line. read_back_test.py compares.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "expected_row.h"
#include "parquet/data_file_writer.h"
#include "protobuf/row_decoder.h"
#include "protobuf/schema_evolution.h"
#include "protobuf/table_schema.h"
#include "random_message.h"
#include "test_protos.h"

namespace millrace::warehouse {
namespace {

constexpr int64_t kBatchBytes = 1 << 20;

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::cerr << value.status() << "\n";
    std::exit(1);
  }
  return *std::move(value);
}

void OrDie(const absl::Status& status) {
  if (!status.ok()) {
    std::cerr << status << "\n";
    std::exit(1);
  }
}

/// One file of random messages of one type.
void WriteRandom(TestProtos* protos, const google::protobuf::Descriptor& type, int rows, uint64_t seed,
                 const std::string& folder) {
  MappingOptions options;
  for (const char* names : {"cents", "price"}) {
    if (type.FindFieldByName(names) != nullptr) {
      options.decimals[names] = {18, 2};
    }
  }
  if (type.full_name() == "every_type.Everything") {
    options.decimals = {{"well_known.cents", {18, 2}}, {"well_known.price", {18, 2}}};
  }
  options.key = MappingOptions::Key::kBinary;
  const MappedSchema mapped = OrDie(MapSchema(type, options));
  std::unique_ptr<RowDecoder> decoder = OrDie(RowDecoder::Create(mapped.schema, mapped.record, type, options));
  DataFileOptions file_options;
  file_options.row_group_bytes = 4 << 20;
  const std::string base = folder + "/" + type.full_name();
  std::unique_ptr<DataFileWriter> writer = OrDie(DataFileWriter::Open(base + ".parquet", mapped.schema, file_options));
  std::ofstream expected(base + ".jsonl");
  RandomMessage random(seed);
  for (int row = 0; row < rows; ++row) {
    std::string bytes;
    // Messages in several pieces are merged.
    do {
      std::unique_ptr<google::protobuf::Message> piece = protos->text().New(type);
      random.Fill(piece.get());
      bytes += piece->SerializeAsString();
    } while (random.OneIn(4));
    std::unique_ptr<google::protobuf::Message> message = protos->text().New(type);
    if (!message->ParseFromString(bytes)) {
      std::cerr << "protobuf does not read what it wrote\n";
      std::exit(1);
    }
    expected << ExpectedRow().Of(*message).dump() << "\n";
    OrDie(decoder->Append(bytes, {"fuzz", 1, row, row, std::to_string(row)}));
    if (decoder->batch().bytes() > kBatchBytes) {
      OrDie(writer->Append(decoder->batch(), 0, decoder->batch().rows()));
      decoder->batch().Clear();
    }
  }
  OrDie(writer->Append(decoder->batch(), 0, decoder->batch().rows()));
  const DataFile file = OrDie(writer->Close());
  if (file.record_count != rows) {
    std::cerr << "the file has " << file.record_count << " rows\n";
    std::exit(1);
  }
}

void WriteMessage(const MappedSchema& table, const google::protobuf::Descriptor& type, const std::string& bytes, int64_t offset,
                  const std::string& file) {
  std::unique_ptr<RowDecoder> decoder = OrDie(RowDecoder::Create(table.schema, table.record, type, {}));
  OrDie(decoder->Append(bytes, {"evolution", 0, offset, 0, std::nullopt}));
  std::unique_ptr<DataFileWriter> writer = OrDie(DataFileWriter::Open(file, table.schema, {}));
  OrDie(writer->Append(decoder->batch(), 0, 1));
  OrDie(writer->Close());
}

/// A file before and two after all kinds of changes, the second by a program that knows of none of them.
void WriteEvolution(TestProtos* protos, const std::string& folder) {
  const auto& before = protos->Message("evolution_1", "Customer");
  const auto& after = protos->Message("evolution_2", "Customer");
  const MappedSchema first = OrDie(MapSchema(before, {}));
  const std::string old_message =
      protos->text().Bytes(before, "id: 1 customer: 'anna' score: 0.5 gone: 'x' address { street: 's' city: 'c' } code: 7");
  WriteMessage(first, before, old_message, 0, folder + "/evolution_1.parquet");
  EvolutionPolicy policy;
  policy.type_change = EvolutionPolicy::TypeChange::kNewColumn;
  const EvolvedSchema evolved =
      *OrDie(EvolveSchema(first.schema, first.record, OrDie(MapSchema(after, {})), first.schema.HighestId(), policy));
  const MappedSchema second = {evolved.schema, evolved.record};
  const std::string new_message = protos->text().Bytes(after,
                                                       "id: 5000000000 payer: 'berta' score: 0.1 address { street: 't' town: 'd' "
                                                       "zip: 'z' } tags: 'u' tags: 'v' note: '' code: 'k'");
  WriteMessage(second, after, new_message, 1, folder + "/evolution_2.parquet");
  std::ofstream changes(folder + "/evolution_changes.txt");
  for (const std::string& change : evolved.changes) {
    changes << change << "\n";
  }
}

int Main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: warehouse_write_rows FOLDER ROWS SEED\n";
    return 2;
  }
  const std::string folder = argv[1];
  const int rows = std::atoi(argv[2]);
  const uint64_t seed = std::strtoull(argv[3], nullptr, 10);
  std::filesystem::create_directories(folder);
  TestProtos protos;
  int type = 0;
  for (const auto& [package, name] : {std::pair("every_type", "Scalars"), std::pair("every_type", "OptionalScalars"),
                                      std::pair("every_type", "RepeatedScalars"), std::pair("every_type", "WellKnown"),
                                      std::pair("every_type", "Everything"), std::pair("legacy", "Legacy")}) {
    WriteRandom(&protos, protos.Message(package, name), rows, seed + static_cast<uint64_t>(type++), folder);
  }
  WriteEvolution(&protos, folder);
  return 0;
}

}  // namespace
}  // namespace millrace::warehouse

int main(int argc, char** argv) { return millrace::warehouse::Main(argc, argv); }
