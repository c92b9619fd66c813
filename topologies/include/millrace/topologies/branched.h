#ifndef MILLRACE_TOPOLOGIES_BRANCHED_H_
#define MILLRACE_TOPOLOGIES_BRANCHED_H_

#include <string>
#include <utility>

namespace millrace {

/// Names a branch of KStream::Split; the branch's name is that of the split followed by this one. Follows Kafka's `Branched`.
class Branched {
 public:
  Branched() = default;
  static Branched As(std::string name) {
    Branched branched;
    branched.name_ = std::move(name);
    return branched;
  }
  /// Empty if the branch is to be numbered.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace millrace

#endif  // MILLRACE_TOPOLOGIES_BRANCHED_H_
