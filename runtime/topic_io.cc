#include "millrace/runtime/topic_io.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/client_properties.h"
#include "host/host.h"
#include "log/embedded/embedded_log.h"
#include "log/kafka/kafka_log.h"
#include "log/log.h"
#include "logging/client_log.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;

class Writer : public TopicWriter {
 public:
  explicit Writer(std::unique_ptr<log::Producer> producer) : producer_(std::move(producer)) {}

  absl::Status Send(const std::string& topic, NullableBytesView key, NullableBytesView value, Timestamp timestamp,
                    const Headers& headers) override {
    return producer_->Send(topic, std::nullopt, key, value, timestamp, headers, nullptr);
  }
  absl::Status Flush(milliseconds timeout) override {
    Host& host = Host::Real();
    const std::chrono::nanoseconds deadline = host.Monotonic() + timeout;
    if (absl::Status status = producer_->Flush(timeout); !status.ok()) return status;
    while (producer_->outstanding() > 0) {
      if (absl::Status status = producer_->Poll(); !status.ok()) return status;
      if (producer_->outstanding() == 0) break;
      if (host.Monotonic() > deadline) {
        return absl::DeadlineExceededError(absl::StrCat(producer_->outstanding(), " records are not stored after ",
                                                        timeout.count(), " ms: is the broker there?"));
      }
      host.Sleep(milliseconds(1));
    }
    return producer_->Poll();
  }

 private:
  std::unique_ptr<log::Producer> producer_;
};

class Reader : public TopicReader {
 public:
  Reader(std::unique_ptr<log::Consumer> consumer, log::Admin* admin, log::Isolation isolation)
      : consumer_(std::move(consumer)), admin_(admin), isolation_(isolation) {}
  ~Reader() override {
    for (const Part& part : parts_) (void)consumer_->Unassign(part.partition);
  }

  absl::Status Assign(const std::string& topic, int32_t partitions) {
    for (int32_t p = 0; p < partitions; ++p) {
      const log::TopicPartition partition{topic, p};
      absl::StatusOr<int64_t> begin = admin_->BeginningOffset(partition);
      if (!begin.ok()) return begin.status();
      absl::StatusOr<log::PartitionReader*> reader = consumer_->Assign(partition, *begin);
      if (!reader.ok()) return reader.status();
      parts_.push_back({partition, *reader});
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> Poll(milliseconds timeout, absl::FunctionRef<void(const TopicRecord&)> take) override {
    absl::StatusOr<int64_t> taken = Drain(take);
    if (!taken.ok() || *taken > 0) return taken;
    consumer_->Wait(timeout);
    return Drain(take);
  }

  absl::Status ReadToEnd(milliseconds timeout, absl::FunctionRef<void(const TopicRecord&)> take) override {
    Host& host = Host::Real();
    const std::chrono::nanoseconds deadline = host.Monotonic() + timeout;
    std::vector<int64_t> ends;
    for (const Part& part : parts_) {
      absl::StatusOr<int64_t> end = admin_->EndOffset(part.partition, isolation_);
      if (!end.ok()) return end.status();
      ends.push_back(*end);
    }
    while (true) {
      absl::StatusOr<int64_t> taken = Drain(take);
      if (!taken.ok()) return taken.status();
      const Part* behind = nullptr;
      for (size_t i = 0; i < parts_.size(); ++i) {
        if (parts_[i].reader->position() < ends[i]) behind = &parts_[i];
      }
      if (behind == nullptr) return absl::OkStatus();
      if (host.Monotonic() > deadline) {
        return absl::DeadlineExceededError(absl::StrCat("reading ", behind->partition.ToString(), " stopped at offset ",
                                                        behind->reader->position(), " after ", timeout.count(), " ms"));
      }
      if (*taken == 0) consumer_->Wait(milliseconds(100));
    }
  }

 private:
  struct Part {
    log::TopicPartition partition;
    log::PartitionReader* reader = nullptr;
  };

  absl::StatusOr<int64_t> Drain(absl::FunctionRef<void(const TopicRecord&)> take) {
    constexpr int kMaxRecords = 10000;
    int64_t total = 0;
    for (const Part& part : parts_) {
      absl::StatusOr<int> taken = part.reader->Drain(kMaxRecords, [&](const RawRecord& record) {
        take({&part.partition.topic, part.partition.partition, record.offset, record.key, record.value, record.timestamp});
      });
      if (!taken.ok()) return taken.status();
      total += *taken;
    }
    return total;
  }

  std::unique_ptr<log::Consumer> consumer_;
  log::Admin* admin_;
  log::Isolation isolation_;
  std::vector<Part> parts_;
};

/// All but where the log is.
class Client : public TopicClient {
 public:
  absl::Status CreateTopic(const std::string& topic, int32_t partitions, const Properties& config) override {
    if (absl::Status status = Connected(); !status.ok()) return status;
    return client_->admin().CreateTopic({.name = topic, .partitions = partitions, .config = config});
  }
  absl::StatusOr<std::optional<int32_t>> PartitionCount(const std::string& topic) override {
    if (absl::Status status = Connected(); !status.ok()) return status;
    return client_->admin().PartitionCount(topic);
  }
  absl::StatusOr<int64_t> Lag(const std::string& application_id, const std::vector<std::string>& topics) override {
    if (absl::Status status = Connected(); !status.ok()) return status;
    log::Admin& admin = client_->admin();
    absl::StatusOr<std::vector<std::string>> all = admin.ListTopics();
    if (!all.ok()) return all.status();
    std::vector<std::string> wanted = topics;
    for (const std::string& topic : *all) {
      if (absl::StartsWith(topic, application_id + "-") && absl::EndsWith(topic, "-repartition")) wanted.push_back(topic);
    }
    std::vector<log::TopicPartition> partitions;
    for (const std::string& topic : wanted) {
      absl::StatusOr<int32_t> count = CountOf(topic);
      if (!count.ok()) return count.status();
      for (int32_t p = 0; p < *count; ++p) partitions.push_back({topic, p});
    }
    absl::StatusOr<log::Offsets> committed = admin.CommittedOffsets(application_id, partitions);
    if (!committed.ok()) return committed.status();
    int64_t lag = 0;
    for (const log::TopicPartition& partition : partitions) {
      absl::StatusOr<int64_t> end = admin.EndOffset(partition, log::Isolation::kReadCommitted);
      if (!end.ok()) return end.status();
      const auto found = committed->find(partition);
      absl::StatusOr<int64_t> from =
          found != committed->end() && found->second.offset >= 0 ? found->second.offset : admin.BeginningOffset(partition);
      if (!from.ok()) return from.status();
      lag += std::max<int64_t>(0, *end - *from);
    }
    return lag;
  }
  absl::StatusOr<std::unique_ptr<TopicWriter>> NewWriter() override {
    if (absl::Status status = Connected(); !status.ok()) return status;
    absl::StatusOr<std::unique_ptr<log::Producer>> producer = client_->NewProducer();
    if (!producer.ok()) return producer.status();
    return std::make_unique<Writer>(std::move(*producer));
  }
  absl::StatusOr<std::unique_ptr<TopicReader>> NewReader(const std::vector<std::string>& topics, bool read_committed) override {
    if (absl::Status status = Connected(); !status.ok()) return status;
    std::vector<int32_t> counts;
    int total = 0;
    for (const std::string& topic : topics) {
      absl::StatusOr<int32_t> count = CountOf(topic);
      if (!count.ok()) return count.status();
      counts.push_back(*count);
      total += *count;
    }
    const auto isolation = read_committed ? log::Isolation::kReadCommitted : log::Isolation::kReadUncommitted;
    absl::StatusOr<std::unique_ptr<log::Consumer>> consumer =
        client_->NewConsumer({isolation, std::max(total, 1), /*restore=*/false, ""});
    if (!consumer.ok()) return consumer.status();
    auto reader = std::make_unique<Reader>(std::move(*consumer), &client_->admin(), isolation);
    for (size_t i = 0; i < topics.size(); ++i) {
      if (absl::Status status = reader->Assign(topics[i], counts[i]); !status.ok()) return status;
    }
    return reader;
  }

 protected:
  absl::Status Connect() {
    absl::StatusOr<std::shared_ptr<log::LogClient>> client = NewLogClient();
    if (!client.ok()) return client.status();
    client_ = std::move(*client);
    return absl::OkStatus();
  }

 private:
  absl::Status Connected() const {
    return client_ != nullptr ? absl::OkStatus() : absl::FailedPreconditionError("not connected");
  }
  /// kNotFound without the topic.
  absl::StatusOr<int32_t> CountOf(const std::string& topic) const {
    absl::StatusOr<std::optional<int32_t>> count = client_->admin().PartitionCount(topic);
    if (!count.ok()) return count.status();
    if (!count->has_value()) return absl::NotFoundError(absl::StrCat("topic ", topic, " does not exist"));
    return **count;
  }
  std::shared_ptr<log::LogClient> client_;
};

class KafkaClient : public Client {
 public:
  static absl::StatusOr<std::unique_ptr<TopicClient>> Make(const StreamsConfig& config) {
    absl::StatusOr<ClientProperties> properties = MakeClientProperties(config);
    if (!properties.ok()) return properties.status();
    auto client = std::make_unique<KafkaClient>(std::move(*properties));
    if (absl::Status status = client->Connect(); !status.ok()) return status;
    return client;
  }
  explicit KafkaClient(ClientProperties properties) : properties_(std::move(properties)) {}
  absl::StatusOr<std::shared_ptr<log::LogClient>> NewLogClient() override {
    absl::StatusOr<std::unique_ptr<log::LogClient>> client = log::kafka::Connect(properties_, LogClientLine);
    if (!client.ok()) return client.status();
    return std::shared_ptr<log::LogClient>(std::move(*client));
  }

 private:
  ClientProperties properties_;
};

class EmbeddedClient : public Client {
 public:
  static std::unique_ptr<TopicClient> Make() {
    auto client = std::make_unique<EmbeddedClient>();
    (void)client->Connect();
    return client;
  }
  absl::StatusOr<std::shared_ptr<log::LogClient>> NewLogClient() override {
    return std::shared_ptr<log::LogClient>(log_.NewClient());
  }

 private:
  log::embedded::EmbeddedLog log_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TopicClient>> TopicClient::Connect(const StreamsConfig& config) {
  return KafkaClient::Make(config);
}

std::unique_ptr<TopicClient> TopicClient::Embedded() { return EmbeddedClient::Make(); }

}  // namespace millrace
