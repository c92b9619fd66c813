// Stores against plain maps, under random operations, commits, lost writes, restarts and little memory.
#include <map>
#include <random>
#include <tuple>

#include "test_support.h"

namespace millrace {
namespace {

using state_test::At;
using state_test::Task;
using state_test::TemporaryDirectory;
using state_test::Walk;

class StoreModel : public testing::TestWithParam<int> {
 protected:
  StoreModel() : random_(GetParam()), on_disk_(GetParam() % 2 == 1) { Start(); }
  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  void Start() {
    task_ = std::make_unique<Task>(on_disk_, directory_.path());
    task_->LimitMemory(GetParam() % 4 < 2 ? 3000 : 1 << 20);
  }
  // A crash of the task, as after an aborted transaction: what was not persisted is gone.
  bool MayRestart() { return on_disk_ && Pick(200) == 0; }

  TemporaryDirectory directory_;
  std::mt19937 random_;
  bool on_disk_;
  std::unique_ptr<Task> task_;
};

TEST_P(StoreModel, KeyValueStoreBehavesLikeAMap) {
  using Store = KeyValueStore<std::string, std::string>;
  const auto builder = KeyValueStoreBuilder<std::string, std::string>(state_test::Named("store"));
  auto* store = task_->Open<Store>(*builder);
  std::map<std::string, std::string> model;
  std::map<std::string, std::string> committed;
  const auto text = [](auto begin, auto end) {
    std::string out;
    for (; begin != end; ++begin) out += (out.empty() ? "" : " ") + begin->first + "=" + begin->second;
    return out;
  };
  int64_t offset = 0;
  for (int step = 0; step < 4000; ++step) {
    const std::string key = "k" + std::to_string(Pick(60));
    const int what = Pick(20);
    if (what < 9) {
      model[key] = std::to_string(step);
      store->Put(key, std::to_string(step));
    } else if (what < 12) {
      model.erase(key);
      store->Delete(key);
    } else if (what < 17) {
      const std::string* value = store->Get(key);
      ASSERT_EQ(value != nullptr, model.contains(key)) << step;
      if (value != nullptr) {
        ASSERT_EQ(*value, model[key]);
      }
    } else if (what < 18) {
      const std::string to = "k" + std::to_string(Pick(60));
      const auto first = model.lower_bound(key);
      const auto last = to < key ? first : model.upper_bound(to);
      auto it = store->Range(&key, &to);
      const std::string before = text(first, last);
      store->Put("k3", "x");
      model["k3"] = "x";
      ASSERT_EQ(Walk(std::move(it)), before) << step;
      ASSERT_EQ(Walk(store->ReverseAll()), text(model.rbegin(), model.rend()));
    } else if (Pick(5) == 0) {
      task_->Commit(++offset);
      committed = model;
    }
    if (MayRestart()) {
      task_.reset();
      Start();
      store = task_->Open<Store>(*builder);
      model = committed;
      ASSERT_EQ(task_->Offset().value_or(0), offset);
    }
  }
  EXPECT_EQ(Walk(store->All()), text(model.begin(), model.end()));
  EXPECT_EQ(task_->error.status(), absl::OkStatus());
}

TEST_P(StoreModel, WindowStoreBehavesLikeAMapThatForgets) {
  using Store = WindowStore<std::string, std::string>;
  const WindowStoreOptions options{state_test::Named("store"), std::chrono::milliseconds(200'000), std::chrono::milliseconds(10),
                                   false};
  const auto builder = WindowStoreBuilder<std::string, std::string>(options);
  auto* store = task_->Open<Store>(*builder);
  struct Model {
    std::map<std::pair<std::string, int64_t>, std::string> windows;
    int64_t now = -1;
  };
  Model model;
  Model committed;
  int64_t offset = 0;
  for (int step = 0; step < 4000; ++step) {
    const std::string key(static_cast<size_t>(Pick(5)), 'k');
    const int64_t time = std::max<int64_t>(0, step * 300 - Pick(250'000));
    const int what = Pick(20);
    if (what < 12) {
      model.now = std::max(model.now, time);
      const bool live = time / 100'000 >= (model.now - 200'000) / 100'000;
      const bool remove = what < 2;
      store->Put(key, remove ? std::nullopt : std::optional<std::string>(std::to_string(step)), At(time));
      if (live && remove) model.windows.erase({key, time});
      if (live && !remove) model.windows[{key, time}] = std::to_string(step);
    } else if (what < 15) {
      const std::string* value = store->Fetch(key, At(time));
      const auto expected = model.windows.find({key, time});
      ASSERT_EQ(value != nullptr, expected != model.windows.end() && time > model.now - 200'000) << step;
      if (value != nullptr) {
        ASSERT_EQ(*value, expected->second);
      }
    } else if (what < 18) {
      const int64_t to = time + Pick(100'000);
      std::string expected;
      for (const auto& [at, value] : model.windows) {
        if (at.first != key || at.second < time || at.second > to || at.second <= model.now - 200'000) continue;
        expected += (expected.empty() ? "" : " ") + std::to_string(at.second) + "=" + value;
      }
      ASSERT_EQ(Walk(store->Fetch(key, At(time), At(to))), expected) << step;
    } else if (Pick(5) == 0) {
      task_->Commit(++offset);
      committed = model;
    }
    if (MayRestart()) {
      task_.reset();
      Start();
      store = task_->Open<Store>(*builder);
      model = committed;
    }
  }
  size_t live = 0;
  for (const auto& [at, value] : model.windows) live += at.second > model.now - 200'000 ? 1 : 0;
  for (auto it = store->FetchAll(At(0), At(10'000'000)); it->Valid(); it->Next()) {
    ASSERT_EQ(model.windows.at({it->key().key, it->key().window.start.millis()}), it->value());
    --live;
  }
  EXPECT_EQ(live, 0U);
  EXPECT_EQ(task_->error.status(), absl::OkStatus());
}

TEST_P(StoreModel, ADuplicateWindowStoreBehavesLikeAMapThatForgets) {
  using Store = WindowStore<std::string, std::string>;
  const WindowStoreOptions options{state_test::Named("store"), std::chrono::milliseconds(200'000), std::chrono::milliseconds(10),
                                   true};
  const auto builder = WindowStoreBuilder<std::string, std::string>(options);
  auto* store = task_->Open<Store>(*builder);
  struct Model {
    std::map<std::tuple<std::string, int64_t, int>, std::string> windows;  // by sequence number too
    int64_t now = -1;
  };
  Model model;
  Model committed;
  int sequence = 0;
  int64_t offset = 0;
  const auto text = [&](const std::string& key, int64_t from, int64_t to) {
    std::string out;
    for (const auto& [at, value] : model.windows) {
      const auto& [k, time, number] = at;
      if (k != key || time < from || time > to || time <= model.now - 200'000) continue;
      out += (out.empty() ? "" : " ") + std::to_string(time) + "=" + value;
    }
    return out;
  };
  for (int step = 0; step < 6000; ++step) {
    const std::string key(static_cast<size_t>(Pick(5)), 'k');
    const int64_t time = std::max<int64_t>(0, step * 300 - (Pick(3) == 0 ? Pick(250'000) : Pick(300)));
    const int what = Pick(20);
    if (what < 12) {
      model.now = std::max(model.now, time);
      const bool live = time / 100'000 >= (model.now - 200'000) / 100'000;
      const std::string value(static_cast<size_t>(Pick(200)), static_cast<char>('a' + step % 26));
      store->Put(key, what == 0 ? std::nullopt : std::optional<std::string>(value), At(time));
      ++sequence;
      if (live && what != 0) model.windows[{key, time, sequence}] = value;
    } else if (what < 18) {
      const int64_t to = time + Pick(100'000);
      const std::string expected = text(key, time, to);
      auto it = store->Fetch(key, At(time), At(to));
      if (Pick(4) == 0) {
        store->Put(key, "x", At(std::max(time, model.now)));
        model.now = std::max(model.now, time);
        model.windows[{key, model.now, ++sequence}] = "x";
      }
      ASSERT_EQ(Walk(std::move(it)), expected) << step;
      std::string visited;
      const std::string now = text(key, time, to);
      store->ForEach(key, At(time), At(to), [&](Timestamp start, const std::string& value) {
        visited += (visited.empty() ? "" : " ") + std::to_string(start.millis()) + "=" + value;
      });
      ASSERT_EQ(visited, now) << step;
    } else if (Pick(5) == 0) {
      task_->Commit(++offset);
      committed = model;
    }
    if (MayRestart()) {
      task_.reset();
      Start();
      store = task_->Open<Store>(*builder);
      model = committed;
      sequence = 0;
    }
  }
  size_t live = 0;
  for (const auto& [at, value] : model.windows) live += std::get<1>(at) > model.now - 200'000 ? 1 : 0;
  for (auto it = store->FetchAll(At(0), At(10'000'000)); it->Valid(); it->Next()) --live;
  EXPECT_EQ(live, 0U);
  EXPECT_EQ(task_->error.status(), absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreModel, testing::Range(0, 8));

}  // namespace
}  // namespace millrace
