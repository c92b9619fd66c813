// How fast serialised payments become a Parquet file, in one thread: decoding of protobuf, columns, encoding, compression,
// writing. Usage: warehouse_bench [ROWS [FOLDER]]. Prints one line a run; bench_duckdb.py writes the same rows by DuckDB.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "parquet/data_file_writer.h"
#include "proto_text.h"
#include "protobuf/row_decoder.h"
#include "protobuf/table_schema.h"

namespace millrace::warehouse {
namespace {

constexpr int kRuns = 5;
constexpr int64_t kBatchRows = 4096;

const char* const kPayment = R"(
  enum Status { UNKNOWN = 0; PAID = 1; REFUNDED = 2; FAILED = 3; }
  message M {
    int64 id = 1;
    string user = 2;
    int64 amount = 3;
    string currency = 4;
    Status status = 5;
    google.protobuf.Timestamp at = 6;
  })";

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Messages one after another, as a consumer has them in its buffers.
struct Messages {
  std::string bytes;
  std::vector<size_t> ends;
};

Messages Make(ProtoText* protos, const google::protobuf::Descriptor& type, int64_t rows) {
  static const char* const kCurrencies[] = {"EUR", "USD", "CHF", "GBP", "SEK"};
  Messages result;
  std::mt19937_64 random(1);
  const std::unique_ptr<google::protobuf::Message> message = protos->New(type);
  const auto* reflection = message->GetReflection();
  const auto* at = type.FindFieldByNumber(6);
  for (int64_t row = 0; row < rows; ++row) {
    reflection->SetInt64(message.get(), type.FindFieldByNumber(1), row);
    reflection->SetString(message.get(), type.FindFieldByNumber(2), absl::StrCat("user-", random() % 100'000));
    reflection->SetInt64(message.get(), type.FindFieldByNumber(3), static_cast<int64_t>(random() % 1'000'000));
    reflection->SetString(message.get(), type.FindFieldByNumber(4), kCurrencies[random() % 5]);
    reflection->SetEnumValue(message.get(), type.FindFieldByNumber(5),
                             static_cast<int>(random() % 10 == 0 ? 2 + random() % 2 : 1));
    google::protobuf::Message* time = reflection->MutableMessage(message.get(), at);
    time->GetReflection()->SetInt64(time, time->GetDescriptor()->FindFieldByNumber(1), 1'790'000'000 + row / 1000);
    time->GetReflection()->SetInt32(time, time->GetDescriptor()->FindFieldByNumber(2),
                                    static_cast<int>(random() % 1'000'000'000));
    message->AppendToString(&result.bytes);
    result.ends.push_back(result.bytes.size());
  }
  return result;
}

/// Without `file`, rows are decoded and thrown away.
int64_t Land(RowDecoder* decoder, const Schema& schema, const Messages& messages, const std::string& file) {
  std::unique_ptr<DataFileWriter> writer = file.empty() ? nullptr : *DataFileWriter::Open(file, schema, {});
  size_t begin = 0;
  for (size_t row = 0; row < messages.ends.size(); ++row) {
    const std::string_view bytes(messages.bytes.data() + begin, messages.ends[row] - begin);
    begin = messages.ends[row];
    const auto offset = static_cast<int64_t>(row);
    if (!decoder->Append(bytes, {"payments", 0, offset, 1'790'000'000'000 + offset / 10, std::nullopt}).ok()) {
      std::abort();
    }
    if (decoder->batch().rows() == kBatchRows || row + 1 == messages.ends.size()) {
      if (writer != nullptr && !writer->Append(decoder->batch(), 0, decoder->batch().rows()).ok()) {
        std::abort();
      }
      decoder->batch().Clear();
    }
  }
  return writer == nullptr ? 0 : writer->Close()->size_bytes;
}

int Main(int argc, char** argv) {
  const int64_t rows = argc > 1 ? std::atoll(argv[1]) : 2'000'000;
  const std::string folder = argc > 2 ? argv[2] : "/tmp";
  ProtoText protos;
  const google::protobuf::Descriptor& type = *protos.Message(kPayment);
  MappingOptions options;
  options.decimals["amount"] = {18, 2};
  const MappedSchema mapped = *MapSchema(type, options);
  std::unique_ptr<RowDecoder> decoder = *RowDecoder::Create(mapped.schema, mapped.record, type, options);
  const Messages messages = Make(&protos, type, rows);
  std::printf("%lld rows, %.1f MB serialised\n", static_cast<long long>(rows), static_cast<double>(messages.bytes.size()) / 1e6);
  for (const char* what : {"decode only", "to Parquet"}) {
    for (int run = 0; run < kRuns; ++run) {
      const double cpu = CpuSeconds();
      const auto start = std::chrono::steady_clock::now();
      const int64_t size =
          Land(decoder.get(), mapped.schema, messages, what == std::string("to Parquet") ? folder + "/payments.parquet" : "");
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      const double cpu_seconds = CpuSeconds() - cpu;
      std::printf("%s: %.2f M rows/s by the clock, %.2f M rows/s a core, %.0f ns CPU a row, %.1f MB\n", what,
                  static_cast<double>(rows) / seconds / 1e6, static_cast<double>(rows) / cpu_seconds / 1e6,
                  cpu_seconds * 1e9 / static_cast<double>(rows), static_cast<double>(size) / 1e6);
    }
  }
  return 0;
}

}  // namespace
}  // namespace millrace::warehouse

int main(int argc, char** argv) { return millrace::warehouse::Main(argc, argv); }
