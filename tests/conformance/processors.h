#ifndef MILLRACE_TESTS_CONFORMANCE_PROCESSORS_H_
#define MILLRACE_TESTS_CONFORMANCE_PROCESSORS_H_

#include <string>

#include "functions.h"
#include "millrace/operators/processor.h"

namespace millrace::conformance {

/// The processors of the case files over text; an empty supplier = none of that name. `store` may be empty.
ProcessorSupplier<Text, Text> ProcessorNamed(const std::string& name, const std::string& store);
FixedKeyProcessorSupplier<Text, Text> FixedKeyProcessorNamed(const std::string& name, const std::string& store);
/// Appends a header to each record.
FixedKeyProcessorSupplier<Text, Text> AddHeader(const std::string& header, const std::string& value);

}  // namespace millrace::conformance

#endif  // MILLRACE_TESTS_CONFORMANCE_PROCESSORS_H_
