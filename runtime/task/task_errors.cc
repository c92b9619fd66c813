#include "task/task_errors.h"

#include <cxxabi.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <typeinfo>
#include <utility>

#include "absl/strings/str_cat.h"
#include "millrace/runtime/logging.h"
#include "task/located_status.h"

namespace millrace {
namespace {

// Records of one cause come in swarms; the counters tell how many.
constexpr std::chrono::milliseconds kLogInterval{1000};

std::string TypeOfCurrentException() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "unknown";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 ? name.get() : type->name();
}

}  // namespace

/// The words for one of the three kinds of error.
struct TaskErrors::Kind {
  std::string_view property;
  std::string_view event;
  bool dead_letters;  // the property offers them
  bool each;          // every one is logged
  int64_t DeadLetterCounts::*count;
  LogRateLimit* limit;
};

bool DescribeException(ErrorHandlerContext* context) {
  context->exception = TypeOfCurrentException();
  try {
    throw;
  } catch (const std::bad_alloc& e) {
    context->error = absl::ResourceExhaustedError(absl::StrCat("a user function threw: ", e.what()));
    return false;
  } catch (const std::exception& e) {
    context->error = absl::AbortedError(absl::StrCat("a user function threw: ", e.what()));
  } catch (...) {
    context->error = absl::AbortedError("a user function threw something that is no std::exception");
  }
  return true;
}

std::string KindOfUnwritable(const UnwritableRecord& record, const absl::Status& reason) {
  if (record.serialization) return "org.apache.kafka.common.errors.SerializationException";
  if (absl::IsNotFound(reason)) return "org.apache.kafka.common.errors.UnknownTopicOrPartitionException";
  return "org.apache.kafka.common.errors.ApiException";
}

DeadLetter MakeDeadLetter(std::string topic, const ErrorHandlerContext& context) {
  DeadLetter letter;
  letter.topic = std::move(topic);
  if (context.source_key) letter.key = Bytes(*context.source_key);
  if (context.source_value) letter.value = Bytes(*context.source_value);
  letter.timestamp = context.timestamp;
  letter.headers = *context.headers;
  const absl::Status located =
      At(context.error, absl::StrCat("task ", context.task.ToString(), ", node ", context.node, ", topic ", context.topic,
                                     ", partition ", context.partition, ", offset ", context.offset));
  letter.headers.Add("__streams.errors.exception", context.exception);
  letter.headers.Add("__streams.errors.message", std::string(context.error.message()));
  letter.headers.Add("__streams.errors.stacktrace", located.ToString());
  letter.headers.Add("__streams.errors.topic", context.topic);
  letter.headers.Add("__streams.errors.partition", std::to_string(context.partition));
  letter.headers.Add("__streams.errors.offset", std::to_string(context.offset));
  return letter;
}

absl::Status TaskErrors::OnDeserialization(const ErrorHandlerContext& context) {
  static LogRateLimit limit(kLogInterval);
  const Kind kind = {
      "deserialization.exception.handler", "record-unreadable", true, true, &DeadLetterCounts::deserialization, &limit};
  const auto& handler = options_->handlers.deserialization;
  return Decide(kind, options_->deserialization, context,
                handler ? [&] { return handler(context); } : std::function<ErrorHandlerResponse()>());
}

absl::Status TaskErrors::OnProcessing(const ErrorHandlerContext& context) {
  static LogRateLimit limit(kLogInterval);
  const Kind kind = {"processing.exception.handler", "record-failed", true, false, &DeadLetterCounts::processing, &limit};
  const auto& handler = options_->handlers.processing;
  return Decide(kind, options_->processing, context,
                handler ? [&] { return handler(context); } : std::function<ErrorHandlerResponse()>());
}

TaskErrors::Kind TaskErrors::ProductionKind() {
  static LogRateLimit limit(kLogInterval);
  return {"production.exception.handler", "record-unwritable", false, false, &DeadLetterCounts::production, &limit};
}

absl::Status TaskErrors::OnProduction(const ErrorHandlerContext& context, const UnwritableRecord& record) {
  const auto& handler = options_->handlers.production;
  return Decide(ProductionKind(), options_->production, context,
                handler ? [&] { return handler(context, record); } : std::function<ErrorHandlerResponse()>());
}

ErrorHandlerResponse::Result TaskErrors::OnRetriable(const ErrorHandlerContext& context, const UnwritableRecord& record) {
  using Result = ErrorHandlerResponse::Result;
  if (!options_->handlers.production) return Result::kRetry;
  bool retry = false;
  const absl::Status status = Decide(ProductionKind(), ErrorPolicy::kFail, context, [&] {
    ErrorHandlerResponse response = options_->handlers.production(context, record);
    retry = response.result == Result::kRetry;
    return response;
  });
  if (retry) return Result::kRetry;
  return status.ok() ? Result::kContinue : Result::kFail;
}

absl::Status TaskErrors::Decide(const Kind& kind, ErrorPolicy policy, const ErrorHandlerContext& context,
                                const std::function<ErrorHandlerResponse()>& ask) {
  ErrorHandlerResponse response;
  if (ask) {
    try {
      response = ask();
    } catch (const std::exception& e) {
      return At(context.error, absl::StrCat("the application's handler for it threw (", e.what(), ")"));
    } catch (...) {
      return At(context.error, "the application's handler for it threw");
    }
  } else if (policy != ErrorPolicy::kFail) {
    response = ErrorHandlerResponse::Continue();
    if (policy == ErrorPolicy::kDeadLetter) response.dead_letters.push_back(MakeDeadLetter(options_->dead_letter_topic, context));
  }
  std::string letters;
  for (const DeadLetter& letter : response.dead_letters) {
    ++(dead_letters_.*kind.count);
    absl::StrAppend(&letters, " and written to ", letter.topic);
    if (absl::Status sent = Send(letter); !sent.ok()) return sent;
  }
  if (response.result != ErrorHandlerResponse::Result::kContinue) {
    if (ask) return At(context.error, "the application's handler says FAIL");
    return absl::Status(
        context.error.code(),
        absl::StrCat(std::string(context.error.message()),
                     "; the task stops here and loses nothing. To go on past such records set ", std::string(kind.property),
                     " to continue",
                     kind.dead_letters ? ", or to dead-letter with a topic in errors.dead.letter.queue.topic.name" : ""));
  }
  const std::optional<int64_t> held_back = kind.each ? 0 : kind.limit->Allow();
  if (!held_back) return absl::OkStatus();
  const std::string task = context.task.ToString();
  LogWarning(absl::StrCat("a record is left out", letters, ": ", std::string(context.error.message()),
                          kind.each || context.node.empty() ? "" : absl::StrCat(" (node ", context.node, ")"),
                          *held_back > 0 ? absl::StrCat(" (and ", *held_back, " more since the last such line)") : ""),
             {.event = kind.event,
              .task = task,
              .store = {},
              .topic = context.topic,
              .partition = context.partition,
              .offset = context.offset});
  return absl::OkStatus();
}

absl::Status TaskErrors::Send(const DeadLetter& letter) {
  NullableBytesView key;
  NullableBytesView value;
  if (letter.key) key = *letter.key;
  if (letter.value) value = *letter.value;
  const absl::Status sent = producer_->Send(letter.topic, std::nullopt, key, value, letter.timestamp, letter.headers, nullptr);
  return sent.ok() ? sent : At(sent, absl::StrCat("dead letter to ", letter.topic));
}

}  // namespace millrace
