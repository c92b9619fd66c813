#include "streams/streams_options.h"

namespace millrace {

StreamsOptions OptionsFrom(const StreamsConfig& config) {
  StreamsOptions options;
  options.application_id = config.application_id();
  options.state_dir = config.state_dir();
  options.num_stream_threads = config.num_stream_threads();
  options.commit_interval = config.commit_interval();
  options.max_task_idle = config.max_task_idle();
  options.emit_idle_interval = config.emit_idle_interval();
  options.buffered_records_per_partition = config.buffered_records_per_partition();
  options.memory_max_bytes = config.memory_max_bytes().value_or(0);
  options.cache_max_bytes = config.statestore_cache_max_bytes();
  options.uncommitted_max_bytes = config.statestore_uncommitted_max_bytes();
  options.state_flush_interval = config.state_flush_interval();
  options.errors.deserialization = config.deserialization_error_policy();
  options.errors.processing = config.processing_error_policy();
  options.errors.production = config.production_error_policy();
  options.errors.dead_letter_topic = config.dead_letter_topic();
  options.replication_factor = static_cast<int16_t>(config.replication_factor());
  options.topic_config = config.topic_properties();
  options.windowstore_additional_retention = config.windowstore_changelog_additional_retention();
  options.repartition_purge_interval = config.repartition_purge_interval();
  options.offset_reset = config.auto_offset_reset();
  options.exactly_once = config.processing_guarantee() == ProcessingGuarantee::kExactlyOnceV2;
  options.read_committed = config.read_committed();
  options.status_interval = config.status_interval();
  options.max_poll_interval = config.max_poll_interval();
  options.progress_stall_timeout = config.progress_stall_timeout();
  options.group_instance_id = config.group_instance_id();
  return options;
}

}  // namespace millrace
