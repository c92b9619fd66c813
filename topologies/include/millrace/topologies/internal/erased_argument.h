#ifndef MILLRACE_TOPOLOGIES_INTERNAL_ERASED_ARGUMENT_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_ERASED_ARGUMENT_H_

#include <memory>
#include <typeinfo>
#include <utility>

namespace millrace::internal {

/// A value of any type that an argument object keeps until it is known what it is for. Unlike std::any, asking for a type that
/// nobody has set compiles to a comparison.
class ErasedArgument {
 public:
  template <class T>
  void Set(T value) {
    value_ = std::make_shared<const T>(std::move(value));
    type_ = &typeid(T);
  }
  [[nodiscard]] bool given() const { return type_ != nullptr; }
  /// Null if nothing was set, or something of another type.
  template <class T>
  [[nodiscard]] const T* Get() const {
    return type_ != nullptr && *type_ == typeid(T) ? static_cast<const T*>(value_.get()) : nullptr;
  }

 private:
  std::shared_ptr<const void> value_;
  const std::type_info* type_ = nullptr;
};

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_ERASED_ARGUMENT_H_
