#ifndef MILLRACE_RUNTIME_CONFIG_NEAREST_NAME_H_
#define MILLRACE_RUNTIME_CONFIG_NEAREST_NAME_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Number of inserted, deleted and replaced characters between two texts.
inline int EditDistance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// The candidate nearest to `name` within `limit` edits, or "" if none is; the first of several equals.
template <class Candidates>
std::string NearestName(std::string_view name, const Candidates& candidates, int limit) {
  std::string best;
  int best_distance = limit + 1;
  for (const auto& candidate : candidates) {
    const int distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = std::string(candidate);
    }
  }
  return best;
}

}  // namespace millrace

#endif  // MILLRACE_RUNTIME_CONFIG_NEAREST_NAME_H_
