#ifndef MILLRACE_TESTS_UNIT_WAREHOUSE_REGISTRY_STUB_REGISTRY_H_
#define MILLRACE_TESTS_UNIT_WAREHOUSE_REGISTRY_STUB_REGISTRY_H_

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/registry_client.h"
#include "stub_http_server.h"

namespace millrace::warehouse {

/// The part of a Schema Registry that is read here, in this process.
class StubRegistry {
 public:
  using Server = warehouse_test::StubHttpServer;

  /// A new version of a subject; its id is the number of schemas so far.
  int Register(const std::string& subject, const std::string& text,
               const std::vector<RegisteredSchema::Reference>& references = {}) {
    nlohmann::json schema = {{"schemaType", "PROTOBUF"}, {"schema", text}};
    for (const auto& reference : references) {
      schema["references"].push_back({{"name", reference.name}, {"subject", reference.subject}, {"version", reference.version}});
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    const int id = static_cast<int>(by_id_.size()) + 1;
    by_id_[id] = schema;
    subjects_[subject].push_back(id);
    return id;
  }
  /// Answers every request so, until it is told nullopt.
  void SetAnswer(std::optional<Server::Answer> answer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answer_ = std::move(answer);
  }
  [[nodiscard]] RegistryOptions options() const {
    RegistryOptions options;
    options.address = server_.address() + "/";
    options.retry_time = std::chrono::milliseconds(0);
    return options;
  }
  std::vector<std::string> requests() { return server_.requests(); }

 private:
  std::optional<Server::Answer> Answer(const std::string& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (answer_) return answer_;
    const size_t begin = request.find(' ') + 1;
    const std::string path = request.substr(begin, request.find(' ', begin) - begin);
    for (const auto& [id, schema] : by_id_) {
      if (path == "/schemas/ids/" + std::to_string(id)) return Server::Answer{200, schema.dump(), ""};
    }
    for (const auto& [subject, ids] : subjects_) {
      for (size_t version = 1; version <= ids.size(); ++version) {
        const std::string folder = "/subjects/" + subject + "/versions/";
        if (path != folder + std::to_string(version) && !(version == ids.size() && path == folder + "latest")) continue;
        nlohmann::json answer = by_id_[ids[version - 1]];
        answer["id"] = ids[version - 1];
        answer["version"] = version;
        return Server::Answer{200, answer.dump(), ""};
      }
    }
    return Server::Answer{404, R"({"error_code":40401,"message":"Subject not found."})", ""};
  }

  std::mutex mutex_;
  std::map<int, nlohmann::json> by_id_;
  std::map<std::string, std::vector<int>> subjects_;
  std::optional<Server::Answer> answer_;
  Server server_{[this](const std::string& request) { return Answer(request); }};
};

}  // namespace millrace::warehouse

#endif  // MILLRACE_TESTS_UNIT_WAREHOUSE_REGISTRY_STUB_REGISTRY_H_
