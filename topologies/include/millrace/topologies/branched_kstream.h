#ifndef MILLRACE_TOPOLOGIES_BRANCHED_KSTREAM_H_
#define MILLRACE_TOPOLOGIES_BRANCHED_KSTREAM_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/topologies/branched.h"
#include "millrace/topologies/kstream.h"
#include "millrace/topologies/named.h"

namespace millrace {

/// The branches of a split stream while they are declared; end with DefaultBranch or NoDefaultBranch, which give the branches by
/// name: that of the split followed by the branch's (or its number from 1; 0 is the default branch). Follows `BranchedKStream`.
template <class K, class V>
class BranchedKStream {
 public:
  using Branches = std::map<std::string, KStream<K, V>>;

  /// Records for which the predicate is the first to hold.
  template <class F>
  BranchedKStream& Branch(F predicate, const Branched& branched = {}) {
    static_assert(internal::kTakesKeyValue<F, K, V>,
                  "Branch: the predicate takes (value) or (key, value), each by const reference or pointer");
    state_->predicates.push_back(internal::MakePredicate<K, V>(std::move(predicate), false));
    Add(branched, state_->predicates.size());
    return *this;
  }
  /// Records for which no predicate held.
  Branches DefaultBranch(const Branched& branched = {}) {
    state_->has_default = true;
    Add(branched, 0);
    return branches_;
  }
  /// Drops records for which no predicate held.
  Branches NoDefaultBranch() { return branches_; }

 private:
  friend class KStream<K, V>;
  struct State {
    std::vector<std::function<bool(const K*, const V*)>> predicates;
    bool has_default = false;
  };

  BranchedKStream(const KStream<K, V>& source, const Named& named)
      : source_(source), name_(source.place_->graph->NameOr(named.name(), "KSTREAM-BRANCH-")) {
    place_ = internal::Append(
        *source.place_, name_,
        [name = name_, state = state_] {
          return std::make_unique<internal::BranchNode<K, V>>(name, state->predicates, state->has_default);
        },
        source.place_->repartition_required);
  }

  void Add(const Branched& branched, size_t number) {
    const std::string name = name_ + (branched.name().empty() ? std::to_string(number) : branched.name());
    place_->graph->NewName(name);
    internal::PlacePtr place = internal::Append(*place_, name, internal::MakeNode<internal::PassThroughNode<K, V>>(name),
                                                source_.place_->repartition_required);
    branches_.insert_or_assign(name, KStream<K, V>(std::move(place), source_.key_, source_.value_));
  }

  KStream<K, V> source_;
  std::string name_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  internal::PlacePtr place_;
  Branches branches_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_BRANCHED_KSTREAM_H_
