#include "processors.h"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "millrace/state/key_value_store.h"

namespace millrace::conformance {
namespace {

using TextRecord = Record<Text, Text>;
using TextStore = KeyValueStore<Text, Text>;
using Context = ProcessorContext<Text, Text>;
using FixedContext = FixedKeyProcessorContext<Text, Text>;
using std::chrono::milliseconds;

class Twice final : public Processor<Text, Text> {
 public:
  void Process(const TextRecord& record) override {
    context().Forward(record);
    const Text key = absl::StrCat(Printed(record.key), "2");
    context().Forward(record.WithKey(&key).WithTimestamp(record.timestamp + milliseconds(1)));
  }
};

class WithStore : public Processor<Text, Text> {
 public:
  explicit WithStore(std::string store) : store_name_(std::move(store)) {}
  void Init(Context& context) override {
    Processor::Init(context);
    store_ = context.GetStateStore<TextStore>(store_name_);
    if (store_ == nullptr) context.Fail(absl::NotFoundError("no store " + store_name_));
  }

 protected:
  TextStore& store() { return *store_; }

 private:
  const std::string store_name_;
  TextStore* store_ = nullptr;
};

class Dedup final : public WithStore {
 public:
  using WithStore::WithStore;
  void Process(const TextRecord& record) override {
    if (record.key == nullptr) return context().Forward(record);
    const Text value = Printed(record.value);
    const Text* stored = store().Get(*record.key);
    if (stored != nullptr && *stored == value) return;
    store().Put(*record.key, value);
    context().Forward(record);
  }
};

class Punctuating final : public Processor<Text, Text> {
 public:
  Punctuating(PunctuationType type, milliseconds interval) : type_(type), interval_(interval) {}
  void Init(Context& context) override {
    Processor::Init(context);
    context.Schedule(interval_, type_, [this](Timestamp now) {
      const Text key = "tick";
      const Text value = absl::StrCat(now.millis());
      this->context().Forward({&key, &value, now, &Headers::Empty()});
    });
  }
  void Process(const TextRecord& record) override { context().Forward(record); }

 private:
  const PunctuationType type_;
  const milliseconds interval_;
};

class FlushOnPunctuate final : public WithStore {
 public:
  FlushOnPunctuate(std::string store, milliseconds interval) : WithStore(std::move(store)), interval_(interval) {}
  void Init(Context& context) override {
    WithStore::Init(context);
    context.Schedule(interval_, PunctuationType::kStreamTime, [this](Timestamp now) {
      for (auto it = store().All(); it->Valid(); it->Next()) {
        this->context().Forward({&it->key(), &it->value(), now, &Headers::Empty()});
        store().Delete(it->key());
      }
    });
  }
  void Process(const TextRecord& record) override {
    if (record.key == nullptr) return;
    store().Put(*record.key, Printed(record.value));
  }

 private:
  const milliseconds interval_;
};

class Metadata final : public Processor<Text, Text> {
 public:
  void Process(const TextRecord& record) override {
    const RecordContext& source = context().record();
    const Text value =
        absl::StrCat(*source.topic, "/", source.partition, "/", source.offset, "/", context().current_stream_time().millis());
    context().Forward(record.WithValue(&value));
  }
};

class RangeProcessor final : public WithStore {
 public:
  using WithStore::WithStore;
  void Process(const TextRecord& record) override {
    if (record.key == nullptr) return;
    if (record.value == nullptr) {
      store().Delete(*record.key);
    } else {
      store().Put(*record.key, *record.value);
    }
    const Text from = "A";
    const Text to = "B";
    Text value;
    for (auto it = store().Range(&from, &to); it->Valid(); it->Next()) absl::StrAppend(&value, it->key(), "=", it->value(), ";");
    value += "|";
    for (auto it = store().ReverseAll(); it->Valid(); it->Next()) value += it->key();
    context().Forward(record.WithValue(&value));
  }
};

class TwiceValues final : public FixedKeyProcessor<Text, Text> {
 public:
  void Process(const TextRecord& record) override {
    context().Forward(record, record.value);
    const Text value = absl::StrCat(Printed(record.value), "2");
    context().Forward(record, &value);
  }
};

class Previous final : public FixedKeyProcessor<Text, Text> {
 public:
  explicit Previous(std::string store) : store_name_(std::move(store)) {}
  void Init(FixedContext& context) override {
    FixedKeyProcessor::Init(context);
    store_ = context.GetStateStore<TextStore>(store_name_);
    if (store_ == nullptr) context.Fail(absl::NotFoundError("no store " + store_name_));
  }
  void Process(const TextRecord& record) override {
    if (record.key == nullptr) return;
    const Text value = absl::StrCat(Printed(store_->Get(*record.key)), ">", Printed(record.value));
    store_->Put(*record.key, Printed(record.value));
    context().Forward(record, &value);
  }

 private:
  const std::string store_name_;
  TextStore* store_ = nullptr;
};

class HeaderAppender final : public FixedKeyProcessor<Text, Text> {
 public:
  HeaderAppender(std::string header, std::string value) : header_(std::move(header)), value_(std::move(value)) {}
  void Process(const TextRecord& record) override {
    Headers headers = *record.headers;
    headers.Add(header_, value_);
    context().Forward(record, record.value, record.timestamp, &headers);
  }

 private:
  const std::string header_;
  const std::string value_;
};

}  // namespace

ProcessorSupplier<Text, Text> ProcessorNamed(const std::string& text, const std::string& store) {
  const size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const milliseconds n(colon == std::string::npos ? 0 : std::strtoll(text.c_str() + colon + 1, nullptr, 10));
  if (name == "twice") return [] { return std::make_unique<Twice>(); };
  if (name == "dedup") return [store] { return std::make_unique<Dedup>(store); };
  if (name == "punctuate_stream_time") return [n] { return std::make_unique<Punctuating>(PunctuationType::kStreamTime, n); };
  if (name == "punctuate_wall_clock") return [n] { return std::make_unique<Punctuating>(PunctuationType::kWallClockTime, n); };
  if (name == "flush_on_punctuate") return [store, n] { return std::make_unique<FlushOnPunctuate>(store, n); };
  if (name == "metadata") return [] { return std::make_unique<Metadata>(); };
  if (name == "range") return [store] { return std::make_unique<RangeProcessor>(store); };
  return nullptr;
}

FixedKeyProcessorSupplier<Text, Text> FixedKeyProcessorNamed(const std::string& name, const std::string& store) {
  if (name == "twice") return [] { return std::make_unique<TwiceValues>(); };
  if (name == "previous") return [store] { return std::make_unique<Previous>(store); };
  return nullptr;
}

FixedKeyProcessorSupplier<Text, Text> AddHeader(const std::string& header, const std::string& value) {
  return [header, value] { return std::make_unique<HeaderAppender>(header, value); };
}

}  // namespace millrace::conformance
