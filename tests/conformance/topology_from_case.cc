#include "topology_from_case.h"

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "functions.h"
#include "millrace/topologies/streams_builder.h"
#include "processors.h"

namespace millrace::conformance {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

using Stream = KStream<Text, Text>;
using Table = KTable<Text, Text>;
using WindowedTable = KTable<Windowed<Text>, Text>;
using Grouped_ = KGroupedStream<Text, Text>;
using WindowedStream = TimeWindowedKStream<Text, Text>;
using Result = std::variant<Stream, Table, WindowedTable, Grouped_, WindowedStream>;

absl::Status NotOffered(const std::string& what) { return absl::UnimplementedError(absl::StrCat(what, " is not offered")); }

std::string NameOf(const json& node) { return node.value("name", ""); }
Named NamedOf(const json& node) { return node.contains("name") ? Named::As(NameOf(node)) : Named(); }

Materialized StoreOf(const json& node) {
  Materialized materialized;
  if (node.contains("store") && node.at("store").contains("name")) {
    materialized = Materialized::As(node.at("store").at("name").get<std::string>());
    if (node.at("store").contains("retention_ms"))
      materialized.WithRetention(milliseconds(node.at("store").at("retention_ms").get<int64_t>()));
  } else {
    materialized.WithKeySerde(AnySerde<Text>());
  }
  return materialized;
}

TimestampExtractor<Text, Text> ExtractorNamed(const std::string& name) {
  if (name == "value_number") {
    return [](const Record<Text, Text>& record, Timestamp partition_time) {
      if (record.value == nullptr || record.value->empty()) return partition_time;
      if (record.value->find_first_not_of("0123456789") != Text::npos) return partition_time;
      return Timestamp::FromMillis(std::stoll(*record.value));
    };
  }
  return [](const Record<Text, Text>& record, Timestamp) {
    const bool negative = record.value != nullptr && record.value->find('x') != Text::npos;
    return negative ? Timestamp::Unknown() : record.timestamp;
  };
}

// Declares nodes in order and keeps their results by id.
class Declaration {
 public:
  explicit Declaration(TopologyConfig config) : builder_(config) {}

  absl::Status Declare(const json& node) {
    const auto op = node.at("op").get<std::string>();
    const auto it = Operators().find(op);
    if (it == Operators().end()) return NotOffered(absl::StrCat("operator ", op));
    return (this->*it->second)(node);
  }
  absl::StatusOr<Topology> Build() { return builder_.Build(); }

 private:
  using Operator = absl::Status (Declaration::*)(const json&);
  static const std::map<std::string, Operator>& Operators();

  Result& Find(const json& id) {
    const auto it = results_.find(id.get<std::string>());
    if (it == results_.end())
      throw std::invalid_argument(absl::StrCat("there is no node '", id.get<std::string>(), "' before it"));
    return it->second;
  }
  template <class T>
  T& Get(const json& id) {
    T* result = std::get_if<T>(&Find(id));
    if (result == nullptr) throw std::invalid_argument(absl::StrCat("node '", id.get<std::string>(), "' gives something else"));
    return *result;
  }
  bool IsTable(const json& id) {
    const Result& result = Find(id);
    return std::holds_alternative<Table>(result) || std::holds_alternative<WindowedTable>(result);
  }
  absl::Status Keep(const json& node, Result result) {
    if (node.contains("id")) results_.emplace(node.at("id").get<std::string>(), std::move(result));
    return absl::OkStatus();
  }

  absl::Status DeclareStream(const json& n) {
    Consumed<Text, Text> consumed;
    if (n.contains("name")) consumed.WithName(NameOf(n));
    if (n.contains("timestamp_extractor")) consumed.WithTimestampExtractor(ExtractorNamed(n.at("timestamp_extractor")));
    return Keep(n, builder_.Stream<Text, Text>(n.at("topics").get<std::vector<std::string>>(), consumed));
  }
  absl::Status DeclareTable(const json& n) {
    if (n.contains("store") && n.at("store").contains("kind")) return NotOffered("a versioned store");
    return Keep(n, builder_.Table<Text, Text>(n.at("topic").get<std::string>(), Consumed<Text, Text>(), StoreOf(n)));
  }
  absl::Status DeclareFilter(const json& n) { return Filter(n, false); }
  absl::Status DeclareFilterNot(const json& n) { return Filter(n, true); }
  absl::Status Filter(const json& n, bool negate) {
    const Predicate p = PredicateNamed(n.at("predicate"));
    if (IsTable(n.at("from"))) {
      auto& table = Get<Table>(n.at("from"));
      const Materialized store = n.contains("store") ? StoreOf(n) : Materialized();
      return Keep(n, negate ? table.FilterNot(p, NamedOf(n), store) : table.Filter(p, NamedOf(n), store));
    }
    auto& stream = Get<Stream>(n.at("from"));
    return Keep(n, negate ? stream.FilterNot(p, NamedOf(n)) : stream.Filter(p, NamedOf(n)));
  }
  absl::Status DeclareMapValues(const json& n) {
    const Mapper m = MapperNamed(n.at("mapper"));
    if (IsTable(n.at("from"))) {
      const Materialized store = n.contains("store") ? StoreOf(n) : Materialized();
      return Keep(n, Get<Table>(n.at("from")).MapValues(m, NamedOf(n), store));
    }
    return Keep(n, Get<Stream>(n.at("from")).MapValues(m, NamedOf(n)));
  }
  absl::Status DeclareFlatMapValues(const json& n) {
    const auto split = [mapper = n.at("mapper").get<std::string>()](const Text*, const Text* value) {
      return value == nullptr ? std::vector<Text>() : Split(mapper, *value);
    };
    return Keep(n, Get<Stream>(n.at("from")).FlatMapValues(split, NamedOf(n)));
  }
  absl::Status DeclareFlatMap(const json& n) {
    const auto split = [mapper = n.at("mapper").get<std::string>()](const Text*, const Text* value) {
      std::vector<std::pair<Text, Text>> pairs;
      if (value == nullptr) return pairs;
      for (const Text& part : Split(mapper, *value)) pairs.emplace_back(part, part);
      return pairs;
    };
    return Keep(n, Get<Stream>(n.at("from")).FlatMap(split, NamedOf(n)));
  }
  absl::Status DeclareMap(const json& n) {
    const Mapper key = MapperNamed(n.at("key_mapper"));
    const Mapper value = MapperNamed(n.at("value_mapper"));
    return Keep(n,
                Get<Stream>(n.at("from"))
                    .Map([key, value](const Text* k, const Text* v) { return std::pair(key(k, v), value(k, v)); }, NamedOf(n)));
  }
  absl::Status DeclareSelectKey(const json& n) {
    return Keep(n, Get<Stream>(n.at("from")).SelectKey(MapperNamed(n.at("key_mapper")), NamedOf(n)));
  }
  absl::Status DeclareMerge(const json& n) {
    return Keep(n, Get<Stream>(n.at("from")).Merge(Get<Stream>(n.at("other")), NamedOf(n)));
  }
  absl::Status DeclareBranch(const json& n) {
    const auto id = n.at("id").get<std::string>();
    auto split = Get<Stream>(n.at("from")).Split(Named::As(id + "-"));
    int i = 0;
    for (const json& predicate : n.at("predicates")) split.Branch(PredicateNamed(predicate), Branched::As(absl::StrCat(i++)));
    for (auto& [name, stream] : split.DefaultBranch(Branched::As("default"))) {
      results_.emplace(absl::StrCat(id, ".", name.substr(id.size() + 1)), stream);
    }
    return absl::OkStatus();
  }
  absl::Status DeclareRepartition(const json& n) {
    return Keep(n, Get<Stream>(n.at("from")).Repartition(Repartitioned::As(NameOf(n))));
  }
  absl::Status DeclareToTable(const json& n) { return Keep(n, Get<Stream>(n.at("from")).ToTable(NamedOf(n), StoreOf(n))); }
  absl::Status DeclareToStream(const json& n) {
    if (std::holds_alternative<Table>(Find(n.at("from")))) {
      return Keep(
          n, Get<Table>(n.at("from"))
                 .ToStream([](const Text* key, const Text*) { return key ? NullableText(*key) : NullableText(); }, NamedOf(n)));
    }
    const auto print = [](const Windowed<Text>* key, const Text*) -> Text {
      return absl::StrCat(key->key, "@", key->window.start.millis(), "/", key->window.end.millis());
    };
    return Keep(n, Get<WindowedTable>(n.at("from")).ToStream(print, NamedOf(n)));
  }
  absl::Status DeclareTo(const json& n) {
    auto& stream = Get<Stream>(n.at("from"));
    Produced produced;
    if (n.contains("name")) produced.WithName(NameOf(n));
    if (n.contains("topic")) {
      stream.To(n.at("topic").get<std::string>(), produced);
    } else {
      const auto prefix = n.at("topic_by_key_prefix").get<std::string>();
      stream.To([prefix](const Text* key, const Text*, const RecordContext&) { return absl::StrCat(prefix, Printed(key)); },
                produced);
    }
    return absl::OkStatus();
  }
  absl::Status DeclareGroupByKey(const json& n) {
    Grouped grouped;
    if (n.contains("name")) grouped.WithName(NameOf(n));
    return Keep(n, Get<Stream>(n.at("from")).GroupByKey(grouped));
  }
  absl::Status DeclareGroupBy(const json& n) {
    if (IsTable(n.at("from"))) return NotOffered("group_by of a table");
    Grouped grouped;
    if (n.contains("name")) grouped.WithName(NameOf(n));
    return Keep(n, Get<Stream>(n.at("from")).GroupBy(MapperNamed(n.at("key_mapper")), grouped));
  }
  absl::Status DeclareWindow(const json& n) {
    const auto kind = n.at("kind").get<std::string>();
    if (n.contains("emit") || (kind != "tumbling" && kind != "hopping")) return NotOffered(absl::StrCat("window ", kind));
    TimeWindows windows =
        TimeWindows::OfSizeAndGrace(milliseconds(n.at("size_ms").get<int64_t>()), milliseconds(n.at("grace_ms").get<int64_t>()));
    if (kind == "hopping") windows = windows.AdvanceBy(milliseconds(n.at("advance_ms").get<int64_t>()));
    return Keep(n, Get<Grouped_>(n.at("from")).WindowedBy(windows));
  }

  // Calls `aggregate` with the grouped or windowed stream that the node stands on.
  template <class F>
  absl::Status OnGroup(const json& n, F aggregate) {
    Result& from = Find(n.at("from"));
    if (auto* windowed = std::get_if<WindowedStream>(&from)) return Keep(n, aggregate(*windowed));
    if (auto* grouped = std::get_if<Grouped_>(&from)) return Keep(n, aggregate(*grouped));
    return NotOffered("an aggregation of this");
  }
  absl::Status DeclareCount(const json& n) {
    const Materialized store = StoreOf(n);
    return OnGroup(
        n, [&](auto& group) { return group.Count(store).MapValues([](const int64_t& count) { return absl::StrCat(count); }); });
  }
  absl::Status DeclareReduce(const json& n) {
    return OnGroup(n, [&](auto& group) { return group.Reduce(ReducerNamed(n.at("reducer")), StoreOf(n)); });
  }
  absl::Status DeclareAggregate(const json& n) {
    const auto initial = n.at("initial").get<std::string>();
    const auto f = [named = AggregatorNamed(n.at("aggregator"))](const Text& key, const Text* value, NullableText aggregate) {
      return named(key, value, aggregate ? &*aggregate : nullptr);
    };
    return OnGroup(n, [&](auto& group) { return group.Aggregate([initial] { return initial; }, f, StoreOf(n)); });
  }
  absl::Status DeclareStreamJoin(const json& n) {
    const json& w = n.at("window");
    const JoinWindows windows =
        JoinWindows::OfTimeDifferenceAndGrace(milliseconds(0), milliseconds(w.at("grace_ms").get<int64_t>()))
            .Before(milliseconds(w.at("before_ms").get<int64_t>()))
            .After(milliseconds(w.at("after_ms").get<int64_t>()));
    StreamJoined joined;
    if (n.contains("store")) joined.WithStoreName(n.at("store").at("name").get<std::string>());
    auto& left = Get<Stream>(n.at("left"));
    auto& right = Get<Stream>(n.at("right"));
    const auto kind = n.at("kind").get<std::string>();
    if (kind == "inner") return Keep(n, left.Join(right, Join, windows, joined));
    if (kind == "left") return Keep(n, left.LeftJoin(right, Join, windows, joined));
    return Keep(n, left.OuterJoin(right, Join, windows, joined));
  }
  absl::Status DeclareStreamTableJoin(const json& n) {
    if (n.contains("grace_ms")) return NotOffered("a stream-table join with grace");
    auto& stream = Get<Stream>(n.at("left"));
    auto& table = Get<Table>(n.at("right"));
    return Keep(n, n.at("kind") == "inner" ? stream.Join(table, Join) : stream.LeftJoin(table, Join));
  }
  std::vector<std::string> AddStore(const json& n) {
    if (!n.contains("store")) return {};
    const auto name = n.at("store").at("name").get<std::string>();
    StoreOptions options;
    options.name = name;
    builder_.AddStateStore(KeyValueStoreBuilder<Text, Text>(options));
    return {name};
  }
  absl::Status DeclareProcess(const json& n) {
    const std::vector<std::string> stores = AddStore(n);
    auto supplier = ProcessorNamed(n.at("processor"), stores.empty() ? "" : stores[0]);
    return Keep(n, Get<Stream>(n.at("from")).Process(supplier, NamedOf(n), stores));
  }
  absl::Status DeclareProcessValues(const json& n) {
    const std::vector<std::string> stores = AddStore(n);
    auto supplier = FixedKeyProcessorNamed(n.at("processor"), stores.empty() ? "" : stores[0]);
    return Keep(n, Get<Stream>(n.at("from")).ProcessValues(supplier, NamedOf(n), stores));
  }
  absl::Status DeclareAddHeader(const json& n) {
    return Keep(n, Get<Stream>(n.at("from")).ProcessValues(AddHeader(n.at("header"), n.at("value")), NamedOf(n)));
  }
  absl::Status DeclarePeek(const json& n) {
    return Keep(n, Get<Stream>(n.at("from")).Peek([](const Text*, const Text*) {}, NamedOf(n)));
  }

  StreamsBuilder builder_;
  std::map<std::string, Result> results_;
};

const std::map<std::string, Declaration::Operator>& Declaration::Operators() {
  static const auto* const operators = new std::map<std::string, Operator>{
      {"stream", &Declaration::DeclareStream},
      {"table", &Declaration::DeclareTable},
      {"filter", &Declaration::DeclareFilter},
      {"filter_not", &Declaration::DeclareFilterNot},
      {"map_values", &Declaration::DeclareMapValues},
      {"flat_map_values", &Declaration::DeclareFlatMapValues},
      {"flat_map", &Declaration::DeclareFlatMap},
      {"map", &Declaration::DeclareMap},
      {"select_key", &Declaration::DeclareSelectKey},
      {"merge", &Declaration::DeclareMerge},
      {"branch", &Declaration::DeclareBranch},
      {"repartition", &Declaration::DeclareRepartition},
      {"to_table", &Declaration::DeclareToTable},
      {"to_stream", &Declaration::DeclareToStream},
      {"to", &Declaration::DeclareTo},
      {"group_by_key", &Declaration::DeclareGroupByKey},
      {"group_by", &Declaration::DeclareGroupBy},
      {"window", &Declaration::DeclareWindow},
      {"count", &Declaration::DeclareCount},
      {"reduce", &Declaration::DeclareReduce},
      {"aggregate", &Declaration::DeclareAggregate},
      {"stream_join", &Declaration::DeclareStreamJoin},
      {"stream_table_join", &Declaration::DeclareStreamTableJoin},
      {"process", &Declaration::DeclareProcess},
      {"process_values", &Declaration::DeclareProcessValues},
      {"add_header", &Declaration::DeclareAddHeader},
      {"peek", &Declaration::DeclarePeek},
  };
  return *operators;
}

}  // namespace

absl::StatusOr<Topology> TopologyFromCase(const Case& c) {
  TopologyConfig config;
  if (const auto it = c.config.find("topology.optimization"); it != c.config.end()) {
    config.optimization = it->second;
  }
  Declaration declaration(config);
  for (const json& node : c.nodes) {
    if (absl::Status status = declaration.Declare(node); !status.ok()) return status;
  }
  return declaration.Build();
}

}  // namespace millrace::conformance
