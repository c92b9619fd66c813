#ifndef MILLRACE_WAREHOUSE_STORAGE_S3_XML_H_
#define MILLRACE_WAREHOUSE_STORAGE_S3_XML_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace millrace::warehouse {

/// One page of ListObjectsV2 (Amazon S3 API Reference).
struct S3Page {
  struct Object {
    std::string key;
    int64_t size_bytes = 0;
    int64_t modified_ms = 0;  // since 1970
  };

  std::vector<Object> objects;
  std::vector<std::string> prefixes;  // with the delimiter at their ends
  std::string next;                   // the continuation token; empty = this was the last page
};

/// Internal if the text is no such answer, or cut off. Keys are decoded if the answer says that they are encoded.
absl::StatusOr<S3Page> ParseS3Page(const std::string& xml);

/// What stands between <name> and </name> the first time, with entities decoded; nothing if there is no such element.
std::string XmlText(const std::string& xml, const std::string& name);

/// `text` as the content of an element.
std::string XmlEscape(const std::string& text);

/// "2026-11-30T03:20:06.000Z" in milliseconds since 1970; -1 if it is no such time.
int64_t ParseS3Time(const std::string& text);

}  // namespace millrace::warehouse

#endif  // MILLRACE_WAREHOUSE_STORAGE_S3_XML_H_
