#include "millrace/topologies/internal/join_steps.h"

#include "absl/strings/str_cat.h"

namespace millrace::internal {

StreamJoinNames NameStreamJoin(GraphBuilder* graph, const StreamJoined& joined, JoinKind kind) {
  const bool left_outer = kind != JoinKind::kInner;
  const bool right_outer = kind == JoinKind::kOuter;
  const std::string this_suffix = right_outer ? "-outer-this-join" : "-this-join";
  const std::string other_suffix = left_outer ? "-outer-other-join" : "-other-join";
  const std::string this_prefix = right_outer ? "KSTREAM-OUTERTHIS-" : "KSTREAM-JOINTHIS-";

  StreamJoinNames names;
  names.left_window = graph->SuffixedNameOr(joined.name(), "-this-windowed", "KSTREAM-WINDOWED-");
  names.right_window = graph->SuffixedNameOr(joined.name(), "-other-windowed", "KSTREAM-WINDOWED-");
  const std::string this_generated = graph->NewName(this_prefix);
  const std::string other_generated = graph->NewName(left_outer ? "KSTREAM-OUTEROTHER-" : "KSTREAM-JOINOTHER-");
  names.left_join = joined.name().empty() ? this_generated : joined.name() + this_suffix;
  names.right_join = joined.name().empty() ? other_generated : joined.name() + other_suffix;
  names.merge = graph->SuffixedNameOr(joined.name(), "-merge", "KSTREAM-MERGE-");

  const std::string& base = joined.store_name();
  names.left_store = (base.empty() ? this_generated : base + this_suffix) + "-store";
  names.right_store = (base.empty() ? other_generated : base + other_suffix) + "-store";
  if (left_outer) {
    names.outer_store = base.empty() ? "KSTREAM-OUTERSHARED-" + this_generated.substr(this_prefix.size())
                                     : base + (right_outer ? "-outer-shared-join" : "-left-shared-join");
    names.outer_store += "-store";
  }
  if (base.empty()) {
    for (const std::string* store : {&names.left_store, &names.right_store, &names.outer_store}) {
      if (!store->empty()) graph->NoteGeneratedStore(*store, joined.logged());
    }
  } else {
    graph->CheckName(names.left_store, "store");
  }
  return names;
}

WindowStoreOptions JoinWindowOptions(const StreamJoined& joined, const JoinWindows& windows, std::string name) {
  WindowStoreOptions options;
  options.retention = windows.size() + windows.grace();
  options.window_size = windows.size();
  options.retain_duplicates = true;
  options.store.name = std::move(name);
  options.store.kind = joined.store_kind();
  options.store.changelog.enabled = joined.logged();
  options.store.changelog.windowed = true;
  options.store.changelog.retention = options.retention;
  options.store.changelog.overrides = joined.topic_config();
  // Each put has a key of its own, so there is nothing to compact.
  options.store.changelog.overrides["cleanup.policy"] = "delete";
  return options;
}

StoreOptions OuterStoreOptions(const StreamJoined& joined, std::string name) {
  StoreOptions options;
  options.name = std::move(name);
  options.kind = joined.store_kind();
  options.changelog.enabled = joined.logged();
  options.changelog.overrides = joined.topic_config();
  return options;
}

PlacePtr AppendStreamJoin(const Place& left, const Place& right, StreamJoinSpecs specs, JoinKind kind) {
  GraphBuilder& graph = *left.graph;
  const std::string left_window = specs.left_window.name;
  const std::string right_window = specs.right_window.name;
  const std::string merge = specs.merge.name;
  graph.AddProcessor({left.node}, std::move(specs.left_window));
  graph.AddProcessor({right.node}, std::move(specs.right_window));
  GraphFlags flags;
  flags.null_key_relaxed = kind != JoinKind::kInner;
  GraphNode* node = graph.AddStreamStreamJoin(left.node, right.node, left_window, right_window, std::move(specs.left_join),
                                              std::move(specs.right_join), std::move(specs.merge), flags);
  PlacePtr place = Behind(left, node, merge, false);
  place->sources.insert(right.sources.begin(), right.sources.end());
  return place;
}

PlacePtr AppendTableJoin(const Place& stream, const Place& table, const std::string& store, ProcessorSpec spec, bool left) {
  spec.connected = [store] { return std::vector<std::string>{store}; };
  GraphFlags flags;
  flags.null_key_relaxed = left;
  std::string name = spec.name;
  GraphNode* node = stream.graph->AddProcessor({stream.node}, std::move(spec), flags);
  PlacePtr place = Behind(stream, node, std::move(name), false);
  place->sources.insert(table.sources.begin(), table.sources.end());
  return place;
}

}  // namespace millrace::internal
