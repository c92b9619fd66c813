#ifndef MILLRACE_TOPOLOGIES_INTERNAL_PROCESS_STEPS_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_PROCESS_STEPS_H_

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/operators/processor.h"
#include "millrace/topologies/internal/dsl_core.h"
#include "millrace/topologies/named.h"

namespace millrace::internal {

template <class KIn, class VIn, class KOut, class VOut>
struct ProcessorTypes {
  using KeyIn = KIn;
  using ValueIn = VIn;
  using Key = KOut;
  using Value = VOut;
};
template <class KIn, class VIn, class KOut, class VOut>
ProcessorTypes<KIn, VIn, KOut, VOut> TypesOf(const Processor<KIn, VIn, KOut, VOut>*);
template <class K, class VIn, class VOut>
ProcessorTypes<K, VIn, K, VOut> FixedKeyTypesOf(const FixedKeyProcessor<K, VIn, VOut>*);

template <class Supplier>
using ProcessorOutput = decltype(TypesOf(std::declval<Supplier&>()().get()));
template <class Supplier>
using FixedKeyProcessorOutput = decltype(FixedKeyTypesOf(std::declval<Supplier&>()().get()));

template <class Supplier, class K, class V>
concept MakesProcessor = requires {
  typename ProcessorOutput<Supplier>;
}
&&std::is_same_v<typename ProcessorOutput<Supplier>::KeyIn, K>&& std::is_same_v<typename ProcessorOutput<Supplier>::ValueIn, V>;
template <class Supplier, class K, class V>
concept MakesFixedKeyProcessor = requires {
  typename FixedKeyProcessorOutput<Supplier>;
}
&&std::is_same_v<typename FixedKeyProcessorOutput<Supplier>::KeyIn, K>&&
    std::is_same_v<typename FixedKeyProcessorOutput<Supplier>::ValueIn, V>;

/// A named processor burns no index, unlike all other steps; that is Kafka Streams' way.
inline std::string ProcessorName(GraphBuilder* graph, const Named& named, std::string_view prefix) {
  if (named.name().empty()) return graph->NewName(prefix);
  graph->CheckName(named.name(), "step");
  return named.name();
}

[[nodiscard]] PlacePtr AppendProcessSpec(const Place& before, ProcessorSpec spec, std::vector<StorePtr> own,
                                         std::vector<std::string> connected, bool repartition_required);

template <class Node, class Supplier>
PlacePtr AppendProcess(const Place& before, const std::string& name, Supplier supplier, const std::vector<std::string>& stores,
                       bool repartition_required) {
  std::vector<StorePtr> own;
  if constexpr (requires { supplier.stores(); }) own = supplier.stores();
  ProcessorSpec spec;
  spec.name = name;
  spec.make = MakeNode<Node>(name, typename Node::Supplier(std::move(supplier)));
  return AppendProcessSpec(before, std::move(spec), std::move(own), stores, repartition_required);
}

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_PROCESS_STEPS_H_
