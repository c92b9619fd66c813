#ifndef MILLRACE_RUNTIME_STREAMS_STREAMS_OPTIONS_H_
#define MILLRACE_RUNTIME_STREAMS_STREAMS_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "millrace/runtime/streams_config.h"
#include "millrace/state/flush_bound.h"
#include "task/task_errors.h"

namespace millrace {

/// What KafkaStreams is told, in one plain struct (properties in the comments).
struct StreamsOptions {
  std::string application_id;                                       // application.id
  std::string state_dir = "/tmp/millrace";                          // state.dir
  int num_stream_threads = 1;                                       // num.stream.threads
  std::chrono::milliseconds commit_interval{30000};                 // commit.interval.ms
  std::chrono::milliseconds max_task_idle{0};                       // max.task.idle.ms; -1 = never wait
  std::chrono::milliseconds emit_idle_interval{2};                  // emit.idle.interval.ms
  int buffered_records_per_partition = 1000;                        // buffered.records.per.partition
  int64_t memory_max_bytes = 0;                                     // memory.max.bytes; 0 = derived
  int64_t cache_max_bytes = 10 * 1024 * 1024;                       // statestore.cache.max.bytes
  std::chrono::milliseconds state_flush_interval = kFlushInterval;  // state.flush.interval.ms
  int64_t uncommitted_max_bytes = 64 * 1024 * 1024;                 // statestore.uncommitted.max.bytes
  ErrorOptions errors;  // *.exception.handler, errors.dead.letter.queue.topic.name, and the handlers of the application
  int16_t replication_factor = -1;                                               // replication.factor
  std::map<std::string, std::string> topic_config;                               // topic.*
  std::chrono::milliseconds windowstore_additional_retention{24 * 3600 * 1000};  // windowstore.changelog.additional.retention.ms
  std::chrono::milliseconds repartition_purge_interval{30000};                   // repartition.purge.interval.ms
  AutoOffsetReset offset_reset = AutoOffsetReset::kEarliest;  // auto.offset.reset of source topics without a committed offset
  bool read_committed = false;                                // isolation.level of source topics
  std::chrono::milliseconds status_interval{5000};            // status.interval.ms
  std::string group_instance_id;                              // group.instance.id
  std::chrono::milliseconds max_poll_interval{300000};        // max.poll.interval.ms
  std::chrono::milliseconds progress_stall_timeout{60000};    // progress.stall.timeout.ms; 0 = never
  bool exactly_once = false;                                  // processing.guarantee=exactly_once_v2
};

StreamsOptions OptionsFrom(const StreamsConfig& config);

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_STREAMS_STREAMS_OPTIONS_H_
