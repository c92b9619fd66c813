#ifndef MILLRACE_STATE_INTERNAL_STORE_BUILDERS_H_
#define MILLRACE_STATE_INTERNAL_STORE_BUILDERS_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "millrace/state/internal/duplicate_window_store.h"
#include "millrace/state/internal/key_value_stores.h"
#include "millrace/state/internal/outer_join_store.h"
#include "millrace/state/internal/window_stores.h"
#include "millrace/state/stores.h"

namespace millrace {
namespace internal {

/// A builder from a function.
class MakeStoreBuilder final : public StoreBuilder {
 public:
  using Make = std::function<std::unique_ptr<StateStore>()>;
  MakeStoreBuilder(std::string name, ChangelogConfig changelog, StoreFormat format, Make make)
      : name_(std::move(name)), changelog_(std::move(changelog)), format_(std::move(format)), make_(std::move(make)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const ChangelogConfig& changelog() const override { return changelog_; }
  [[nodiscard]] const StoreFormat& format() const override { return format_; }
  [[nodiscard]] std::unique_ptr<StateStore> Build() const override { return make_(); }

 private:
  std::string name_;
  ChangelogConfig changelog_;
  StoreFormat format_;
  Make make_;
};

template <class Store, class... Args>
std::shared_ptr<const StoreBuilder> MakeBuilder(const StoreOptions& options, StoreFormat format, Args... args) {
  return std::make_shared<MakeStoreBuilder>(options.name, options.changelog, std::move(format),
                                            [=]() -> std::unique_ptr<StateStore> { return std::make_unique<Store>(args...); });
}

template <class K, class... Vs>
StoreFormat FormatOf(std::string kind, const AnySerde<K>& key, const AnySerde<Vs>&... values) {
  return {std::move(kind), 1, key.Fingerprint(), {values.Fingerprint()...}};
}

inline Discipline DisciplineOf(const StoreOptions& options) {
  return options.caching ? Discipline::kCached : Discipline::kLogged;
}
/// Changelogs of windowed stores drop what is past the retention.
StoreOptions WithWindowedChangelog(WindowStoreOptions options);
inline WindowLayout LayoutOf(const WindowStoreOptions& options) {
  return {options.retention.count(), options.window_size.count()};
}

}  // namespace internal

template <class K, class V>
std::shared_ptr<const StoreBuilder> KeyValueStoreBuilder(StoreOptions options, AnySerde<K> key, AnySerde<V> value) {
  StoreFormat format = internal::FormatOf("key-value", key, value);
  return internal::MakeBuilder<internal::KeyValueStoreImpl<K, V>>(
      options, std::move(format), options.name, options.kind, internal::DisciplineOf(options), std::move(key), std::move(value));
}

template <class K, class V>
std::shared_ptr<const StoreBuilder> TimestampedKeyValueStoreBuilder(StoreOptions options, AnySerde<K> key, AnySerde<V> value) {
  StoreFormat format = internal::FormatOf("timestamped-key-value", key, value);
  return internal::MakeBuilder<internal::TimestampedKeyValueStoreImpl<K, V>>(
      options, std::move(format), options.name, options.kind, internal::DisciplineOf(options), std::move(key), std::move(value));
}

namespace internal {

/// For a store that retains duplicates.
template <class K, class V>
std::shared_ptr<const StoreBuilder> DuplicateWindowStoreBuilder(const WindowStoreOptions& options, AnySerde<K> key,
                                                                AnySerde<V> value) {
  const StoreOptions store = WithWindowedChangelog(options);
  // Numbers its puts in their keys.
  StoreFormat format = FormatOf("duplicates-window", key, value);
  return MakeBuilder<DuplicateWindowStoreImpl<K, V>>(store, std::move(format), store.name, store.kind, LayoutOf(options),
                                                     std::move(key), std::move(value));
}

}  // namespace internal

template <class K, class V>
std::shared_ptr<const StoreBuilder> WindowStoreBuilder(WindowStoreOptions options, AnySerde<K> key, AnySerde<V> value) {
  if (options.retain_duplicates) return internal::DuplicateWindowStoreBuilder<K, V>(options, std::move(key), std::move(value));
  const StoreOptions store = internal::WithWindowedChangelog(options);
  StoreFormat format = internal::FormatOf("window", key, value);
  return internal::MakeBuilder<internal::WindowStoreImpl<K, V>>(store, std::move(format), store.name, store.kind,
                                                                internal::DisciplineOf(store), internal::LayoutOf(options),
                                                                std::move(key), std::move(value));
}

template <class K, class V>
std::shared_ptr<const StoreBuilder> TimestampedWindowStoreBuilder(WindowStoreOptions options, AnySerde<K> key,
                                                                  AnySerde<V> value) {
  const StoreOptions store = internal::WithWindowedChangelog(options);
  StoreFormat format = internal::FormatOf("timestamped-window", key, value);
  return internal::MakeBuilder<internal::TimestampedWindowStoreImpl<K, V>>(
      store, std::move(format), store.name, store.kind, internal::DisciplineOf(store), internal::LayoutOf(options),
      std::move(key), std::move(value));
}

template <class K, class VL, class VR>
std::shared_ptr<const StoreBuilder> OuterJoinStoreBuilder(StoreOptions options, AnySerde<K> key, AnySerde<VL> left,
                                                          AnySerde<VR> right) {
  StoreFormat format = internal::FormatOf("outer-join", key, left, right);
  return internal::MakeBuilder<internal::OuterJoinStoreImpl<K, VL, VR>>(options, std::move(format), options.name, options.kind,
                                                                        std::move(key), std::move(left), std::move(right));
}

}  // namespace millrace

#endif  // MILLRACE_STATE_INTERNAL_STORE_BUILDERS_H_
