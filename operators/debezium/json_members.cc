#include "debezium/json_members.h"

namespace millrace::internal {
namespace {

constexpr int kMostDepth = 100;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

void JsonMembers::SkipSpace() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

bool JsonMembers::Take(char c) {
  SkipSpace();
  if (at_ == text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

// From its first quote to behind its last.
bool JsonMembers::SkipString() {
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"') return ++at_, true;
    if (text_[at_] == '\\') ++at_;
  }
  return false;
}

bool JsonMembers::SkipValue() {
  int depth = 0;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      if (!SkipString()) return false;
      if (depth == 0) return true;
      continue;
    }
    if (c == '{' || c == '[') {
      if (++depth > kMostDepth) return false;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return true;  // the end of the object around a number or word
      if (--depth == 0) return ++at_, true;
    } else if (depth == 0 && (c == ',' || IsSpace(c))) {
      return true;
    }
    ++at_;
  }
  return false;
}

bool JsonMembers::Next() {
  if (damaged_) return false;
  if (!begun_ && !Take('{')) return Damaged();
  if (Take('}')) {
    SkipSpace();
    return at_ == text_.size() ? false : Damaged();
  }
  if (begun_ && !Take(',')) return Damaged();
  begun_ = true;
  SkipSpace();
  size_t start = at_;
  if (at_ == text_.size() || text_[at_] != '"' || !SkipString()) return Damaged();
  name_ = text_.substr(start + 1, at_ - start - 2);
  if (!Take(':')) return Damaged();
  SkipSpace();
  start = at_;
  if (!SkipValue() || at_ == start) return Damaged();
  value_ = text_.substr(start, at_ - start);
  return true;
}

}  // namespace millrace::internal
