#ifndef MILLRACE_MILLRACE_H_
#define MILLRACE_MILLRACE_H_

// All that a program needs: the DSL, the configuration, KafkaStreams and Main. Serdes of protobuf messages and the test driver
// have headers of their own.

#include "millrace/runtime/kafka_streams.h"    // IWYU pragma: export
#include "millrace/runtime/logging.h"          // IWYU pragma: export
#include "millrace/runtime/main.h"             // IWYU pragma: export
#include "millrace/runtime/streams_config.h"   // IWYU pragma: export
#include "millrace/topologies/millrace_dsl.h"  // IWYU pragma: export

#endif  // MILLRACE_MILLRACE_H_
