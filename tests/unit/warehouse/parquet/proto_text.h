#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_PARQUET_PROTO_TEXT_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_PARQUET_PROTO_TEXT_H_

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace millrace::warehouse {

/// Messages from the text of .proto files by protoc, with their comments: descriptor sets, as users have them. Knows protobuf's
/// well-known types.
class ProtoText {
 public:
  ProtoText() {
    // Their files are in the pool below as soon as they are linked.
    google::protobuf::Timestamp::descriptor();
    google::protobuf::Duration::descriptor();
    google::protobuf::Struct::descriptor();
    google::protobuf::Any::descriptor();
    google::protobuf::StringValue::descriptor();
    messages_.SetDelegateToGeneratedFactory(true);
    std::string folder = (std::filesystem::temp_directory_path() / "proto_text.XXXXXX").string();
    folder_ = mkdtemp(folder.data());
  }
  ~ProtoText() { std::filesystem::remove_all(folder_); }
  ProtoText(const ProtoText&) = delete;
  ProtoText& operator=(const ProtoText&) = delete;

  /// nullptr, and a word on stderr, if the text has errors.
  const google::protobuf::FileDescriptor* Add(const std::string& file_name, const std::string& text) {
    const std::filesystem::path source = folder_ / file_name;
    std::filesystem::create_directories(source.parent_path());
    std::ofstream(source) << text;
    const std::filesystem::path set_file = folder_ / "descriptors";
    const std::filesystem::path messages = folder_ / "messages";  // also that not all imports are used
    const std::string command = std::string(MILLRACE_PROTOC) +
                                " --include_source_info --descriptor_set_out=" + set_file.string() + " -I" + folder_.string() +
                                " " + source.string() + " 2> " + messages.string();
    google::protobuf::FileDescriptorSet set;
    std::ifstream input;
    if (std::system(command.c_str()) != 0 || (input.open(set_file), !set.ParseFromIstream(&input)) || set.file_size() != 1) {
      std::cerr << std::ifstream(messages).rdbuf();
      return nullptr;
    }
    return pool_.BuildFile(set.file(0));
  }

  /// The message M of a file of its own.
  const google::protobuf::Descriptor* Message(const std::string& text, const std::string& name = "M") {
    const std::string package = absl::StrCat("p", ++files_);
    std::string imports;
    for (const char* known : {"timestamp", "duration", "wrappers", "struct", "any"}) {
      imports += std::string("import \"google/protobuf/") + known + ".proto\";\n";
    }
    const auto* file = Add(package + ".proto", "syntax = \"proto3\"; package " + package + ";\n" + imports + text);
    return file == nullptr ? nullptr : file->FindMessageTypeByName(name);
  }

  std::unique_ptr<google::protobuf::Message> New(const google::protobuf::Descriptor& message) {
    return std::unique_ptr<google::protobuf::Message>(messages_.GetPrototype(&message)->New());
  }

  /// The bytes of a message in protobuf's text format.
  std::string Bytes(const google::protobuf::Descriptor& message, const std::string& text) {
    std::unique_ptr<google::protobuf::Message> value = New(message);
    if (!google::protobuf::TextFormat::ParseFromString(text, value.get())) {
      std::cerr << "no text of " << message.full_name() << ": " << text << "\n";
    }
    return value->SerializePartialAsString();
  }

 private:
  google::protobuf::DescriptorPool pool_{google::protobuf::DescriptorPool::generated_pool()};
  google::protobuf::DynamicMessageFactory messages_;
  std::filesystem::path folder_;
  int files_ = 0;
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_PARQUET_PROTO_TEXT_H_
