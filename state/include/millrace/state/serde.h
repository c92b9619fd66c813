#ifndef MILLRACE_STATE_SERDE_H_
#define MILLRACE_STATE_SERDE_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/state/bytes.h"
#include "millrace/state/serde_fingerprint.h"

namespace millrace {

/// How values of T become bytes and back; specialise it for a type of your own. A specialisation is a small value:
///
///   template <> struct Serde<Money> {
///     void Serialize(const Money& value, Bytes* out) const;                 // appends
///     absl::Status Deserialize(BytesView bytes, Money* value) const;        // overwrites, may reuse *value's memory
///     size_t MemoryBytes(const Money& value) const;                         // what a decoded value holds, sizeof included
///     SerdeFingerprint Fingerprint() const;                                 // optional: names the layout, e.g. {.name =
///     "money"}
///     absl::StatusOr<bool> DeserializeNullable(BytesView bytes, Money* value) const;  // optional: false = the bytes mean null
///   };
///
/// DeserializeNullable is for formats in which a value says that there is none, as a delete in the change log of a database does.
/// Sources read with it. A table that is read so has a changelog of its own always, as its topic holds what no store does.
///
/// With a fingerprint, a program that would misread the state of the running application refuses to start; change the name when
/// the bytes change. Without one nothing is checked.
///
/// Byte layouts of the shipped specialisations are those of Kafka's Java serdes ("millrace/state/serdes.h").
template <class T>
struct Serde;

/// S can stand as the serde of T.
template <class S, class T>
concept SerdeFor = requires(const S& serde, const T& value, T* out, Bytes* bytes, BytesView view) {
  { serde.Serialize(value, bytes) } -> std::same_as<void>;
  { serde.Deserialize(view, out) } -> std::same_as<absl::Status>;
  { serde.MemoryBytes(value) } -> std::convertible_to<size_t>;
};

/// T has a serde by type: Serde<T> is specialised (and seen by then).
template <class T>
concept HasSerde = requires {
  sizeof(Serde<T>);
}
&&std::default_initializable<Serde<T>>&& SerdeFor<Serde<T>, T>;

/// S says what it writes.
template <class S>
concept HasFingerprint = requires(const S& serde) {
  { serde.Fingerprint() } -> std::same_as<SerdeFingerprint>;
};

/// S reads bytes that mean null.
template <class S, class T>
concept HasNulls = requires(const S& serde, T* out, BytesView view) {
  { serde.DeserializeNullable(view, out) } -> std::same_as<absl::StatusOr<bool>>;
};

/// The serde in use for T: the one found by type, or one given as an argument. Cheap to copy at build time, shared and
/// immutable, so safe to use from every thread.
template <class T>
class AnySerde {
 public:
  AnySerde() requires HasSerde<T> : AnySerde(Serde<T>()) {}
  template <SerdeFor<T> S>
  explicit(false) AnySerde(S serde) : impl_(std::make_shared<Model<S>>(std::move(serde))) {}  // NOLINT: a serde is one

  void Serialize(const T& value, Bytes* out) const { impl_->Serialize(value, out); }
  [[nodiscard]] Bytes ToBytes(const T& value) const {
    Bytes out;
    impl_->Serialize(value, &out);
    return out;
  }
  [[nodiscard]] absl::Status Deserialize(BytesView bytes, T* value) const { return impl_->Deserialize(bytes, value); }
  /// For what others wrote: false = the bytes mean null, and *value is of no account.
  [[nodiscard]] absl::StatusOr<bool> DeserializeNullable(BytesView bytes, T* value) const {
    return impl_->DeserializeNullable(bytes, value);
  }
  /// There are bytes that mean null.
  [[nodiscard]] bool has_nulls() const { return impl_->has_nulls(); }
  [[nodiscard]] size_t MemoryBytes(const T& value) const { return impl_->MemoryBytes(value); }
  /// Without a name if the serde has none.
  [[nodiscard]] SerdeFingerprint Fingerprint() const { return impl_->Fingerprint(); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual void Serialize(const T& value, Bytes* out) const = 0;
    virtual absl::Status Deserialize(BytesView bytes, T* value) const = 0;
    virtual absl::StatusOr<bool> DeserializeNullable(BytesView bytes, T* value) const = 0;
    [[nodiscard]] virtual bool has_nulls() const = 0;
    virtual size_t MemoryBytes(const T& value) const = 0;
    [[nodiscard]] virtual SerdeFingerprint Fingerprint() const = 0;
  };
  template <class S>
  struct Model final : Interface {
    explicit Model(S s) : serde(std::move(s)) {}
    void Serialize(const T& value, Bytes* out) const override { serde.Serialize(value, out); }
    absl::Status Deserialize(BytesView bytes, T* value) const override { return serde.Deserialize(bytes, value); }
    absl::StatusOr<bool> DeserializeNullable(BytesView bytes, T* value) const override {
      if constexpr (HasNulls<S, T>) {
        return serde.DeserializeNullable(bytes, value);
      } else {
        if (absl::Status status = serde.Deserialize(bytes, value); !status.ok()) return status;
        return true;
      }
    }
    [[nodiscard]] bool has_nulls() const override { return HasNulls<S, T>; }
    size_t MemoryBytes(const T& value) const override { return serde.MemoryBytes(value); }
    SerdeFingerprint Fingerprint() const override {
      if constexpr (HasFingerprint<S>) {
        return serde.Fingerprint();
      } else {
        return {};
      }
    }
    S serde;
  };
  std::shared_ptr<const Interface> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_SERDE_H_
