#ifndef MILLRACE_TOPOLOGIES_INTERNAL_SERDE_ARGUMENT_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_SERDE_ARGUMENT_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/state/serde.h"
#include "millrace/topologies/internal/erased_argument.h"
#include "millrace/topologies/internal/graph_builder.h"

namespace millrace::internal {

/// A serde that travels with a stream or table; empty = the one found by type, if there is one.
template <class T>
using MaybeSerde = std::optional<AnySerde<T>>;

/// The argument holds a serde for another type.
void FailSerdeOfOtherType(GraphBuilder* graph, std::string_view argument);
void FailWithoutSerde(GraphBuilder* graph, std::string_view part, const std::string& step);

/// A serde of any type, kept by an argument object that does not know keys and values yet.
class SerdeArgument {
 public:
  template <class T>
  void Set(AnySerde<T> serde) {
    serde_.Set(std::move(serde));
  }
  /// Empty if none was set. One of another type fails the build.
  template <class T>
  MaybeSerde<T> Get(GraphBuilder* graph, std::string_view argument) const {
    if (!serde_.given()) return std::nullopt;
    if (const auto* serde = serde_.Get<AnySerde<T>>()) return *serde;
    FailSerdeOfOtherType(graph, argument);
    return std::nullopt;
  }

 private:
  ErasedArgument serde_;
};

template <class T>
MaybeSerde<T> FirstOf(MaybeSerde<T> first, const MaybeSerde<T>& second) {
  return first ? std::move(first) : second;
}

/// Bytes of the source can mean null, so that they are no changelog's.
template <class T>
bool HasNullsInUse(const MaybeSerde<T>& serde) {
  if (serde) return serde->has_nulls();
  if constexpr (HasSerde<T>) {
    return HasNulls<Serde<T>, T>;
  } else {
    return false;
  }
}

/// The serde to use: the given one or that of the type. Without any, the build fails with a sentence; the result is then empty.
template <class T>
MaybeSerde<T> Resolve(GraphBuilder* graph, const MaybeSerde<T>& serde, std::string_view part, const std::string& step) {
  if (serde) return serde;
  if constexpr (HasSerde<T>) {
    return AnySerde<T>();
  } else {
    FailWithoutSerde(graph, part, step);
    return std::nullopt;
  }
}

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_SERDE_ARGUMENT_H_
