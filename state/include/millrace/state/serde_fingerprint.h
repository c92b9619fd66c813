#ifndef MILLRACE_STATE_SERDE_FINGERPRINT_H_
#define MILLRACE_STATE_SERDE_FINGERPRINT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace millrace {

/// What a serde writes, so that programs which share a store can tell beforehand whether they understand each other's bytes. A
/// plain value. It names the layout, not the C++ type: serdes that write the same bytes have the same fingerprint.
struct SerdeFingerprint {
  /// "string", "list<int64>", "protobuf shop.Order". Empty: the serde does not say, and nothing is checked.
  std::string name;

  struct Field {
    /// Types that a reader may take for one another without harm have one name ("varint" for int32, uint32, int64, ...).
    std::string type;
    /// For a field that is a message: its name in `messages`.
    std::string message;
    friend bool operator==(const Field&, const Field&) = default;
  };
  /// For formats of numbered fields, which may grow: the messages at the top, and the fields by number of these and of all
  /// messages inside them, by the messages' names.
  std::vector<std::string> roots;
  std::map<std::string, std::map<int32_t, Field>> messages;

  friend bool operator==(const SerdeFingerprint&, const SerdeFingerprint&) = default;
};

/// One thing that differs: what it is, how it stands in the first, how in the second.
struct FormatDifference {
  std::string what;
  std::string first;
  std::string second;
  friend bool operator==(const FormatDifference&, const FormatDifference&) = default;
};

enum class Evolution {
  /// For keys: their bytes are their identity.
  kNone,
  /// For values: fields may come and go, and messages inside may be renamed, as long as no number has two types.
  kFields,
};

/// Why bytes written under one of the two cannot be read under the other; empty if they can.
[[nodiscard]] std::vector<FormatDifference> CompareFingerprints(const SerdeFingerprint& first, const SerdeFingerprint& second,
                                                                Evolution evolution);

/// `now` with the fields that only `before` has, so that a number that was ever used is remembered. For fingerprints without
/// differences under kFields.
[[nodiscard]] SerdeFingerprint RememberFields(const SerdeFingerprint& before, const SerdeFingerprint& now);

}  // namespace millrace

#endif  // MILLRACE_STATE_SERDE_FINGERPRINT_H_
