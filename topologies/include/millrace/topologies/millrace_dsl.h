#ifndef MILLRACE_TOPOLOGIES_MILLRACE_DSL_H_
#define MILLRACE_TOPOLOGIES_MILLRACE_DSL_H_

/// All that a topology needs: the DSL with its argument objects, serdes of everyday types, stores and processors.
#include "millrace/operators/processor.h"
#include "millrace/operators/windows.h"
#include "millrace/state/serdes.h"
#include "millrace/state/stores.h"
#include "millrace/topologies/branched.h"
#include "millrace/topologies/branched_kstream.h"
#include "millrace/topologies/consumed.h"
#include "millrace/topologies/grouped.h"
#include "millrace/topologies/joined.h"
#include "millrace/topologies/kgrouped_stream.h"
#include "millrace/topologies/kstream.h"
#include "millrace/topologies/ktable.h"
#include "millrace/topologies/materialized.h"
#include "millrace/topologies/named.h"
#include "millrace/topologies/produced.h"
#include "millrace/topologies/repartitioned.h"
#include "millrace/topologies/stream_joined.h"
#include "millrace/topologies/stream_partitioner.h"
#include "millrace/topologies/streams_builder.h"
#include "millrace/topologies/time_windowed_kstream.h"
#include "millrace/topologies/topology.h"
#include "millrace/topologies/topology_config.h"

#endif  // MILLRACE_TOPOLOGIES_MILLRACE_DSL_H_
