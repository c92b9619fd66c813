#ifndef MILLRACE_TOPOLOGIES_NAMED_H_
#define MILLRACE_TOPOLOGIES_NAMED_H_

#include <string>
#include <utility>

namespace millrace {

/// Names a step of the topology, which otherwise gets a generated name. A plain value. Follows Kafka's `Named`.
class Named {
 public:
  Named() = default;
  /// Letters, digits, '.', '_' and '-', at most 249; anything else makes StreamsBuilder::Build fail.
  static Named As(std::string name) {
    Named named;
    named.name_ = std::move(name);
    return named;
  }
  /// Empty if a name is to be generated.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_NAMED_H_
