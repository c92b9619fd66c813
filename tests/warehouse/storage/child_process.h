#ifndef MILLRACE_TESTS_WAREHOUSE_STORAGE_CHILD_PROCESS_H_
#define MILLRACE_TESTS_WAREHOUSE_STORAGE_CHILD_PROCESS_H_

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace millrace::warehouse_test {

/// A program that serves until its standard input is closed, which also happens when the test is killed.
class ChildProcess {
 public:
  explicit ChildProcess(const std::vector<std::string>& command) {
    int input[2];
    int output[2];
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
    process_ = fork();
    if (process_ == 0) {
      dup2(input[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      std::vector<char*> arguments;
      for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
      arguments.push_back(nullptr);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    close(input[0]);
    close(output[1]);
    input_ = input[1];
    output_ = fdopen(output[0], "r");
  }
  ~ChildProcess() {
    close(input_);
    fclose(output_);
    waitpid(process_, nullptr, 0);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The next line that it prints. Throws if it ends before.
  std::string ReadLine() {
    std::string line;
    for (int c = fgetc(output_); c != '\n'; c = fgetc(output_)) {
      if (c == EOF) throw std::runtime_error("the program ended after: " + line);
      line.push_back(static_cast<char>(c));
    }
    return line;
  }
  /// For programs that read commands.
  void WriteLine(const std::string& line) {
    const std::string text = line + "\n";
    if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("it reads no more");
  }

 private:
  pid_t process_ = -1;
  int input_ = -1;
  FILE* output_ = nullptr;
};

/// A folder of the test's own, removed with it. World-readable, as a server may run as another user.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-warehouse-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
    path_ = pattern;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// What a shell command prints. Throws, with it, if it fails.
inline std::string RunCommand(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string output;
  char block[4096];
  for (size_t got = fread(block, 1, sizeof(block), pipe); got > 0; got = fread(block, 1, sizeof(block), pipe))
    output.append(block, got);
  if (pclose(pipe) != 0) throw std::runtime_error(command + ": " + output);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

inline std::string Python() { return std::string(MILLRACE_SOURCE_DIR) + "/build/python/bin/python"; }
inline std::string TestFile(const std::string& name) {
  return std::string(MILLRACE_SOURCE_DIR) + "/tests/warehouse/storage/" + name;
}

}  // namespace millrace::warehouse_test

#endif  // MILLRACE_TESTS_WAREHOUSE_STORAGE_CHILD_PROCESS_H_
