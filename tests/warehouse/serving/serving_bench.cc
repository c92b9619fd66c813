// Rows a second into PostgreSQL for a flat table of payments, protobuf decode included, with the CPU time of this process for
// each.
//   warehouse_serving_bench ADDRESS [ROWS [ROWS_PER_COMMIT]]      a database of its own; its schema "bench" is dropped
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "serving_test_support.h"

namespace millrace::warehouse_test {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void OrDie(const absl::Status& status) {
  if (status.ok()) return;
  fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

std::string PaymentOf(int64_t id) {
  tshirt::v1::Payment payment;
  payment.set_payment_id(id);
  payment.set_order_id(id / 2);
  payment.set_amount_cents(id % 10000);
  payment.set_currency(id % 3 == 0 ? "EUR" : "NOK");
  payment.mutable_paid_at()->set_seconds(1'700'000'000 + id / 100);
  return payment.SerializeAsString();
}

/// Payments first to last - 1, `keys` different keys.
void Land(Warehouse* warehouse, const std::string& table, const std::map<std::string, std::string>& settings, int64_t rows,
          int64_t keys, int64_t rows_per_commit) {
  LandingDescription description;
  description.application_id = "bench";
  description.topic = "payments";
  description.name_space = "bench";
  description.table = table;
  description.message = "millrace.tshirt.v1.Payment";
  description.descriptor_set = DescriptorSetOf(*tshirt::v1::Payment::descriptor());
  description.settings = settings;
  auto landing = warehouse->OpenLanding(description);
  OrDie(landing.status());
  OrDie((*landing)->Positions().status());
  std::vector<std::string> values;
  for (int64_t id = 0; id < rows; ++id) values.push_back(PaymentOf(id));
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = CpuSeconds();
  double appending = 0;
  for (int64_t start = 0; start < rows; start += rows_per_commit) {
    const int64_t end = std::min(rows, start + rows_per_commit);
    const double before = CpuSeconds();
    for (int64_t offset = start; offset < end; ++offset) {
      const std::string key = std::to_string(offset % keys);
      OrDie((*landing)->Append(
          {0, offset, 1'700'000'000'000 + offset, BytesView(key), BytesView(values[static_cast<size_t>(offset)])}));
    }
    appending += CpuSeconds() - before;
    const auto done = (*landing)->Commit({{0, {start, end, 1'700'000'000'000 + end}}});
    OrDie(done.status());
    if (!*done) OrDie(absl::InternalError("somebody else has landed it"));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  printf("%-28s %9lld rows, %7lld keys: %8.0f rows/s; %5.2f us CPU a row here, %5.2f of it to decode and encode\n", table.c_str(),
         static_cast<long long>(rows), static_cast<long long>(keys), static_cast<double>(rows) / seconds,
         (CpuSeconds() - cpu_begin) * 1e6 / static_cast<double>(rows), appending * 1e6 / static_cast<double>(rows));
  fflush(stdout);
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: warehouse_serving_bench ADDRESS [ROWS [ROWS_PER_COMMIT]]\n");
    return 2;
  }
  const int64_t rows = argc > 2 ? std::atoll(argv[2]) : 1'000'000;
  const int64_t rows_per_commit = argc > 3 ? std::atoll(argv[3]) : 50'000;
  auto session = PostgresSession::Connect(argv[1]);
  OrDie(session.status());
  OrDie((*session)->Run("DROP SCHEMA IF EXISTS bench CASCADE").status());
  const auto warehouse = PostgresWarehouse::Open({{"uri", argv[1]}});
  OrDie(warehouse.status());
  Land(warehouse->get(), "append", {{"mode", "append"}}, rows, rows, rows_per_commit);
  Land(warehouse->get(), "upsert_new_keys", {{"key.columns", "payment_id"}}, rows, rows, rows_per_commit);
  Land(warehouse->get(), "upsert_100000_keys", {{"columns._key", "string"}}, rows, 100'000, rows_per_commit);
  Land(warehouse->get(), "upsert_1000_keys", {{"columns._key", "string"}}, rows, 1000, rows_per_commit);
  return 0;
}

}  // namespace
}  // namespace millrace::warehouse_test

int main(int argc, char** argv) { return millrace::warehouse_test::Main(argc, argv); }
