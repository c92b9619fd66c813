#ifndef MILLRACE_TOPOLOGIES_TSHIRT_DESCRIPTORS_H_
#define MILLRACE_TOPOLOGIES_TSHIRT_DESCRIPTORS_H_

#include <string>

namespace millrace::tshirt {

/// The file tshirt.protoset beside the program, for warehouse.descriptors: the shop's messages with their comments, which become
/// those of the columns. Empty if there is none; the messages are compiled in all the same, without comments.
[[nodiscard]] std::string DescriptorsFile();

}  // namespace millrace::tshirt

#endif  // MILLRACE_TOPOLOGIES_TSHIRT_DESCRIPTORS_H_
