#include "storage/aws_credentials.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

#include "../../warehouse/storage/child_process.h"

namespace millrace::warehouse {
namespace {

/// Without the variables of whoever runs the test.
class AwsCredentialsTest : public testing::Test {
 protected:
  AwsCredentialsTest() {
    for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
                             "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION", "HOME"}) {
      const char* value = std::getenv(name);
      before_[name] = value == nullptr ? std::optional<std::string>() : value;
      unsetenv(name);
    }
    setenv("HOME", folder_.path().c_str(), 1);
  }
  ~AwsCredentialsTest() override {
    for (const auto& [name, value] : before_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() + "/" + name) << text;
    return folder_.path() + "/" + name;
  }

  const warehouse_test::TemporaryFolder folder_;
  std::map<std::string, std::optional<std::string>> before_;
};

constexpr char kShared[] =
    "# a comment\n[default]\naws_access_key_id = default-id\naws_secret_access_key=default-secret=\n\n"
    "[team]\nAWS_ACCESS_KEY_ID=team-id\naws_secret_access_key = team-secret\naws_session_token = team-token\n[empty]\n";

TEST_F(AwsCredentialsTest, ComeFromTheEnvironment) {
  setenv("AWS_ACCESS_KEY_ID", "id", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  setenv("AWS_SESSION_TOKEN", "token", 1);
  const absl::StatusOr<AwsCredentials> found = FindAwsCredentials({});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->access_key_id, "id");
  EXPECT_EQ(found->secret_access_key, "secret");
  EXPECT_EQ(found->session_token, "token");
}

TEST_F(AwsCredentialsTest, ComeFromAProfileOfTheSharedFile) {
  setenv("AWS_SHARED_CREDENTIALS_FILE", Write("shared", kShared).c_str(), 1);
  EXPECT_EQ(FindAwsCredentials({})->secret_access_key, "default-secret=");
  setenv("AWS_PROFILE", "team", 1);
  EXPECT_EQ(FindAwsCredentials({})->access_key_id, "team-id");
  EXPECT_EQ(FindAwsCredentials({})->session_token, "team-token");
  AwsCredentialsSource source;
  source.profile = "default";
  EXPECT_EQ(FindAwsCredentials(source)->access_key_id, "default-id") << "what is named goes before the environment";
}

TEST_F(AwsCredentialsTest, ComeFromNamedFilesAndAreReadAnew) {
  AwsCredentialsSource source;
  source.access_key_id_file = Write("id", "first\n");
  source.secret_access_key_file = Write("secret", "  secret ");
  EXPECT_EQ(FindAwsCredentials(source)->access_key_id, "first");
  EXPECT_EQ(FindAwsCredentials(source)->secret_access_key, "secret");
  Write("id", "second");
  EXPECT_EQ(FindAwsCredentials(source)->access_key_id, "second");
  source.secret_access_key_file.clear();
  EXPECT_TRUE(absl::IsUnauthenticated(FindAwsCredentials(source).status()));
}

TEST_F(AwsCredentialsTest, ThatAreMissingSayWhereTheyWereLookedFor) {
  const absl::Status none = FindAwsCredentials({}).status();
  EXPECT_TRUE(absl::IsUnauthenticated(none));
  EXPECT_NE(none.message().find("AWS_ACCESS_KEY_ID"), std::string::npos) << none;
  EXPECT_NE(none.message().find(".aws/credentials"), std::string::npos) << none;
  AwsCredentialsSource source;
  source.credentials_file = Write("shared", kShared);
  source.profile = "empty";
  const absl::Status empty = FindAwsCredentials(source).status();
  EXPECT_TRUE(absl::IsUnauthenticated(empty));
  EXPECT_NE(empty.message().find("'empty'"), std::string::npos) << empty;
  EXPECT_EQ(empty.message().find("secret="), std::string::npos) << empty;
}

TEST_F(AwsCredentialsTest, RegionsHaveAnOrder) {
  EXPECT_EQ(FindAwsRegion(""), "us-east-1");
  setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
  EXPECT_EQ(FindAwsRegion(""), "eu-west-1");
  setenv("AWS_REGION", "eu-west-2", 1);
  EXPECT_EQ(FindAwsRegion(""), "eu-west-2");
  EXPECT_EQ(FindAwsRegion("eu-west-3"), "eu-west-3");
}

}  // namespace
}  // namespace millrace::warehouse
