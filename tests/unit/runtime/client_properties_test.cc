#include "config/client_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <fstream>
#include <string>

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

StreamsConfig ConfigOf(Properties properties) {
  properties.emplace("application.id", "shop");
  properties.emplace("bootstrap.servers", "broker:9092");
  absl::StatusOr<StreamsConfig> config = StreamsConfig::From(properties);
  EXPECT_TRUE(config.ok()) << config.status();
  return *config;
}

ClientProperties Make(Properties properties) {
  absl::StatusOr<ClientProperties> clients = MakeClientProperties(ConfigOf(std::move(properties)));
  EXPECT_TRUE(clients.ok()) << clients.status();
  return *clients;
}

std::string ErrorOf(Properties properties) {
  properties.emplace("application.id", "shop");
  return std::string(StreamsConfig::From(properties).status().message());
}

TEST(ClientProperties, NeedBootstrapServers) {
  const auto clients = MakeClientProperties(*StreamsConfig::From({{"application.id", "shop"}}));
  EXPECT_THAT(std::string(clients.status().message()), HasSubstr("bootstrap.servers is not set"));
}

TEST(ClientProperties, SetWhatLibrdkafkaDoesOtherwiseThanJava) {
  const ClientProperties clients = Make({});
  EXPECT_THAT(clients.membership,
              AllOf(Contains(Pair("partition.assignment.strategy", "cooperative-sticky")),
                    Contains(Pair("enable.auto.commit", "false")), Contains(Pair("group.id", "shop")),
                    Contains(Pair("session.timeout.ms", "10000")), Contains(Pair("heartbeat.interval.ms", "1000")),
                    Contains(Pair("isolation.level", "read_committed")), Not(Contains(Key("group.instance.id")))));
  EXPECT_THAT(clients.consumer,
              AllOf(Contains(Pair("check.crcs", "true")), Contains(Pair("auto.offset.reset", "error")),
                    Contains(Pair("enable.auto.offset.store", "false")), Contains(Pair("isolation.level", "read_uncommitted")),
                    Contains(Pair("enable.partition.eof", "true")), Contains(Pair("bootstrap.servers", "broker:9092"))));
  EXPECT_THAT(clients.producer,
              AllOf(Contains(Pair("enable.idempotence", "true")), Contains(Pair("partitioner", "murmur2_random")),
                    Contains(Pair("request.required.acks", "all")), Contains(Pair("queue.buffering.max.ms", "5"))));
  EXPECT_THAT(clients.admin, AllOf(Contains(Pair("socket.nagle.disable", "true")), Contains(Pair("group.id", "shop"))));
}

TEST(ClientProperties, EachMapIsTakenByTheClientLibrary) {
  const ClientProperties clients = Make({{"security.protocol", "SASL_SSL"}, {"linger.ms", "20"}, {"fetch.min.bytes", "10"}});
  for (const Properties* properties :
       {&clients.membership, &clients.consumer, &clients.restore, &clients.producer, &clients.admin}) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char error[512];
    for (const auto& [name, value] : *properties) {
      EXPECT_EQ(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error), RD_KAFKA_CONF_OK)
          << name << ": " << error;
    }
    rd_kafka_conf_destroy(conf);
  }
}

TEST(ClientProperties, ASettingWithoutPrefixGoesToTheClientsThatReadIt) {
  const ClientProperties clients = Make({{"linger.ms", "20"}, {"fetch.min.bytes", "10"}, {"sasl.username", "me"}});
  EXPECT_THAT(clients.producer, AllOf(Contains(Pair("queue.buffering.max.ms", "20")), Not(Contains(Key("fetch.min.bytes"))),
                                      Contains(Pair("sasl.username", "me"))));
  EXPECT_THAT(clients.consumer, AllOf(Contains(Pair("fetch.min.bytes", "10")), Not(Contains(Key("queue.buffering.max.ms")))));
  EXPECT_THAT(clients.restore, Contains(Pair("fetch.min.bytes", "10")));
  EXPECT_THAT(clients.admin, AllOf(Not(Contains(Key("fetch.min.bytes"))), Contains(Pair("sasl.username", "me"))));
}

TEST(ClientProperties, APrefixGoesToItsClientsAndWins) {
  const ClientProperties clients =
      Make({{"fetch.min.bytes", "1"}, {"consumer.fetch.min.bytes", "2"}, {"restore.consumer.fetch.min.bytes", "3"}});
  EXPECT_EQ(clients.consumer.at("fetch.min.bytes"), "2");
  EXPECT_EQ(clients.restore.at("fetch.min.bytes"), "3");
  EXPECT_EQ(Make({{"consumer.fetch.min.bytes", "2"}}).restore.at("fetch.min.bytes"), "2");
  EXPECT_THAT(ErrorOf({{"consumer.linger.ms", "2"}}), HasSubstr("is not a setting of consumer clients"));
}

TEST(ClientProperties, JavaNamesAreTranslated) {
  const ClientProperties clients = Make({{"producer.buffer.memory", "33554432"},
                                         {"producer.max.request.size", "2000000"},
                                         {"consumer.fetch.max.wait.ms", "50"},
                                         {"receive.buffer.bytes", "65536"},
                                         {"producer.acks", "-1"},
                                         {"consumer.enable.auto.commit", "false"},
                                         {"producer.delivery.timeout.ms", "60000"}});
  EXPECT_EQ(clients.producer.at("queue.buffering.max.kbytes"), "32768");
  EXPECT_EQ(clients.producer.at("message.max.bytes"), "2000000");
  EXPECT_EQ(clients.producer.at("message.timeout.ms"), "60000");
  EXPECT_EQ(clients.producer.at("request.required.acks"), "all");
  EXPECT_EQ(clients.consumer.at("fetch.wait.max.ms"), "50");
  EXPECT_EQ(clients.consumer.at("socket.receive.buffer.bytes"), "65536");
}

TEST(ClientProperties, TheMemoryOfAProducerIsForRecordsAndWhatComesWithEach) {
  Properties producer = Make({}).producer;
  LimitProducerMemory(8 << 20, &producer);
  EXPECT_EQ(producer.at("queue.buffering.max.kbytes"), "4096");
  EXPECT_EQ(producer.at("queue.buffering.max.messages"), "16384");
  producer = Make({{"producer.buffer.memory", "2097152"}}).producer;
  LimitProducerMemory(8 << 20, &producer);
  EXPECT_EQ(producer.at("queue.buffering.max.kbytes"), "2048") << "what the user gives may be less";
}

TEST(ClientProperties, JavaNamesWithoutATwinAreRefusedWithTheReason) {
  EXPECT_THAT(ErrorOf({{"consumer.max.poll.records", "10"}}), HasSubstr("use buffered.records.per.partition"));
  EXPECT_THAT(ErrorOf({{"producer.key.serializer", "x"}}), HasSubstr("C++ type"));
  EXPECT_THAT(ErrorOf({{"ssl.truststore.location", "x"}}), HasSubstr("ssl.ca.location"));
  EXPECT_THAT(ErrorOf({{"consumer.group.id", "x"}}), HasSubstr("application.id"));
}

TEST(ClientProperties, WhatTheRuntimeFixesCannotBeChanged) {
  EXPECT_THAT(ErrorOf({{"producer.acks", "1"}}), HasSubstr("is fixed at all"));
  EXPECT_THAT(ErrorOf({{"producer.enable.idempotence", "false"}}), HasSubstr("is fixed at true"));
  EXPECT_THAT(ErrorOf({{"consumer.enable.auto.commit", "true"}}), HasSubstr("is fixed at false"));
}

TEST(ClientProperties, ASecretMayStandInAFile) {
  const std::string path = ::testing::TempDir() + "/millrace-secret";
  std::ofstream(path) << "canary\n";
  const StreamsConfig config = ConfigOf({{"sasl.password.file", path}});
  EXPECT_THAT(config.ToString(), Not(HasSubstr("canary")));
  const auto clients = MakeClientProperties(config);
  ASSERT_TRUE(clients.ok()) << clients.status();
  EXPECT_EQ(clients->producer.at("sasl.password"), "canary");
  EXPECT_THAT(clients->producer, Not(Contains(Key("sasl.password.file"))));

  const auto missing = MakeClientProperties(ConfigOf({{"sasl.password.file", path + ".not"}}));
  EXPECT_THAT(std::string(missing.status().message()), AllOf(HasSubstr("cannot read the secret"), HasSubstr(path + ".not")));
}

TEST(ClientProperties, AnInstanceIdMakesTheMembershipStatic) {
  EXPECT_EQ(Make({{"group.instance.id", "pod-1"}}).membership.at("group.instance.id"), "pod-1");
}

}  // namespace
}  // namespace millrace
