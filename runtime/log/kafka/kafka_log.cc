#include "log/kafka/kafka_log.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "absl/strings/numbers.h"
#include "log/kafka/admin.h"
#include "log/kafka/consumer.h"
#include "log/kafka/membership.h"
#include "log/kafka/producer.h"
#include "log/kafka/transactional_producer.h"

namespace millrace::log::kafka {
namespace {

class KafkaClient final : public LogClient {
 public:
  explicit KafkaClient(KafkaLogOptions options)
      : options_(std::move(options)), admin_(Merged(options_.admin), options_.request_timeout, options_.log) {}

  /// Tries the settings of every kind of client.
  [[nodiscard]] absl::Status Check() {
    absl::StatusOr<std::unique_ptr<AdminHandle>> admin =
        AdminHandle::Make(Merged(options_.admin), Isolation::kReadUncommitted, nullptr);
    if (!admin.ok()) return admin.status();
    if (absl::Status status = NewProducer().status(); !status.ok()) return status;
    ConsumerOptions consumer;
    if (absl::Status status = NewConsumer(consumer).status(); !status.ok()) return status;
    consumer.restore = true;
    return NewConsumer(consumer).status();
  }

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override {
    const bool restore = options.restore && !options_.restore.empty();
    return KafkaConsumer::Make(Merged(restore ? options_.restore : options_.consumer), options, options_.request_timeout,
                               options_.log);
  }
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer() override {
    return KafkaProducer::Make(WithoutTransactions(Merged(options_.producer)), {}, options_.request_timeout, options_.log);
  }
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(const std::string& transactional_id) override {
    return KafkaTransactionalProducer::Make(Merged(options_.producer), transactional_id, options_.request_timeout, options_.log,
                                            options_.replace_doubtful_producers);
  }
  absl::StatusOr<std::unique_ptr<Membership>> NewMembership(const MembershipOptions& options,
                                                            MembershipListener* listener) override {
    return KafkaMembership::Make(Merged(options_.membership), options, listener, options_.request_timeout, options_.log);
  }
  Admin& admin() override { return admin_; }

 private:
  // A producer without an id of transactions takes no time-out of them.
  static PropertyMap WithoutTransactions(PropertyMap properties) {
    properties.erase("transaction.timeout.ms");
    return properties;
  }
  [[nodiscard]] PropertyMap Merged(const PropertyMap& own) const {
    PropertyMap merged = own;
    merged.insert(options_.common.begin(), options_.common.end());
    return merged;
  }

  const KafkaLogOptions options_;
  KafkaAdmin admin_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LogClient>> MakeKafkaLogClient(KafkaLogOptions options) {
  auto client = std::make_unique<KafkaClient>(std::move(options));
  if (absl::Status status = client->Check(); !status.ok()) return status;
  return client;
}

KafkaLogOptions OptionsFrom(const ClientProperties& properties, ClientLog log) {
  KafkaLogOptions options;
  options.consumer = properties.consumer;
  options.restore = properties.restore;
  options.producer = properties.producer;
  options.membership = properties.membership;
  options.admin = properties.admin;
  // request.timeout.ms under the client's own name: a limit of each call as well. A value that is no number is refused below.
  if (const auto found = properties.admin.find("socket.timeout.ms"); found != properties.admin.end()) {
    int64_t milliseconds = 0;
    if (absl::SimpleAtoi(found->second, &milliseconds)) options.request_timeout = std::chrono::milliseconds(milliseconds);
  }
  options.log = std::move(log);
  if (!options.log) {
    options.log = [](int level, std::string_view handle, std::string_view message) {
      std::fprintf(stderr, "kafka %.*s: level %d: %.*s\n", static_cast<int>(handle.size()), handle.data(), level,
                   static_cast<int>(message.size()), message.data());
    };
  }
  return options;
}

absl::StatusOr<std::unique_ptr<LogClient>> Connect(const ClientProperties& properties, ClientLog log) {
  return MakeKafkaLogClient(OptionsFrom(properties, std::move(log)));
}

}  // namespace millrace::log::kafka
