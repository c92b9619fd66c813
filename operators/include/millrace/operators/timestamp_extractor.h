#ifndef MILLRACE_OPERATORS_TIMESTAMP_EXTRACTOR_H_
#define MILLRACE_OPERATORS_TIMESTAMP_EXTRACTOR_H_

#include <functional>

#include "millrace/operators/record.h"
#include "millrace/state/timestamp.h"

namespace millrace {

/// Gives a source record its event time; `record.timestamp` is the broker's, `partition_time` the largest seen in its partition
/// (unknown = -1). A negative answer drops the record, counted. Empty function = the record's own timestamp. Follows Kafka's
/// `TimestampExtractor`.
template <class K, class V>
using TimestampExtractor = std::function<Timestamp(const Record<K, V>& record, Timestamp partition_time)>;

}  // namespace millrace

#endif  // MILLRACE_OPERATORS_TIMESTAMP_EXTRACTOR_H_
