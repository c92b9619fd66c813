#include "registry/registry_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "stub_registry.h"

namespace millrace::warehouse {
namespace {

using testing::HasSubstr;

TEST(RegistryClient, ReadsVersionsOfASubjectAndSchemasById) {
  StubRegistry registry;
  registry.Register("a-value", "first");
  const int id = registry.Register("a-value", "second", {{"other.proto", "other", 3}});
  RegistryClient client(registry.options());
  const auto latest = client.Latest("a-value");
  ASSERT_TRUE(latest.ok()) << latest.status();
  EXPECT_EQ(latest->id, id);
  EXPECT_EQ(latest->text, "second");
  ASSERT_EQ(latest->references.size(), 1u);
  EXPECT_EQ(latest->references[0].name, "other.proto");
  EXPECT_EQ(latest->references[0].subject, "other");
  EXPECT_EQ(latest->references[0].version, 3);
  EXPECT_EQ(client.Version("a-value", 1)->text, "first");
  EXPECT_EQ(client.ById(id)->text, "second");
  EXPECT_EQ(client.ById(id)->id, id);
}

TEST(RegistryClient, SaysWhatIsNotThereAndWhatIsWrong) {
  StubRegistry registry;
  RegistryClient client(registry.options());
  const absl::Status missing = client.Latest("a-value").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("the latest schema of subject a-value"));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("Subject not found."));
  registry.SetAnswer(StubRegistry::Server::Answer{200, R"({"schema":"{}","id":1})", ""});
  EXPECT_THAT(std::string(client.Latest("a").status().message()), HasSubstr("AVRO and not PROTOBUF"));
  registry.SetAnswer(StubRegistry::Server::Answer{200, "<html>", ""});
  EXPECT_EQ(client.Latest("a").status().code(), absl::StatusCode::kFailedPrecondition);
  registry.SetAnswer(StubRegistry::Server::Answer{401, "", ""});
  EXPECT_EQ(client.Latest("a").status().code(), absl::StatusCode::kUnauthenticated);
  registry.SetAnswer(StubRegistry::Server::Answer{503, "", ""});
  EXPECT_EQ(client.Latest("a").status().code(), absl::StatusCode::kUnavailable);
}

TEST(RegistryClient, AuthenticatesFromAFile) {
  StubRegistry registry;
  registry.Register("a", "text");
  RegistryOptions options = registry.options();
  options.credentials_file = testing::TempDir() + "registry-credentials";
  std::ofstream(options.credentials_file) << "user:secret\n";
  RegistryClient client(options);
  EXPECT_TRUE(client.Latest("a").ok());
  EXPECT_THAT(registry.requests().back(), HasSubstr("Authorization: Basic dXNlcjpzZWNyZXQ="));
}

}  // namespace
}  // namespace millrace::warehouse
