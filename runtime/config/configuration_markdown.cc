#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "config/client_settings.h"
#include "config/config_table.h"
#include "millrace/runtime/streams_config.h"

namespace millrace {
namespace {

constexpr std::string_view kHead = R"(# Configuration

Made by `build/bin/tshirt run --print-config --markdown` from the table that also checks the values; a test holds this page to it.

Names, meanings and defaults are those of Kafka Streams, except where a line says otherwise. A value comes from the first of these that
has it:

1. a flag: `--set commit.interval.ms=1000`, `--bootstrap-servers host:9092`;
2. the environment: `APP_` and the name in capitals, with `_` for `.`: `APP_COMMIT_INTERVAL_MS=1000`;
3. a properties file: `--config FILE`, in the format of Java's properties;
4. the program's own default, as an application sets it;
5. the default below.

`run --print-config` prints every setting with its value and where that came from, secrets masked. An unknown name is an error that
names the nearest known one; a bad value is an error with the name, the value, its origin and what is expected. (Environment variables
`APP_...` of other programs are left alone, unless they look like a misspelt setting.)
)";

constexpr std::string_view kClients = R"(
## Settings of the Kafka clients

Any other setting of [librdkafka](https://github.com/confluentinc/librdkafka/blob/v2.0.2/CONFIGURATION.md) goes to the clients:
without prefix to all that read it (`security.protocol`, `sasl.username`, `ssl.ca.location`), or to one kind with the prefix `consumer.`
(also written `main.consumer.`), `restore.` (`restore.consumer.`; it has the consumer's settings first), `producer.` or `admin.`. The
prefix `topic.` gives settings to the topics that the application makes: `topic.min.insync.replicas=2`.

Secrets (names with `password`, `secret`, `key` or `token`) are refused on the command line, where everybody on the machine can read
them. Put them into the environment or the properties file, or put `.file` behind the name and the path of a file with the secret as the
value: `sasl.password.file=/run/secrets/kafka`.

### What the runtime decides

A default here can be changed with the prefix of its client; a fixed one can only be repeated.

| Clients | Setting | Value | Why |
|---|---|---|---|
)";

constexpr std::string_view kJava = R"(
### Settings of Java's clients

These have another name in librdkafka, or none. All others keep their name.

| Java | Here |
|---|---|
)";

constexpr std::string_view kRefused = R"(
## Settings of Kafka Streams that are not offered

Setting one of these is an error with the reason, so that nobody waits for an effect that does not come.

| Setting | Why not |
|---|---|
)";

std::string Escape(std::string_view text) {
  return absl::StrReplaceAll(absl::string_view(text.data(), text.size()), {{"|", "\\|"}});
}

std::string Sentence(std::string_view text) {
  std::string sentence(text);
  if (!sentence.empty()) sentence[0] = static_cast<char>(toupper(static_cast<unsigned char>(sentence[0])));
  return sentence;
}

std::string DefaultOf(const ConfigEntry& entry) {
  if (entry.default_value == nullptr) return "not set";
  return *entry.default_value == '\0' ? "empty" : absl::StrCat("`", entry.default_value, "`");
}

void AppendTable(std::string* page) {
  std::string_view section;
  for (const ConfigEntry& entry : ConfigTable()) {
    if (entry.section != section) {
      section = entry.section;
      absl::StrAppend(page, "\n## ", std::string(section), "\n");
    }
    absl::StrAppend(page, "\n### `", std::string(entry.name), "`\n\n", std::string(entry.doc),
                    "\n\nValue: ", ExpectedValue(entry), ". Default: ", DefaultOf(entry), ".\n");
    if (!entry.differs.empty()) absl::StrAppend(page, "\n*Not Kafka's default.* ", std::string(entry.differs), "\n");
  }
}

void AppendClients(std::string* page) {
  page->append(kClients);
  for (const DecidedSetting& setting : DecidedSettings()) {
    absl::StrAppend(page, "| ", std::string(setting.client), " | `", std::string(setting.name), "` | `",
                    std::string(setting.value), "`", setting.fixed ? ", fixed" : "", " | ", Escape(setting.reason), " |\n");
  }
  page->append(kJava);
  for (const JavaClientSetting& setting : JavaClientSettings()) {
    std::string here;
    if (setting.translated.empty()) {
      here = absl::StrCat("refused: ", Escape(setting.note));
    } else {
      here = absl::StrCat("`", std::string(setting.translated), "`", setting.note.empty() ? "" : ", ", Escape(setting.note));
    }
    absl::StrAppend(page, "| `", std::string(setting.name), "` | ", here, " |\n");
  }
}

}  // namespace

std::string ConfigurationMarkdown() {
  std::string page(kHead);
  AppendTable(&page);
  AppendClients(&page);
  page.append(kRefused);
  for (const RefusedSetting& setting : RefusedStreamsSettings()) {
    absl::StrAppend(
        &page, "| `", std::string(setting.name), "` | ", Escape(Sentence(setting.reason)),
        setting.accepted_value.empty() ? "" : absl::StrCat(". `", std::string(setting.accepted_value), "` is accepted"), " |\n");
  }
  return page;
}

}  // namespace millrace
