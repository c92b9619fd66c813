#include "millrace/operators/protobuf_serde.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"

namespace millrace::internal {

absl::Status ParseMessage(BytesView bytes, google::protobuf::Message* message) {
  if (bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()) &&
      message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(bytes.size(), " bytes are no message of type ", std::string(message->GetDescriptor()->full_name())));
}

}  // namespace millrace::internal
