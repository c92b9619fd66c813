#include "landing/changed_rows.h"

#include <algorithm>

namespace millrace::warehouse {
namespace {

// Below it nothing is gained by forgetting.
constexpr int64_t kFewRows = 10000;
constexpr int64_t kMostBytes = int64_t{256} << 20;

}  // namespace

absl::Status ChangedRows::Add(const RowBatch& batch, const Positions& positions) {
  const auto* keys = batch.Find<BytesColumn>(columns_.key);
  const auto* partitions = batch.Find<FixedColumn<int32_t>>(columns_.partition);
  const auto* offsets = batch.Find<FixedColumn<int64_t>>(columns_.offset);
  if (keys == nullptr || partitions == nullptr || offsets == nullptr || batch.Find<BytesColumn>(columns_.op) == nullptr) {
    return absl::InvalidArgumentError("the table of changes lacks one of the columns _key, _partition, _offset and _op");
  }
  for (int64_t row = 0; row < batch.rows(); ++row) {
    if (keys->IsNull(row)) continue;
    const int32_t partition = partitions->values()[row];
    const int64_t offset = offsets->values()[row];
    const auto range = positions.find(partition);
    if (range == positions.end() || offset < range->second.first || offset >= range->second.second) continue;
    auto [known, is_new] = newest_.try_emplace(Key(partition, keys->Get(row)), Newest{offset, rows_.rows()});
    if (!is_new && known->second.offset >= offset) continue;
    known->second = {offset, rows_.rows()};
    rows_.AppendRange(batch, row, row + 1);
  }
  if (rows_.rows() >= kFewRows && rows_.rows() >= 2 * static_cast<int64_t>(newest_.size())) ForgetOlderRows();
  if (rows_.bytes() <= kMostBytes) return absl::OkStatus();
  return absl::ResourceExhaustedError("changes of more than 256 MiB at once");
}

void ChangedRows::ForgetOlderRows() {
  RowBatch kept(rows_.schema());
  for (auto& [key, newest] : newest_) {
    kept.AppendRange(rows_, newest.row, newest.row + 1);
    newest.row = kept.rows() - 1;
  }
  rows_.Clear();
  rows_.AppendRange(kept, 0, kept.rows());
}

std::set<int32_t> ChangedRows::Partitions() const {
  std::set<int32_t> partitions;
  for (const auto& [key, newest] : newest_) partitions.insert(partitions.end(), key.first);
  return partitions;
}

bool ChangedRows::HasKey(int32_t partition, std::string_view key) const {
  return newest_.contains(Key(partition, std::string(key)));
}

bool ChangedRows::HasKeyIn(int32_t partition, std::string_view lower, std::string_view upper) const {
  const auto found = newest_.lower_bound(Key(partition, std::string(lower)));
  return found != newest_.end() && found->first.first == partition && found->first.second <= upper;
}

void ChangedRows::AppendUpserted(int32_t partition, RowBatch* batch) const {
  const auto* ops = rows_.Find<BytesColumn>(columns_.op);
  std::vector<Newest> upserted;
  for (auto it = newest_.lower_bound(Key(partition, "")); it != newest_.end() && it->first.first == partition; ++it) {
    if (ops->IsNull(it->second.row) || ops->Get(it->second.row) != kDeleted) upserted.push_back(it->second);
  }
  std::sort(upserted.begin(), upserted.end(), [](const Newest& a, const Newest& b) { return a.offset < b.offset; });
  for (const Newest& newest : upserted) {
    for (size_t i = 0; i < batch->columns().size(); ++i) {
      batch->columns()[i]->AppendRange(*rows_.columns()[i], newest.row, newest.row + 1);
    }
    batch->FinishRow();
  }
}

}  // namespace millrace::warehouse
