#include <rocksdb/db.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "printed_text.h"

// chaos_stores FOLDER: what the stores of an application hold that has its tasks' folders there, read with RocksDB alone. Prints
//   store TASK NAME OFFSET        the changelog offset that goes with it, - if there is none
//   entry TASK NAME KEY VALUE     keys and values as chaos_probe prints them
//   unreadable TASK NAME WHY
// Nothing is changed; a database that was not closed is read with its write-ahead log.

namespace {

namespace fs = std::filesystem;

// An aggregate's value has eight bytes of time in front; no text begins with a zero.
std::string Value(const std::string& bytes) {
  return PrintedText(bytes.size() >= 8 && bytes[0] == '\0' ? bytes.substr(8) : bytes);
}

std::string Offset(rocksdb::DB* db) {
  std::string bytes;
  if (!db->Get(rocksdb::ReadOptions(), "mchangelog-offset", &bytes).ok() || bytes.size() != 8) return "-";
  uint64_t offset = 0;
  for (const char byte : bytes) offset = offset << 8 | static_cast<unsigned char>(byte);
  return std::to_string(offset);
}

rocksdb::Status Print(const fs::path& folder) {
  const std::string place = folder.parent_path().filename().string() + " " + folder.filename().string();
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(rocksdb::Options(), folder.string(), &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok()) return status;
  printf("store %s %s\n", place.c_str(), Offset(db.get()).c_str());
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
  for (it->Seek("d"); it->Valid() && it->key().starts_with("d"); it->Next()) {
    printf("entry %s %s %s\n", place.c_str(), PrintedText(it->key().ToString().substr(1)).c_str(),
           Value(it->value().ToString()).c_str());
  }
  return it->status();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: chaos_stores FOLDER\n");
    return 2;
  }
  for (const auto& task : fs::directory_iterator(argv[1])) {
    const std::string name = task.path().filename().string();
    if (!task.is_directory() || name.find_first_not_of("0123456789_") != std::string::npos) continue;
    for (const auto& store : fs::directory_iterator(task.path())) {
      // Without the point in the name of what was set aside.
      if (!fs::exists(store.path() / "CURRENT") || store.path().filename().string().find('.') != std::string::npos) continue;
      if (const rocksdb::Status status = Print(store.path()); !status.ok()) {
        printf("unreadable %s %s %s\n", name.c_str(), store.path().filename().c_str(), PrintedText(status.ToString()).c_str());
      }
    }
  }
  return 0;
}
