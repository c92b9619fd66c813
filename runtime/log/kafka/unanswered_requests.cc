#include "log/kafka/unanswered_requests.h"

namespace millrace::log::kafka {
namespace {

constexpr char kName[] = "millrace-unanswered-requests";
constexpr int16_t kAddPartitionsToTxn = 24;
constexpr int16_t kAddOffsetsToTxn = 25;
constexpr int16_t kEndTxn = 26;
constexpr int16_t kTxnOffsetCommit = 28;

bool ChangesTransaction(int16_t api_key) {
  return api_key == kAddPartitionsToTxn || api_key == kAddOffsetsToTxn || api_key == kEndTxn || api_key == kTxnOffsetCommit;
}

}  // namespace

void UnansweredRequests::Watch(rd_kafka_conf_t* conf) { rd_kafka_conf_interceptor_add_on_new(conf, kName, OnNew, this); }

rd_kafka_resp_err_t UnansweredRequests::OnNew(rd_kafka_t* rk, const rd_kafka_conf_t* /*conf*/, void* opaque, char* /*text*/,
                                              size_t /*size*/) {
  return rd_kafka_interceptor_add_on_response_received(rk, kName, OnResponse, opaque);
}

// Called for failures too; those of the client itself, below zero, mean that the broker's answer is not known. (The correlation
// id is not filled in by librdkafka 2.0.)
rd_kafka_resp_err_t UnansweredRequests::OnResponse(rd_kafka_t* /*rk*/, int /*sockfd*/, const char* /*broker*/,
                                                   int32_t /*broker_id*/, int16_t api_key, int16_t /*version*/,
                                                   int32_t /*correlation*/, size_t /*size*/, int64_t /*round_trip*/,
                                                   rd_kafka_resp_err_t error, void* opaque) {
  if (error < RD_KAFKA_RESP_ERR_UNKNOWN && ChangesTransaction(api_key)) static_cast<UnansweredRequests*>(opaque)->any_ = true;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace millrace::log::kafka
