#ifndef MILLRACE_TESTS_UNIT_RUNTIME_LANDING_TEST_SUPPORT_H_
#define MILLRACE_TESTS_UNIT_RUNTIME_LANDING_TEST_SUPPORT_H_

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "fake_warehouse.h"
#include "log/embedded/embedded_log.h"

namespace millrace {

/// Topics orders, of 4 partitions, and payments, of 2, and a warehouse for them.
class LandingFixture : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log_.CreateTopic("orders", 4).ok());
    ASSERT_TRUE(log_.CreateTopic("payments", 2).ok());
  }

  void Write(const std::string& topic, int32_t partition, int records, const std::string& value = "x") {
    for (int i = 0; i < records; ++i) {
      ASSERT_TRUE(log_.Append(topic, partition, BytesView("k"), BytesView(value), Timestamp::FromMillis(1000 + i)).ok());
    }
  }
  template <class Condition>
  bool Eventually(Condition condition) {
    constexpr std::chrono::milliseconds kStep{5};
    for (std::chrono::milliseconds waited{0}; waited < std::chrono::seconds(20); waited += kStep) {
      if (condition()) return true;
      host_.Sleep(kStep);
    }
    return false;
  }

  Host& host_ = Host::Real();
  log::embedded::EmbeddedLog log_;
  FakeWarehouse warehouse_;
};

}  // namespace millrace

#endif  // MILLRACE_TESTS_UNIT_RUNTIME_LANDING_TEST_SUPPORT_H_
