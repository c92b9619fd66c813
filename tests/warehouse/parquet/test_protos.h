#ifndef MILLRACE_TESTS_WAREHOUSE_PARQUET_TEST_PROTOS_H_
#define MILLRACE_TESTS_WAREHOUSE_PARQUET_TEST_PROTOS_H_

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "proto_text.h"

namespace millrace::warehouse {

/// The .proto files beside this file.
class TestProtos {
 public:
  TestProtos() {
    for (const char* name : {"google/type/date.proto", "google/type/money.proto", "every_type.proto", "legacy.proto",
                             "evolution_1.proto", "evolution_2.proto"}) {
      std::ifstream file(std::string(MILLRACE_SOURCE_DIR "/tests/warehouse/parquet/protos/") + name);
      std::ostringstream text;
      text << file.rdbuf();
      const auto* built = protos_.Add(name, text.str());
      if (built == nullptr) {
        std::cerr << name << " has errors\n";
        std::exit(2);
      }
      files_[built->package()] = built;
    }
  }

  const google::protobuf::Descriptor& Message(const std::string& package, const std::string& name) const {
    return *files_.at(package)->FindMessageTypeByName(name);
  }
  ProtoText& text() { return protos_; }

 private:
  ProtoText protos_;
  std::map<std::string, const google::protobuf::FileDescriptor*> files_;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_WAREHOUSE_PARQUET_TEST_PROTOS_H_
