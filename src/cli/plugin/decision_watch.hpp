// Ends the program if a policy of somebody else takes too long, or does not return after a signal.
// Nothing else could: the policy runs on the only thread that makes decisions.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/error.hpp"

namespace headroom::cli {

class DecisionWatch {
  public:
    /// Closes files and ends the process. It is called on the watching thread while the policy is
    /// still running, and must not return.
    using End = std::function<void(ExitCode code, const std::string& why)>;

    /// policy: its name for the message. limit: for one decision. where: returns what the policy is
    /// doing, or nothing; called on a thread of its own, because it may never return.
    DecisionWatch(
        std::string policy, std::chrono::seconds limit, std::function<std::string()> where
    );
    ~DecisionWatch();
    DecisionWatch(const DecisionWatch&) = delete;
    DecisionWatch& operator=(const DecisionWatch&) = delete;

    /// By default the message is printed, and the process ends.
    void set_end(End end);

    /// A decision is being made while an object of this class exists.
    class Decision {
      public:
        explicit Decision(DecisionWatch& watch) : watch_(watch) { watch_.begin(); }
        ~Decision() { watch_.finish(); }
        Decision(const Decision&) = delete;
        Decision& operator=(const Decision&) = delete;

      private:
        DecisionWatch& watch_;
    };

  private:
    void begin();
    void finish();
    void watch();
    /// Ends the process if the decision has taken too long. Precondition: mutex_ is locked.
    void check();

    std::string policy_;
    std::chrono::seconds limit_;
    std::function<std::string()> where_;
    End end_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool deciding_ = false;
    bool over_ = false;
    std::chrono::steady_clock::time_point begun_;
    std::thread thread_; ///< started with the first decision
};

} // namespace headroom::cli
