#include "log/kafka/group_assignment.h"

#include <memory>
#include <set>

#include "absl/strings/str_cat.h"

namespace millrace::log::kafka {
namespace {

using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;

void AddPartitions(const rd_kafka_topic_partition_list_t* assigned, const std::string& topic, std::set<int32_t>* partitions) {
  if (assigned == nullptr) return;
  for (int i = 0; i < assigned->cnt; ++i) {
    if (assigned->elems[i].topic == topic) partitions->insert(assigned->elems[i].partition);
  }
}

}  // namespace

absl::StatusOr<std::optional<size_t>> CountAssigned(rd_kafka_t* rk, const std::string& group, const std::string& topic,
                                                    std::chrono::milliseconds timeout) {
  const std::string what = absl::StrCat("asking for the assignment of group ", group);
  const QueuePtr queue(rd_kafka_queue_new(rk));
  const OptionsPtr options(rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS));
  char error_text[512];
  const rd_kafka_resp_err_t refused = rd_kafka_AdminOptions_set_request_timeout(
      options.get(), static_cast<int>(kCoordinatorTime.count()), error_text, sizeof error_text);
  if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(refused, what, error_text);
  const char* name = group.c_str();
  rd_kafka_DescribeConsumerGroups(rk, &name, 1, options.get(), queue.get());
  const EventPtr event(rd_kafka_queue_poll(queue.get(), static_cast<int>(timeout.count())));
  if (!event) return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
  if (const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get())) {
    return KafkaError(error, what, rd_kafka_event_error_string(event.get()));
  }
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** groups =
      rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  if (count == 0) return std::nullopt;
  if (const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(groups[0])) return KafkaError(error, what);
  if (rd_kafka_ConsumerGroupDescription_state(groups[0]) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE) return std::nullopt;
  std::set<int32_t> partitions;
  for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(groups[0]); ++i) {
    const rd_kafka_MemberAssignment_t* assignment =
        rd_kafka_MemberDescription_assignment(rd_kafka_ConsumerGroupDescription_member(groups[0], i));
    if (assignment != nullptr) AddPartitions(rd_kafka_MemberAssignment_partitions(assignment), topic, &partitions);
  }
  return partitions.size();
}

}  // namespace millrace::log::kafka
