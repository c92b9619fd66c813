#ifndef MILLRACE_TOPOLOGIES_INTERNAL_CALLABLES_H_
#define MILLRACE_TOPOLOGIES_INTERNAL_CALLABLES_H_

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Turns users' functions, which take keys and values by reference or by pointer, into the pointer form of the operators. A
// function that takes a reference is never called with null (design section 2).

namespace millrace::internal {

/// The type that a nullable result holds: optional<T> is T, text of any kind is std::string.
template <class T>
struct UnwrapResult {
  using type = std::remove_cvref_t<T>;
};
template <class T>
struct UnwrapResult<std::optional<T>> {
  using type = T;
};
template <>
struct UnwrapResult<const char*> {
  using type = std::string;
};
template <>
struct UnwrapResult<std::string_view> {
  using type = std::string;
};
template <class T>
using Unwrapped = typename UnwrapResult<std::remove_cvref_t<T>>::type;

template <class R, class T>
std::optional<R> ToOptional(T&& value) {
  if constexpr (std::is_same_v<std::remove_cvref_t<T>, std::optional<R>> || std::is_same_v<std::remove_cvref_t<T>, R>) {
    return std::forward<T>(value);
  } else {
    return std::optional<R>(R(std::forward<T>(value)));
  }
}

template <bool kPointer, class T>
using ArgumentOf = std::conditional_t<kPointer, const T*, const T&>;
template <bool kPointer, class T>
ArgumentOf<kPointer, T> AsArgument(const T* value) {
  if constexpr (kPointer) {
    return value;
  } else {
    return *value;
  }
}

/// The forms of a function over (value) or (key, value), as bits: value by pointer, key taken, key by pointer.
template <class F, class K, class V, int kForm>
constexpr bool FitsKeyValue() {
  constexpr bool kValuePointer = (kForm & 1) != 0;
  constexpr bool kKey = (kForm & 2) != 0;
  constexpr bool kKeyPointer = (kForm & 4) != 0;
  if constexpr (kKeyPointer && !kKey) {
    return false;
  } else if constexpr (kKey) {
    return std::is_invocable_v<F&, ArgumentOf<kKeyPointer, K>, ArgumentOf<kValuePointer, V>>;
  } else {
    return std::is_invocable_v<F&, ArgumentOf<kValuePointer, V>>;
  }
}
template <class F, class K, class V, int kForm = 0>
constexpr int KeyValueForm() {
  if constexpr (kForm == 8) {
    return -1;
  } else if constexpr (FitsKeyValue<F, K, V, kForm>()) {
    return kForm;
  } else {
    return KeyValueForm<F, K, V, kForm + 1>();
  }
}
template <class F, class K, class V>
inline constexpr bool kTakesKeyValue = KeyValueForm<std::decay_t<F>, K, V>() >= 0;

template <class F, class K, class V>
decltype(auto) CallKeyValue(F& f, const K* key, const V* value) {
  constexpr int kForm = KeyValueForm<F, K, V>();
  if constexpr ((kForm & 2) != 0) {
    return f(AsArgument<(kForm & 4) != 0>(key), AsArgument<(kForm & 1) != 0>(value));
  } else {
    return f(AsArgument<(kForm & 1) != 0>(value));
  }
}
/// Whether the null rule keeps the function from being called.
template <class F, class K, class V>
bool SparedKeyValue(const K* key, const V* value) {
  constexpr int kForm = KeyValueForm<F, K, V>();
  return ((kForm & 1) == 0 && value == nullptr) || ((kForm & 2) != 0 && (kForm & 4) == 0 && key == nullptr);
}
template <class F, class K, class V>
using KeyValueResult = decltype(CallKeyValue<std::decay_t<F>, K, V>(std::declval<std::decay_t<F>&>(), nullptr, nullptr));

template <class K, class V, class F>
std::function<bool(const K*, const V*)> MakePredicate(F f, bool negate) {
  return [f = std::move(f), negate](const K* key, const V* value) mutable {
    const bool holds = !SparedKeyValue<F, K, V>(key, value) && static_cast<bool>(CallKeyValue<F, K, V>(f, key, value));
    return holds != negate;
  };
}

template <class K, class V, class F>
std::function<void(const K*, const V*)> MakeAction(F f) {
  return [f = std::move(f)](const K* key, const V* value) mutable {
    if (!SparedKeyValue<F, K, V>(key, value)) static_cast<void>(CallKeyValue<F, K, V>(f, key, value));
  };
}

template <class R, class K, class V, class F>
std::function<std::optional<R>(const K*, const V*)> MakeMapper(F f) {
  return [f = std::move(f)](const K* key, const V* value) mutable {
    if (SparedKeyValue<F, K, V>(key, value)) return std::optional<R>();
    return ToOptional<R>(CallKeyValue<F, K, V>(f, key, value));
  };
}

template <class K2, class V2, class Pair>
std::pair<std::optional<K2>, std::optional<V2>> ToNullablePair(Pair&& pair) {
  return {ToOptional<K2>(std::forward<Pair>(pair).first), ToOptional<V2>(std::forward<Pair>(pair).second)};
}

template <class K2, class V2, class K, class V, class F>
std::function<std::pair<std::optional<K2>, std::optional<V2>>(const K*, const V*)> MakePairMapper(F f) {
  return [f = std::move(f)](const K* key, const V* value) mutable {
    if (SparedKeyValue<F, K, V>(key, value)) return std::pair<std::optional<K2>, std::optional<V2>>();
    return ToNullablePair<K2, V2>(CallKeyValue<F, K, V>(f, key, value));
  };
}

template <class K2, class V2, class K, class V, class F>
std::function<std::vector<std::pair<std::optional<K2>, std::optional<V2>>>(const K*, const V*)> MakePairsMapper(F f) {
  return [f = std::move(f)](const K* key, const V* value) mutable {
    std::vector<std::pair<std::optional<K2>, std::optional<V2>>> result;
    if (SparedKeyValue<F, K, V>(key, value)) return result;
    for (auto&& pair : CallKeyValue<F, K, V>(f, key, value)) result.push_back(ToNullablePair<K2, V2>(std::move(pair)));
    return result;
  };
}

template <class V2, class K, class V, class F>
std::function<std::vector<std::optional<V2>>(const K*, const V*)> MakeValuesMapper(F f) {
  return [f = std::move(f)](const K* key, const V* value) mutable {
    std::vector<std::optional<V2>> result;
    if (SparedKeyValue<F, K, V>(key, value)) return result;
    for (auto&& each : CallKeyValue<F, K, V>(f, key, value)) result.push_back(ToOptional<V2>(std::move(each)));
    return result;
  };
}

template <class T>
using ElementOf = std::remove_cvref_t<decltype(*std::begin(std::declval<std::remove_cvref_t<T>&>()))>;

/// The forms of a joiner over (left, right) or (key, left, right), as bits: left by pointer, right by pointer, key taken, key by
/// pointer. A side that may be missing is taken by pointer only.
template <class F, class K, class V1, class V2, bool kLeftMayMiss, bool kRightMayMiss, int kForm>
constexpr bool FitsJoin() {
  constexpr bool kLeftPointer = (kForm & 1) != 0;
  constexpr bool kRightPointer = (kForm & 2) != 0;
  constexpr bool kKey = (kForm & 4) != 0;
  constexpr bool kKeyPointer = (kForm & 8) != 0;
  if constexpr ((kKeyPointer && !kKey) || (kLeftMayMiss && !kLeftPointer) || (kRightMayMiss && !kRightPointer)) {
    return false;
  } else if constexpr (kKey) {
    return std::is_invocable_v<F&, ArgumentOf<kKeyPointer, K>, ArgumentOf<kLeftPointer, V1>, ArgumentOf<kRightPointer, V2>>;
  } else {
    return std::is_invocable_v<F&, ArgumentOf<kLeftPointer, V1>, ArgumentOf<kRightPointer, V2>>;
  }
}
template <class F, class K, class V1, class V2, bool kLeftMayMiss, bool kRightMayMiss, int kForm = 0>
constexpr int JoinForm() {
  if constexpr (kForm == 16) {
    return -1;
  } else if constexpr (FitsJoin<F, K, V1, V2, kLeftMayMiss, kRightMayMiss, kForm>()) {
    return kForm;
  } else {
    return JoinForm<F, K, V1, V2, kLeftMayMiss, kRightMayMiss, kForm + 1>();
  }
}

template <int kForm, class F, class K, class V1, class V2>
decltype(auto) CallJoiner(F& f, const K* key, const V1* left, const V2* right) {
  if constexpr ((kForm & 4) != 0) {
    return f(AsArgument<(kForm & 8) != 0>(key), AsArgument<(kForm & 1) != 0>(left), AsArgument<(kForm & 2) != 0>(right));
  } else {
    return f(AsArgument<(kForm & 1) != 0>(left), AsArgument<(kForm & 2) != 0>(right));
  }
}
template <int kForm, class F, class K, class V1, class V2>
using JoinResult = Unwrapped<decltype(CallJoiner<kForm, F, K, V1, V2>(std::declval<F&>(), nullptr, nullptr, nullptr))>;

/// `kForm` as found by JoinForm.
template <int kForm, class R, class K, class V1, class V2, class F>
std::function<std::optional<R>(const K*, const V1*, const V2*)> MakeJoiner(F f) {
  return [f = std::move(f)](const K* key, const V1* left, const V2* right) mutable {
    const bool spared = ((kForm & 1) == 0 && left == nullptr) || ((kForm & 2) == 0 && right == nullptr) ||
                        ((kForm & 4) != 0 && (kForm & 8) == 0 && key == nullptr);
    if (spared) return std::optional<R>();
    return ToOptional<R>(CallJoiner<kForm>(f, key, left, right));
  };
}

/// A function whose parameters are written down, so that it can be asked what it takes without compiling its body.
template <class F>
concept NotGeneric = requires {
  &F::operator();
}
|| std::is_pointer_v<F>;

/// The forms of an aggregator over (value, aggregate) or (key, value, aggregate), as bits: value by pointer, key taken. The
/// aggregate comes by value, or as an optional if the function takes one.
template <class F, class K, class V, class A, int kForm>
constexpr bool FitsAggregator() {
  constexpr bool kValuePointer = (kForm & 1) != 0;
  if constexpr ((kForm & 2) != 0) {
    return std::is_invocable_v<F&, const K&, ArgumentOf<kValuePointer, V>, A>;
  } else {
    return std::is_invocable_v<F&, ArgumentOf<kValuePointer, V>, A>;
  }
}
template <class F, class K, class V, class A, int kForm = 0>
constexpr int AggregatorForm() {
  if constexpr (kForm == 4) {
    return -1;
  } else if constexpr (FitsAggregator<F, K, V, A, kForm>()) {
    return kForm;
  } else {
    return AggregatorForm<F, K, V, A, kForm + 1>();
  }
}
template <class F, class K, class V, class VA>
constexpr bool TakesOptionalAggregate() {
  if constexpr (NotGeneric<F>) {
    return AggregatorForm<F, K, V, std::optional<VA>>() >= 0;
  } else {
    return false;
  }
}
template <class F, class K, class V, class VA>
inline constexpr bool kTakesAggregate = TakesOptionalAggregate<F, K, V, VA>() || AggregatorForm<F, K, V, VA>() >= 0;

/// An aggregator that takes the value by reference leaves the aggregate as it is when the value is null; one that takes the
/// aggregate itself gives null when that is null.
template <class K, class V, class VA, class F>
std::function<std::optional<VA>(const K&, const V*, std::optional<VA>)> MakeAggregator(F f) {
  return [f = std::move(f)](const K& key, const V* value, std::optional<VA> aggregate) mutable -> std::optional<VA> {
    constexpr bool kOptional = TakesOptionalAggregate<F, K, V, VA>();
    using A = std::conditional_t<kOptional, std::optional<VA>, VA>;
    constexpr int kForm = AggregatorForm<F, K, V, A>();
    constexpr bool kValuePointer = (kForm & 1) != 0;
    if (!kValuePointer && value == nullptr) return aggregate;
    if constexpr (kOptional) {
      if constexpr ((kForm & 2) != 0) {
        return ToOptional<VA>(f(key, AsArgument<kValuePointer>(value), std::move(aggregate)));
      } else {
        return ToOptional<VA>(f(AsArgument<kValuePointer>(value), std::move(aggregate)));
      }
    } else {
      if (!aggregate) return std::nullopt;
      if constexpr ((kForm & 2) != 0) {
        return ToOptional<VA>(f(key, AsArgument<kValuePointer>(value), *std::move(aggregate)));
      } else {
        return ToOptional<VA>(f(AsArgument<kValuePointer>(value), *std::move(aggregate)));
      }
    }
  };
}

}  // namespace millrace::internal

#endif  // MILLRACE_TOPOLOGIES_INTERNAL_CALLABLES_H_
