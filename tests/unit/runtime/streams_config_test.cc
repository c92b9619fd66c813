#include "millrace/runtime/streams_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace millrace {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

Properties With(Properties properties) {
  properties.emplace("application.id", "shop");
  return properties;
}

std::string ErrorOf(const Properties& properties) {
  const absl::StatusOr<StreamsConfig> config = StreamsConfig::From(With(properties));
  EXPECT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(config.status().message());
}

StreamsConfig ConfigOf(const Properties& properties) {
  absl::StatusOr<StreamsConfig> config = StreamsConfig::From(With(properties));
  EXPECT_TRUE(config.ok()) << config.status();
  return *config;
}

TEST(StreamsConfig, HasKafkasDefaults) {
  const StreamsConfig config = ConfigOf({});
  EXPECT_EQ(config.application_id(), "shop");
  EXPECT_EQ(config.bootstrap_servers(), "");
  EXPECT_EQ(config.num_stream_threads(), 1);
  EXPECT_EQ(config.processing_guarantee(), ProcessingGuarantee::kAtLeastOnce);
  EXPECT_EQ(config.commit_interval(), milliseconds(30000));
  EXPECT_EQ(config.max_task_idle(), milliseconds(0));
  EXPECT_EQ(config.buffered_records_per_partition(), 1000);
  EXPECT_EQ(config.statestore_cache_max_bytes(), 10 * 1024 * 1024);
  EXPECT_EQ(config.windowstore_changelog_additional_retention(), milliseconds(86400000));
  EXPECT_EQ(config.replication_factor(), -1);
  EXPECT_EQ(config.auto_offset_reset(), AutoOffsetReset::kEarliest);
  EXPECT_EQ(config.topology_optimization(), "none");
  EXPECT_EQ(config.deserialization_error_policy(), ErrorPolicy::kFail);
  EXPECT_FALSE(config.read_committed());
  EXPECT_EQ(config.http_port(), std::nullopt);
  EXPECT_EQ(config.http_host(), "127.0.0.1");
}

TEST(StreamsConfig, ReadsTypedValues) {
  const StreamsConfig config = ConfigOf({{"bootstrap.servers", "a:1,b:2"},
                                         {"state.dir", "/data"},
                                         {"num.stream.threads", "4"},
                                         {"commit.interval.ms", "1000"},
                                         {"max.task.idle.ms", "-1"},
                                         {"isolation.level", "read_committed"},
                                         {"auto.offset.reset", "latest"},
                                         {"topology.optimization", "all"},
                                         {"http.port", "0"},
                                         {"log.format", "json"},
                                         {"topic.min.insync.replicas", "2"}});
  EXPECT_EQ(config.bootstrap_servers(), "a:1,b:2");
  EXPECT_EQ(config.state_dir(), "/data");
  EXPECT_EQ(config.num_stream_threads(), 4);
  EXPECT_EQ(config.commit_interval(), milliseconds(1000));
  EXPECT_EQ(config.max_task_idle(), milliseconds(-1));
  EXPECT_TRUE(config.read_committed());
  EXPECT_EQ(config.auto_offset_reset(), AutoOffsetReset::kLatest);
  EXPECT_EQ(config.topology_optimization(), "all");
  EXPECT_EQ(config.http_port(), 0);
  EXPECT_TRUE(config.log_json());
  EXPECT_THAT(config.topic_properties(), Contains(Pair("min.insync.replicas", "2")));
}

TEST(StreamsConfig, NeedsAnApplicationIdThatFitsIntoTopicNames) {
  EXPECT_THAT(std::string(StreamsConfig::From({}).status().message()), HasSubstr("application.id is not set"));
  for (const char* bad : {"a b", "a/b", "..", "ü"}) EXPECT_FALSE(StreamsConfig::From({{"application.id", bad}}).ok()) << bad;
}

TEST(StreamsConfig, AnUnknownNameIsAnErrorWithTheNearestName) {
  EXPECT_THAT(ErrorOf({{"comit.interval.ms", "1"}}),
              AllOf(StartsWith("comit.interval.ms=1"), HasSubstr("did you mean commit.interval.ms?")));
  EXPECT_THAT(ErrorOf({{"consumer.fetch.min.byts", "1"}}), HasSubstr("did you mean consumer.fetch.min.bytes?"));
  EXPECT_THAT(ErrorOf({{"linger", "3"}}), HasSubstr("did you mean linger.ms?"));
  EXPECT_THAT(ErrorOf({{"sasl.usrname", "me"}}), HasSubstr("did you mean sasl.username?"));
  EXPECT_THAT(ErrorOf({{"zzzzzzzzzzzzzzzz", "1"}}), AllOf(HasSubstr("unknown setting"), Not(HasSubstr("did you mean"))));
}

TEST(StreamsConfig, ABadValueNamesNameValueOriginAndWhatIsExpected) {
  EXPECT_EQ(ErrorOf({{"num.stream.threads", "many"}}),
            "num.stream.threads=many (from the program): expected an integer from 1 to 1024 (threads)");
  EXPECT_THAT(ErrorOf({{"num.stream.threads", "0"}}), HasSubstr("from 1 to 1024"));
  EXPECT_THAT(ErrorOf({{"commit.interval.ms", "1s"}}), HasSubstr("an integer of 0 or more (milliseconds)"));
  EXPECT_THAT(ErrorOf({{"commit.interval.ms", ""}}), HasSubstr("expected"));
  EXPECT_THAT(ErrorOf({{"log.level", "loud"}}), HasSubstr("debug, info, warn, error or off"));
  EXPECT_THAT(ErrorOf({{"replication.factor", "0"}}), HasSubstr("-1, or 1 or more"));
  EXPECT_THAT(ErrorOf({{"consumer.fetch.min.bytes", "x"}}), StartsWith("consumer.fetch.min.bytes=x (from the program): "));
}

TEST(StreamsConfig, AValueOutOfRangeIsAnErrorWithTheRange) {
  EXPECT_THAT(ErrorOf({{"num.stream.threads", "1025"}}), HasSubstr("expected an integer from 1 to 1024"));
  EXPECT_THAT(ErrorOf({{"num.stream.threads", "99999999999999999999"}}), HasSubstr("expected an integer from 1 to 1024"));
  EXPECT_THAT(ErrorOf({{"commit.interval.ms", "-1"}}), HasSubstr("expected an integer of 0 or more (milliseconds)"));
  EXPECT_THAT(ErrorOf({{"http.port", "65536"}}), HasSubstr("65535"));
  EXPECT_THAT(ErrorOf({{"session.timeout.ms", "3600001"}}), HasSubstr("3600000"));
  EXPECT_THAT(ErrorOf({{"producer.linger.ms", "-5"}}),
              AllOf(StartsWith("producer.linger.ms=-5"), HasSubstr("outside allowed range")));
}

TEST(StreamsConfig, AllErrorsComeAtOnce) {
  EXPECT_THAT(ErrorOf({{"num.stream.threads", "0"}, {"log.levl", "info"}}),
              AllOf(HasSubstr("num.stream.threads"), HasSubstr("log.levl")));
}

TEST(StreamsConfig, ExactlyOnceChangesDefaultsAsInKafkaStreams) {
  const StreamsConfig plain = StreamsConfig::From({{"application.id", "app"}}).value();
  EXPECT_EQ(plain.processing_guarantee(), ProcessingGuarantee::kAtLeastOnce);
  EXPECT_EQ(plain.commit_interval(), std::chrono::milliseconds(30000));
  EXPECT_FALSE(plain.read_committed());
  const StreamsConfig exactly =
      StreamsConfig::From({{"application.id", "app"}, {"processing.guarantee", "exactly_once_v2"}}).value();
  EXPECT_EQ(exactly.processing_guarantee(), ProcessingGuarantee::kExactlyOnceV2);
  EXPECT_EQ(exactly.commit_interval(), std::chrono::milliseconds(100));
  EXPECT_TRUE(exactly.read_committed());
  const StreamsConfig slower =
      StreamsConfig::From({{"application.id", "app"}, {"processing.guarantee", "exactly_once_v2"}, {"commit.interval.ms", "500"}})
          .value();
  EXPECT_EQ(slower.commit_interval(), std::chrono::milliseconds(500));
}

TEST(StreamsConfig, ExactlyOnceRefusesSettingsThatBreakIt) {
  EXPECT_THAT(ErrorOf({{"processing.guarantee", "exactly_once_v2"}, {"isolation.level", "read_uncommitted"}}),
              HasSubstr("needs read_committed"));
  EXPECT_THAT(ErrorOf({{"processing.guarantee", "exactly_once_v2"}, {"commit.interval.ms", "10000"}}),
              HasSubstr("must be less than producer.transaction.timeout.ms=10000"));
  EXPECT_THAT(ErrorOf({{"processing.guarantee", "exactly_once_v2"},
                       {"commit.interval.ms", "3000"},
                       {"producer.transaction.timeout.ms", "2000"}}),
              HasSubstr("must be less than producer.transaction.timeout.ms=2000"));
  EXPECT_THAT(ErrorOf({{"producer.transaction.timeout.ms", "20000"}}), HasSubstr("there are no transactions at"));
}

TEST(StreamsConfig, SettingsOfKafkaStreamsWithoutEffectAreRefusedWithTheReason) {
  EXPECT_THAT(ErrorOf({{"num.standby.replicas", "1"}}), HasSubstr("there are no standby tasks yet"));
  EXPECT_THAT(ErrorOf({{"default.key.serde", "x"}}), HasSubstr("C++ type of the key"));
  ConfigOf({{"num.standby.replicas", "0"}, {"group.protocol", "classic"}});
}

TEST(StreamsConfig, JavasHandlerClassesAreUnderstood) {
  const std::string package = "org.apache.kafka.streams.errors.";
  EXPECT_EQ(
      ConfigOf({{"deserialization.exception.handler", package + "LogAndFailExceptionHandler"}}).deserialization_error_policy(),
      ErrorPolicy::kFail);
  EXPECT_EQ(ConfigOf({{"deserialization.exception.handler", package + "LogAndContinueExceptionHandler"}})
                .deserialization_error_policy(),
            ErrorPolicy::kContinue);
  EXPECT_EQ(
      ConfigOf({{"processing.exception.handler", package + "LogAndFailProcessingExceptionHandler"}}).processing_error_policy(),
      ErrorPolicy::kFail);
  EXPECT_EQ(ConfigOf({{"processing.exception.handler", package + "LogAndContinueProcessingExceptionHandler"}})
                .processing_error_policy(),
            ErrorPolicy::kContinue);
  EXPECT_EQ(ConfigOf({{"production.exception.handler", package + "DefaultProductionExceptionHandler"}}).production_error_policy(),
            ErrorPolicy::kFail);
  EXPECT_EQ(ConfigOf({{"production.exception.handler", "continue"}}).production_error_policy(), ErrorPolicy::kContinue);
  EXPECT_THAT(ErrorOf({{"production.exception.handler", "dead-letter"}}), HasSubstr("fail or continue"));
}

TEST(StreamsConfig, ADeadLetterTopicAndItsHandlerNeedEachOther) {
  EXPECT_THAT(ErrorOf({{"deserialization.exception.handler", "dead-letter"}}),
              HasSubstr("needs errors.dead.letter.queue.topic.name"));
  EXPECT_THAT(ErrorOf({{"errors.dead.letter.queue.topic.name", "bad"}}), HasSubstr("has no effect"));
  EXPECT_THAT(ErrorOf({{"processing.exception.handler", "dead-letter"}}), HasSubstr("processing.exception.handler=dead-letter"));
  EXPECT_EQ(ConfigOf({{"processing.exception.handler", "dead-letter"}, {"errors.dead.letter.queue.topic.name", "bad"}})
                .processing_error_policy(),
            ErrorPolicy::kDeadLetter);
  const StreamsConfig config =
      ConfigOf({{"deserialization.exception.handler", "dead-letter"}, {"errors.dead.letter.queue.topic.name", "bad"}});
  EXPECT_EQ(config.deserialization_error_policy(), ErrorPolicy::kDeadLetter);
  EXPECT_EQ(config.dead_letter_topic(), "bad");
}

TEST(StreamsConfig, OptimizationsAreOneWordOrAList) {
  const std::string both = "reuse.ktable.source.topics,merge.repartition.topics";
  EXPECT_EQ(ConfigOf({{"topology.optimization", both}}).topology_config().optimization, both);
  EXPECT_THAT(ErrorOf({{"topology.optimization", "all,none"}}), HasSubstr("one, or several with commas, of none, all, reuse"));
  EXPECT_FALSE(ConfigOf({}).topology_config().ensure_explicit_internal_resource_naming);
  const TopologyConfig named = ConfigOf({{"ensure.explicit.internal.resource.naming", "true"}});
  EXPECT_TRUE(named.ensure_explicit_internal_resource_naming);
}

TEST(StreamsConfig, TimesOfTheGroupMustFitTogether) {
  EXPECT_THAT(ErrorOf({{"heartbeat.interval.ms", "10000"}}),
              HasSubstr("must be less than session.timeout.ms=10000 (from default)"));
  EXPECT_THAT(ErrorOf({{"session.timeout.ms", "400000"}}), HasSubstr("must not be more than max.poll.interval.ms"));
}

TEST(StreamsConfig, ConsumerSettingsOfTheTableTakeThePrefixToo) {
  EXPECT_EQ(ConfigOf({{"consumer.session.timeout.ms", "6000"}}).session_timeout(), milliseconds(6000));
  EXPECT_EQ(ConfigOf({{"main.consumer.auto.offset.reset", "latest"}}).auto_offset_reset(), AutoOffsetReset::kLatest);
  EXPECT_THAT(ErrorOf({{"producer.commit.interval.ms", "1"}}), HasSubstr("without prefix"));
}

TEST(StreamsConfigBuilder, FlagWinsOverEnvironmentOverFileOverProgramOverDefault) {
  const char* environment[] = {"APP_NUM_STREAM_THREADS=3", "APP_COMMIT_INTERVAL_MS=30", "HOME=/root", nullptr};
  StreamsConfig::Builder builder;
  builder.AddProgramDefault("application.id", "shop")
      .AddProgramDefault("num.stream.threads", "1")
      .AddProgramDefault("state.dir", "/program")
      .AddPropertiesText("num.stream.threads=2\ncommit.interval.ms=20\nlog.level=warn\n", "app.properties")
      .AddEnvironment(environment)
      .AddFlag("num.stream.threads=4");
  const absl::StatusOr<StreamsConfig> config = builder.Build();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->num_stream_threads(), 4);
  EXPECT_EQ(config->commit_interval(), milliseconds(30));
  EXPECT_EQ(config->log_level(), "warn");
  EXPECT_EQ(config->state_dir(), "/program");
  EXPECT_THAT(config->ToString(),
              AllOf(HasSubstr("num.stream.threads=4"), HasSubstr("# --set"), HasSubstr("# APP_COMMIT_INTERVAL_MS"),
                    HasSubstr("# app.properties:3"), HasSubstr("# the program"), HasSubstr("# default")));
}

TEST(StreamsConfigBuilder, TheLastOfTwoEqualFlagsWins) {
  StreamsConfig::Builder builder;
  builder.AddProgramDefault("application.id", "shop").AddFlag("num.stream.threads=4").AddFlag("num.stream.threads=5");
  EXPECT_EQ(builder.Build()->num_stream_threads(), 5);
}

TEST(StreamsConfigBuilder, TheEnvironmentSetsClientAndTopicSettings) {
  const char* environment[] = {"APP_CONSUMER_FETCH_MIN_BYTES=7", "APP_TOPIC_MIN_INSYNC_REPLICAS=2", "APP_SASL_PASSWORD=canary",
                               nullptr};
  StreamsConfig::Builder builder;
  builder.AddProgramDefault("application.id", "shop").AddEnvironment(environment);
  const absl::StatusOr<StreamsConfig> config = builder.Build();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->client_properties("consumer."), Contains(Pair("fetch.min.bytes", "7")));
  EXPECT_THAT(config->client_properties(""), Contains(Pair("sasl.password", "canary")));
  EXPECT_THAT(config->topic_properties(), Contains(Pair("min.insync.replicas", "2")));
}

TEST(StreamsConfigBuilder, AMisspeltVariableIsAnErrorAndAForeignOneIsNot) {
  const char* misspelt[] = {"APP_COMMIT_INTERVL_MS=1", nullptr};
  StreamsConfig::Builder builder;
  builder.AddProgramDefault("application.id", "shop").AddEnvironment(misspelt);
  EXPECT_THAT(std::string(builder.Build().status().message()), HasSubstr("did you mean APP_COMMIT_INTERVAL_MS?"));

  const char* foreign[] = {"APP_HOME=/srv", "APP_VERSION_OF_SOMETHING=3", nullptr};
  StreamsConfig::Builder other;
  other.AddProgramDefault("application.id", "shop").AddEnvironment(foreign);
  EXPECT_TRUE(other.Build().ok());
}

TEST(StreamsConfigBuilder, AFlagWithoutEqualsSignIsAnError) {
  StreamsConfig::Builder builder;
  builder.AddProgramDefault("application.id", "shop").AddFlag("num.stream.threads");
  EXPECT_THAT(std::string(builder.Build().status().message()), HasSubstr("--set num.stream.threads: expected name=value"));
}

TEST(StreamsConfigBuilder, ReadsTheFormatOfJavasProperties) {
  StreamsConfig::Builder builder;
  builder.AddPropertiesText(
      "# comment\n! comment = too\n\n  application.id : shop \nstate.dir /data\\u002fx\nbootstrap.servers = a:1,\\\n    "
      "b:2\r\nclient.id=a\\=b",
      "f");
  const absl::StatusOr<StreamsConfig> config = builder.Build();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->application_id(), "shop");
  EXPECT_EQ(config->state_dir(), "/data/x");
  EXPECT_EQ(config->bootstrap_servers(), "a:1,b:2");
  EXPECT_EQ(config->client_id(), "a=b");
}

TEST(StreamsConfigBuilder, ErrorsInAFileNameTheLine) {
  StreamsConfig::Builder builder;
  builder.AddPropertiesText("application.id=shop\n\nlog.level=loud\n", "conf/app.properties");
  EXPECT_THAT(std::string(builder.Build().status().message()), HasSubstr("log.level=loud (from conf/app.properties:3)"));
}

TEST(StreamsConfig, PasswordsInAddressesAreNeverShown) {
  const StreamsConfig config =
      ConfigOf({{"serving.uri", "postgresql://landing:canary@db:5432/shop?password=canary&sslmode=require"},
                {"warehouse.catalog.uri", "postgresql://catalog:can@ary@db/x"},
                {"warehouse.uri", "hdfs://name:9870/warehouse"},
                {"serving.table.a.key.columns", "id"}});
  EXPECT_THAT(config.ToString(),
              AllOf(Not(HasSubstr("canary")), Not(HasSubstr("can@ary")),
                    HasSubstr("serving.uri=postgresql://landing:******@db:5432/shop?password=******&sslmode=require"),
                    HasSubstr("warehouse.catalog.uri=postgresql://catalog:******@db/x"),
                    HasSubstr("warehouse.uri=hdfs://name:9870/warehouse"), HasSubstr("serving.table.a.key.columns=id")));
  EXPECT_EQ(*config.Get("serving.uri"), "postgresql://landing:canary@db:5432/shop?password=canary&sslmode=require");
}

TEST(StreamsConfig, SecretsAreNeverShown) {
  const StreamsConfig config =
      ConfigOf({{"sasl.password", "canary"}, {"producer.ssl.key.password", "canary"}, {"sasl.username", "me"}});
  EXPECT_THAT(config.ToString(),
              AllOf(Not(HasSubstr("canary")), HasSubstr("sasl.password=******"), HasSubstr("sasl.username=me")));
  EXPECT_THAT(ErrorOf({{"sasl.passwort", "x"}}), HasSubstr("did you mean sasl.password?"));
  EXPECT_THAT(ErrorOf({{"sasl.jaas.config", "canary"}}), AllOf(Not(HasSubstr("canary")), HasSubstr("sasl.password.file")));
  EXPECT_THAT(ErrorOf({{"ssl.key.pem", "canary"}, {"ssl.keystore.key", "canary"}, {"log.level", "loud"}}),
              Not(HasSubstr("canary")));
}

TEST(StreamsConfig, ASecretOnTheCommandLineIsRefused) {
  StreamsConfig::Builder builder;
  builder.AddProgramDefault("application.id", "shop").AddFlag("sasl.password=canary");
  const std::string error(builder.Build().status().message());
  EXPECT_THAT(error, AllOf(HasSubstr("sasl.password.file"), Not(HasSubstr("canary"))));
}

TEST(ConfigurationPage, IsWhatTheGeneratorPrints) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/docs/configuration.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), ConfigurationMarkdown())
      << "write it anew: build/bin/tshirt run --print-config --markdown > docs/configuration.md";
}

}  // namespace
}  // namespace millrace
