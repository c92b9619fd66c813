#ifndef MILLRACE_TOPOLOGIES_INTERNAL_SERDE_ARGUMENT_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_SERDE_ARGUMENT_H_

#include <any>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "millrace/state/serde.h"
#include "millrace/topologies/internal/graph_builder.h"

namespace millrace::internal {

/// A serde that travels with a stream or table; empty = the one found by type, if there is one.
template <class T>
using MaybeSerde = std::optional<AnySerde<T>>;

/// A serde of any type, kept by an argument object that does not know keys and values yet.
class SerdeArgument {
 public:
  template <class T>
  void Set(AnySerde<T> serde) {
    serde_ = std::move(serde);
  }
  /// Empty if none was set. One of another type fails the build.
  template <class T>
  MaybeSerde<T> Get(GraphBuilder* graph, std::string_view argument) const {
    if (!serde_.has_value()) return std::nullopt;
    const auto* serde = std::any_cast<AnySerde<T>>(&serde_);
    if (serde != nullptr) return *serde;
    graph->Fail(absl::InvalidArgumentError(
        absl::StrCat("a serde in ", std::string(argument), " is for another type than the stream or table it is used with")));
    return std::nullopt;
  }

 private:
  std::any serde_;
};

template <class T>
MaybeSerde<T> FirstOf(MaybeSerde<T> first, const MaybeSerde<T>& second) {
  return first ? std::move(first) : second;
}

/// The serde to use: the given one or that of the type. Without any, the build fails with a sentence; the result is then empty.
template <class T>
MaybeSerde<T> Resolve(GraphBuilder* graph, const MaybeSerde<T>& serde, std::string_view part, const std::string& step) {
  if (serde) return serde;
  if constexpr (HasSerde<T>) {
    return AnySerde<T>();
  } else {
    graph->Fail(absl::InvalidArgumentError(absl::StrCat(
        "step '", step, "' has no serde for its ", std::string(part), ": specialise millrace::Serde for the type, or pass one (",
        "Produced, Grouped, Joined, StreamJoined, Materialized or Repartitioned take serdes)")));
    return std::nullopt;
  }
}

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_SERDE_ARGUMENT_H_
