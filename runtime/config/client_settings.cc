#include "config/client_settings.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/config_table.h"

namespace millrace {
namespace {

constexpr std::string_view kJvmClass = "it names Java classes";
constexpr std::string_view kPem = "Java key stores are not read: use ssl.ca.location (PEM)";

constexpr JavaClientSetting kJavaSettings[] = {
    {"auto.commit.interval.ms", "", 1, "the runtime commits: use commit.interval.ms"},
    {"buffer.memory", "queue.buffering.max.kbytes", 1024, "in KiB there"},
    {"client.dns.lookup", "", 1, "all addresses of a name are tried, as with use_all_dns_ips"},
    {"config.providers", "", 1, kJvmClass},
    {"default.api.timeout.ms", "", 1, "use request.timeout.ms"},
    {"delivery.timeout.ms", "message.timeout.ms", 1, ""},
    {"exclude.internal.topics", "", 1, "the runtime reads no topic by pattern"},
    {"fetch.max.wait.ms", "fetch.wait.max.ms", 1, ""},
    {"group.id", "", 1, "it is the application.id"},
    {"group.remote.assignor", "", 1, "only the classic protocol is offered"},
    {"interceptor.classes", "", 1, kJvmClass},
    {"key.deserializer", "", 1, "serdes are found by the C++ type of the key"},
    {"key.serializer", "", 1, "serdes are found by the C++ type of the key"},
    {"max.block.ms", "", 1, "a full producer buffer makes the worker wait for room"},
    {"max.poll.records", "", 1,
     "workers take records straight from the queue of each partition: use buffered.records.per.partition"},
    {"max.request.size", "message.max.bytes", 1, ""},
    {"partitioner", "", 1, "Kafka's murmur2 partitioner is always used; another one is given in the topology, with Produced"},
    {"partitioner.adaptive.partitioning.enable", "", 1, "records with a key go where Kafka's murmur2 partitioner puts them"},
    {"partitioner.availability.timeout.ms", "", 1, "records with a key go where Kafka's murmur2 partitioner puts them"},
    {"partitioner.class", "", 1, "a partitioner is a function in the topology, given with Produced"},
    {"partitioner.ignore.keys", "", 1, "a partitioner is a function in the topology, given with Produced"},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes", 1, ""},
    {"request.timeout.ms", "socket.timeout.ms", 1, "for a producer also the time that the broker has for its replicas"},
    {"retry.backoff.max.ms", "", 1, "the client library waits retry.backoff.ms each time"},
    {"sasl.client.callback.handler.class", "", 1, kJvmClass},
    {"sasl.jaas.config", "", 1, "use sasl.mechanism, sasl.username and sasl.password.file"},
    {"sasl.login.callback.handler.class", "", 1, kJvmClass},
    {"sasl.login.class", "", 1, kJvmClass},
    {"security.providers", "", 1, kJvmClass},
    {"send.buffer.bytes", "socket.send.buffer.bytes", 1, ""},
    {"socket.connection.setup.timeout.max.ms", "", 1, "use socket.connection.setup.timeout.ms"},
    {"ssl.enabled.protocols", "", 1, "the TLS versions are those of the system's OpenSSL"},
    {"ssl.keystore.type", "", 1,
     "ssl.keystore.location is read as PKCS#12; for PEM use ssl.certificate.location and ssl.key.location"},
    {"ssl.protocol", "", 1, "the TLS versions are those of the system's OpenSSL"},
    {"ssl.truststore.certificates", "ssl.ca.pem", 1, ""},
    {"ssl.keystore.key", "ssl.key.pem", 1, ""},
    {"ssl.keystore.certificate.chain", "ssl.certificate.pem", 1, ""},
    {"ssl.truststore.location", "", 1, kPem},
    {"ssl.truststore.password", "", 1, kPem},
    {"ssl.truststore.type", "", 1, kPem},
    {"transactional.id", "", 1, "the runtime names its producers"},
    {"value.deserializer", "", 1, "serdes are found by the C++ type of the value"},
    {"value.serializer", "", 1, "serdes are found by the C++ type of the value"},
    // librdkafka's own names of what the runtime decides.
    {"delivery.report.only.error", "", 1, "the runtime needs the offset of each record that it writes"},
    {"metadata.broker.list", "", 1, "use bootstrap.servers"},
};

constexpr DecidedSetting kDecided[] = {
    {"all", "socket.nagle.disable", "true", "a request must not wait for the next one"},
    {"all", "socket.keepalive.enable", "true", "connections through firewalls stay open"},
    {"all", "log.connection.close", "false", "a broker that closes idle connections is no news"},
    {"all", "reconnect.backoff.ms", "50", "as Java's clients"},
    {"all", "reconnect.backoff.max.ms", "1000", "as Java's clients"},
    {"all", "socket.connection.setup.timeout.ms", "10000", "as Java's clients: a host that is gone does not answer"},
    {"all", "socket.timeout.ms", "30000", "as Java's request.timeout.ms"},
    {"membership", "partition.assignment.strategy", "cooperative-sticky", "tasks that stay go on during a rebalance", true},
    {"membership", "enable.auto.commit", "false", "the runtime commits", true},
    {"membership", "enable.auto.offset.store", "false", "the runtime commits", true},
    {"membership", "isolation.level", "read_committed", "committed offsets of open transactions must not be seen", true},
    {"consumer", "enable.auto.commit", "false", "the runtime commits", true},
    {"consumer", "enable.auto.offset.store", "false", "the runtime commits", true},
    {"consumer", "enable.partition.eof", "true", "idling and lag need the end of a partition", true},
    {"consumer", "allow.auto.create.topics", "false", "a misspelt topic is an error", true},
    {"consumer", "auto.offset.reset", "error", "the runtime chooses the start (setting auto.offset.reset)", true},
    {"consumer", "check.crcs", "true", "a damaged record must not become state"},
    {"consumer", "queued.min.messages", "100000", "fetched ahead of each partition"},
    {"consumer", "queued.max.messages.kbytes", "16384",
     "fetched ahead of each partition, at most; less when there are many partitions"},
    {"consumer", "fetch.wait.max.ms", "20",
     "an idle fetch ends soon, so that partitions whose queue has run dry are fetched again"},
    {"restore", "enable.auto.commit", "false", "nothing is committed", true},
    {"restore", "enable.auto.offset.store", "false", "nothing is committed", true},
    {"restore", "enable.partition.eof", "true", "the end of the changelog is the end of the restore", true},
    {"restore", "allow.auto.create.topics", "false", "a missing changelog is an error", true},
    {"restore", "auto.offset.reset", "error", "the runtime chooses the start", true},
    {"restore", "check.crcs", "true", "a damaged record must not become state"},
    {"restore", "queued.min.messages", "100000", "fetched ahead of each partition"},
    {"restore", "queued.max.messages.kbytes", "16384", "fetched ahead of each partition, at most"},
    {"restore", "fetch.wait.max.ms", "20", "as the consumer's"},
    {"producer", "enable.idempotence", "true", "a retry must not write twice or out of order", true},
    {"producer", "acks", "all", "what is committed must survive a broker", true},
    {"producer", "partitioner", "murmur2_random", "Kafka's own partitioner", true},
    {"producer", "linger.ms", "5", "batches without waiting long; Kafka Streams: 100"},
    {"producer", "queue.buffering.max.messages", "1000000", "the bound is the memory: queue.buffering.max.kbytes"},
    {"producer", "queue.buffering.max.kbytes", "65536", "of one producer; as buffer.memory would be 64 MiB"},
    {"producer", "message.max.bytes", "1048576", "as Java's max.request.size"},
    {"producer", "delivery.timeout.ms", "120000", "as Java's clients"},
    {"producer", "retry.backoff.ms", "100", "as Java's clients"},
};

struct KnownSetting {
  std::string canonical;
  char clients = '*';  // 'C', 'P' or '*'
};
using KnownSettings = std::map<std::string, KnownSetting, std::less<>>;

/// The library prints its own table of settings; that is the one list of them that always fits the version that is linked.
KnownSettings ReadKnownSettings() {
  char* text = nullptr;
  size_t size = 0;
  FILE* file = open_memstream(&text, &size);
  if (file == nullptr) return {};
  rd_kafka_conf_properties_show(file);
  (void)fclose(file);
  KnownSettings known;
  for (absl::string_view line : absl::StrSplit(absl::string_view(text, size), '\n')) {
    const std::vector<absl::string_view> cells = absl::StrSplit(line, absl::MaxSplits('|', 5));
    if (cells.size() < 6) continue;
    const absl::string_view name = absl::StripAsciiWhitespace(cells[0]);
    const absl::string_view clients = absl::StripAsciiWhitespace(cells[1]);
    const absl::string_view doc = absl::StripAsciiWhitespace(cells[5]);
    if (clients.size() != 1 || name.find('.') == absl::string_view::npos) {
      if (name != "acks" && name != "retries" && name != "debug" && name != "partitioner") continue;
    }
    if (doc.find("see dedicated API") != absl::string_view::npos) continue;
    KnownSetting setting{.canonical = std::string(name), .clients = clients.empty() ? '*' : clients[0]};
    constexpr absl::string_view kAlias = "Alias for `";
    if (doc.substr(0, kAlias.size()) == kAlias) {
      const absl::string_view rest = doc.substr(kAlias.size());
      setting.canonical = std::string(rest.substr(0, rest.find('`')));
    }
    known.emplace(std::string(name), std::move(setting));
  }
  free(text);
  return known;
}

const KnownSettings& Known() {
  static const auto* const known = new KnownSettings(ReadKnownSettings());
  return *known;
}

const JavaClientSetting* FindJavaSetting(std::string_view name) {
  for (const JavaClientSetting& setting : kJavaSettings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

/// The library's own opinion of a value.
absl::Status CheckWithLibrary(const std::string& name, const std::string& value) {
  const std::unique_ptr<rd_kafka_conf_t, void (*)(rd_kafka_conf_t*)> conf(rd_kafka_conf_new(), rd_kafka_conf_destroy);
  char error[512] = "";
  switch (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), error, sizeof(error))) {
    case RD_KAFKA_CONF_OK:
      return absl::OkStatus();
    case RD_KAFKA_CONF_UNKNOWN:
      return absl::NotFoundError(error);
    default:
      // The text repeats the value of some settings.
      return absl::InvalidArgumentError(IsSecret(name) ? "the client library refuses the value" : error);
  }
}

/// Settings that the runtime has fixed may be repeated, not changed.
std::optional<absl::Status> CheckFixed(std::string_view name, std::string_view value) {
  for (const DecidedSetting& setting : kDecided) {
    if (!setting.fixed || CanonicalClientSetting(setting.name) != CanonicalClientSetting(name)) continue;
    if (value == setting.value || (setting.name == "acks" && value == "-1")) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("is fixed at ", std::string(setting.value), ": ", std::string(setting.reason)));
  }
  return std::nullopt;
}

absl::StatusOr<std::string> Divide(const JavaClientSetting& setting, std::string_view value) {
  if (setting.divisor == 1) return std::string(value);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < setting.divisor) {
    return absl::InvalidArgumentError(absl::StrCat("expected an integer of ", setting.divisor, " or more"));
  }
  return std::to_string(number / setting.divisor);
}

}  // namespace

std::span<const JavaClientSetting> JavaClientSettings() { return kJavaSettings; }
std::span<const DecidedSetting> DecidedSettings() { return kDecided; }

const std::vector<std::string>& ClientSettingNames() {
  static const auto* const names = [] {
    auto* all = new std::vector<std::string>;
    for (const auto& [name, setting] : Known()) all->push_back(name);
    for (const JavaClientSetting& setting : kJavaSettings) all->emplace_back(setting.name);
    std::sort(all->begin(), all->end());
    all->erase(std::unique(all->begin(), all->end()), all->end());
    return all;
  }();
  return *names;
}

std::string CanonicalClientSetting(std::string_view name) {
  const auto it = Known().find(name);
  return it == Known().end() ? std::string(name) : it->second.canonical;
}

bool ClientReads(std::string_view prefix, std::string_view name) {
  const auto it = Known().find(name);
  if (it == Known().end() || it->second.clients == '*') return true;
  if (prefix == "consumer." || prefix == "restore.") return it->second.clients == 'C';
  if (prefix == "producer.") return it->second.clients == 'P';
  return false;
}

absl::StatusOr<ClientSetting> ResolveClientSetting(std::string_view name, std::string_view value) {
  constexpr std::string_view kFile = ".file";
  if (name.ends_with(kFile) && IsSecret(name.substr(0, name.size() - kFile.size()))) {
    const std::string_view stem = name.substr(0, name.size() - kFile.size());
    const auto it = Known().find(stem);
    if (it == Known().end()) return absl::NotFoundError("");
    if (value.empty()) return absl::InvalidArgumentError("expected the path of a file");
    return ClientSetting{absl::StrCat(it->second.canonical, ".file"), std::string(value)};
  }
  if (const std::optional<absl::Status> fixed = CheckFixed(name, value); fixed.has_value()) {
    if (!fixed->ok()) return *fixed;
    return ClientSetting{CanonicalClientSetting(name), std::string(value)};
  }
  std::string own_name(name);
  std::string own_value(value);
  if (const JavaClientSetting* java = FindJavaSetting(name); java != nullptr) {
    if (java->translated.empty()) return absl::InvalidArgumentError(absl::StrCat("is refused: ", std::string(java->note)));
    absl::StatusOr<std::string> divided = Divide(*java, value);
    if (!divided.ok()) return divided.status();
    own_name = std::string(java->translated);
    own_value = *std::move(divided);
  }
  if (absl::Status status = CheckWithLibrary(own_name, own_value); !status.ok()) return status;
  return ClientSetting{CanonicalClientSetting(own_name), own_value};
}

}  // namespace millrace
