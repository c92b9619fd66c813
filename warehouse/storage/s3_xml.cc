#include "storage/s3_xml.h"

#include <chrono>
#include <cstdio>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "storage/uri.h"

namespace millrace::warehouse {
namespace {

void AppendUtf8(uint32_t code_point, std::string* text) {
  const auto rest = [&](int shift) { text->push_back(static_cast<char>(0x80 | ((code_point >> shift) & 0x3F))); };
  if (code_point < 0x80) {
    text->push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    text->push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    rest(0);
  } else if (code_point < 0x10000) {
    text->push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    rest(6), rest(0);
  } else {
    text->push_back(static_cast<char>(0xF0 | ((code_point >> 18) & 7)));
    rest(12), rest(6), rest(0);
  }
}

/// What "&...;" stands for; false if it is nothing that XML knows.
bool DecodeEntity(const std::string& name, std::string* text) {
  if (name == "amp")
    text->push_back('&');
  else if (name == "lt")
    text->push_back('<');
  else if (name == "gt")
    text->push_back('>');
  else if (name == "quot")
    text->push_back('"');
  else if (name == "apos")
    text->push_back('\'');
  else if (name.starts_with("#")) {
    uint32_t code_point = 0;
    const bool hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    if (!(hexadecimal ? absl::SimpleHexAtoi(name.substr(2), &code_point) : absl::SimpleAtoi(name.substr(1), &code_point)))
      return false;
    AppendUtf8(code_point, text);
  } else {
    return false;
  }
  return true;
}

std::string XmlUnescape(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
    if (end != std::string_view::npos && DecodeEntity(std::string(text.substr(i + 1, end - i - 1)), &decoded)) {
      i = end;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

/// What stands between <name> and </name>, from `*position` on, which moves behind it; false if there is none any more.
bool NextElement(const std::string& xml, const std::string& name, size_t* position, std::string* inside) {
  const std::string open = absl::StrCat("<", name, ">");
  const std::string close = absl::StrCat("</", name, ">");
  const size_t begin = xml.find(open, *position);
  if (begin == std::string::npos) return false;
  const size_t end = xml.find(close, begin);
  if (end == std::string::npos) return false;
  *inside = xml.substr(begin + open.size(), end - begin - open.size());
  *position = end + close.size();
  return true;
}

}  // namespace

std::string XmlText(const std::string& xml, const std::string& name) {
  size_t position = 0;
  std::string inside;
  return NextElement(xml, name, &position, &inside) ? XmlUnescape(inside) : "";
}

std::string XmlEscape(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

int64_t ParseS3Time(const std::string& text) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u", &year, &month, &day, &hour, &minute, &second) != 6) return -1;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return -1;
  int64_t milliseconds = 0;
  if (const size_t dot = text.find('.'); dot != std::string::npos) {
    if (!absl::SimpleAtoi(text.substr(dot + 1, 3), &milliseconds)) return -1;
  }
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milliseconds;
}

absl::StatusOr<S3Page> ParseS3Page(const std::string& xml) {
  if (xml.find("<ListBucketResult") == std::string::npos || xml.find("</ListBucketResult>") == std::string::npos) {
    return absl::InternalError(absl::StrCat("this is no whole list of objects: ", xml.substr(0, 200)));
  }
  const bool encoded = XmlText(xml, "EncodingType") == "url";
  const auto key_of = [encoded](std::string text) {
    return encoded ? PercentDecode(absl::StrReplaceAll(text, {{"+", " "}})) : text;
  };
  S3Page page;
  std::string inside;
  for (size_t position = 0; NextElement(xml, "Contents", &position, &inside);) {
    S3Page::Object object{key_of(XmlText(inside, "Key")), 0, ParseS3Time(XmlText(inside, "LastModified"))};
    if (object.key.empty() || object.modified_ms < 0 || !absl::SimpleAtoi(XmlText(inside, "Size"), &object.size_bytes)) {
      return absl::InternalError(absl::StrCat("an object in a list has no key, time or size: ", inside.substr(0, 200)));
    }
    page.objects.push_back(std::move(object));
  }
  for (size_t position = 0; NextElement(xml, "CommonPrefixes", &position, &inside);) {
    page.prefixes.push_back(key_of(XmlText(inside, "Prefix")));
  }
  if (XmlText(xml, "IsTruncated") == "true") {
    page.next = XmlText(xml, "NextContinuationToken");
    if (page.next.empty()) return absl::InternalError("a list of objects is cut off and does not say how it goes on");
  }
  return page;
}

}  // namespace millrace::warehouse
