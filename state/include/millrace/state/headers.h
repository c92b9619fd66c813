#ifndef MILLRACE_STATE_HEADERS_H_
#define MILLRACE_STATE_HEADERS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

/// One header of a Kafka record; the value may be null.
struct Header {
  std::string name;
  std::optional<std::string> value;
  friend bool operator==(const Header&, const Header&) = default;
};

/// The headers of a record, in order; names may repeat. Follows Kafka's `Headers`. Empty headers allocate nothing.
class Headers {
 public:
  void Add(std::string_view name, std::optional<std::string_view> value) {
    headers_.push_back({std::string(name), value ? std::optional<std::string>(*value) : std::nullopt});
  }
  /// Removes every header of that name.
  void Remove(std::string_view name) {
    std::erase_if(headers_, [name](const Header& h) { return h.name == name; });
  }
  /// The last header of that name, or null. Valid until the headers change.
  [[nodiscard]] const Header* Last(std::string_view name) const {
    for (auto it = headers_.rbegin(); it != headers_.rend(); ++it) {
      if (it->name == name) return &*it;
    }
    return nullptr;
  }
  void clear() { headers_.clear(); }
  [[nodiscard]] bool empty() const { return headers_.empty(); }
  [[nodiscard]] size_t size() const { return headers_.size(); }
  [[nodiscard]] auto begin() const { return headers_.begin(); }
  [[nodiscard]] auto end() const { return headers_.end(); }
  friend bool operator==(const Headers&, const Headers&) = default;

  /// The one empty instance that records without headers point to.
  static const Headers& Empty();

 private:
  std::vector<Header> headers_;
};

}  // namespace millrace

#endif  // MILLRACE_STATE_HEADERS_H_
