#include "millrace/runtime/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "logging/client_log.h"
#include "logging/log_format.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

/// Collects lines while it lives.
class Lines {
 public:
  explicit Lines(LogLevel level, bool json = false) {
    ConfigureLogging(
        {.level = level, .json = json, .application = "shop", .sink = [this](const LogEntry&, std::string_view line) {
           lines_.emplace_back(line);
         }});
  }
  ~Lines() { ConfigureLogging({}); }
  [[nodiscard]] const std::vector<std::string>& get() const { return lines_; }

 private:
  std::vector<std::string> lines_;  // the log calls its sink one at a time
};

LogEntry Entry() {
  LogEntry entry;
  entry.time = std::chrono::system_clock::time_point(1700000000123ms);
  entry.level = LogLevel::kWarning;
  entry.application = "shop";
  entry.thread = "worker-1";
  entry.message = "hello";
  return entry;
}

TEST(Logging, TextHasTimeLevelThreadMessageAndTheFieldsThatAreSet) {
  LogEntry entry = Entry();
  EXPECT_EQ(FormatText(entry), "2023-11-14T22:13:20.123Z WARN  [worker-1] hello\n");
  entry.fields = {.event = "bad-record", .task = "0_1", .topic = "orders", .partition = 0, .offset = 17};
  EXPECT_EQ(FormatText(entry),
            "2023-11-14T22:13:20.123Z WARN  [worker-1] hello (event=bad-record task=0_1 topic=orders partition=0 offset=17)\n");
}

TEST(Logging, JsonIsOneObjectALine) {
  LogEntry entry = Entry();
  entry.fields = {.event = "bad-record", .task = "0_1", .store = "s", .topic = "orders", .partition = 2, .offset = 17};
  entry.message = "a \"quoted\"\nline \xff";
  const std::string line = FormatJson(entry);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object["ts"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(object["level"], "warn");
  EXPECT_EQ(object["app"], "shop");
  EXPECT_EQ(object["thread"], "worker-1");
  EXPECT_EQ(object["task"], "0_1");
  EXPECT_EQ(object["store"], "s");
  EXPECT_EQ(object["topic"], "orders");
  EXPECT_EQ(object["partition"], 2);
  EXPECT_EQ(object["offset"], 17);
  EXPECT_EQ(object["event"], "bad-record");
  EXPECT_EQ(object["msg"], "a \"quoted\"\nline \xEF\xBF\xBD");
}

TEST(Logging, AMessageNeverMakesTwoLines) {
  LogEntry entry = Entry();
  entry.message = "one\ntwo\r\x01";
  EXPECT_THAT(FormatText(entry), EndsWith("one\\ntwo\\r\\x01\n"));
}

TEST(Logging, LinesBelowTheLevelAreLeftOut) {
  const Lines lines(LogLevel::kWarning);
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  LogDebug("debug");
  LogInfo("info");
  LogWarning("warning");
  LogError("error");
  ASSERT_EQ(lines.get().size(), 2u);
  EXPECT_THAT(lines.get()[0], HasSubstr("warning"));
  EXPECT_THAT(lines.get()[1], HasSubstr("error"));
}

TEST(Logging, OffIsSilent) {
  const Lines lines(LogLevel::kOff);
  LogError("error");
  Log(LogLevel::kOff, "off");
  EXPECT_THAT(lines.get(), ElementsAre());
}

TEST(Logging, LevelsHaveNamesThatCanBeRead) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff}) {
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)), level);
  }
  EXPECT_EQ(ParseLogLevel("loud"), std::nullopt);
}

TEST(Logging, ThreadsWriteWholeLinesUnderTheirNames) {
  const Lines lines(LogLevel::kInfo);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      SetLogThreadName("t" + std::to_string(t));
      for (int i = 0; i < 100; ++i) LogInfo("from t" + std::to_string(t));
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(lines.get().size(), 400u);
  for (const std::string& line : lines.get()) {
    const std::string name = line.substr(line.find('[') + 1, 2);
    EXPECT_THAT(line, EndsWith("[" + name + "] from " + name + "\n"));
  }
}

TEST(LogRateLimit, LetsOneThroughInAnIntervalAndCountsTheRest) {
  LogRateLimit limit(30ms);
  EXPECT_EQ(limit.Allow(), 0);
  EXPECT_EQ(limit.Allow(), std::nullopt);
  EXPECT_EQ(limit.Allow(), std::nullopt);
  std::this_thread::sleep_for(40ms);
  EXPECT_EQ(limit.Allow(), 2);
}

TEST(ClientLog, MapsSyslogLevelsAndHoldsRepetitionsBack) {
  const Lines lines(LogLevel::kInfo);
  LogClientLine(3, "shop-producer#1", "connect failed after 3ms");
  LogClientLine(3, "shop-producer#1", "connect failed after 17ms");
  LogClientLine(4, "shop-producer#1", "slow broker");
  LogClientLine(7, "shop-producer#1", "debug");
  ASSERT_EQ(lines.get().size(), 2u);
  EXPECT_THAT(lines.get()[0], HasSubstr("ERROR"));
  EXPECT_THAT(lines.get()[0], HasSubstr("shop-producer#1: connect failed after 3ms (event=kafka-client)"));
  EXPECT_THAT(lines.get()[1], HasSubstr("WARN"));
}

}  // namespace
}  // namespace millrace
