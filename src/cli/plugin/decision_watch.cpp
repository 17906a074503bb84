#include "cli/plugin/decision_watch.hpp"

#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/process/signal_free_thread.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupt.hpp"

namespace headroom::cli {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kPatience{1};

/// Returns what the function returns, or nothing if that takes longer.
std::string within(std::chrono::seconds patience, const std::function<std::string()>& function) {
    auto answer = std::make_shared<std::promise<std::string>>();
    std::future<std::string> ready = answer->get_future();
    std::thread([answer, function] {
        try {
            answer->set_value(function());
        } catch (const std::exception&) {
            answer->set_value("");
        }
    }).detach();
    return ready.wait_for(patience) == std::future_status::ready ? ready.get() : "";
}

void print_and_exit(ExitCode code, const std::string& why) {
    print_error(why);
    std::_Exit(static_cast<int>(code));
}

} // namespace

DecisionWatch::DecisionWatch(
    std::string policy, std::chrono::seconds limit, std::function<std::string()> where
)
    : policy_(std::move(policy)), limit_(limit), where_(std::move(where)), end_(print_and_exit) {}

DecisionWatch::~DecisionWatch() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void DecisionWatch::set_end(End end) {
    const std::lock_guard lock(mutex_);
    end_ = std::move(end);
}

void DecisionWatch::begin() {
    {
        const std::lock_guard lock(mutex_);
        deciding_ = true;
        begun_ = std::chrono::steady_clock::now();
    }
    if (!thread_.joinable()) {
        thread_ = start_thread_without_signals([this] { watch(); });
    }
    changed_.notify_all();
}

void DecisionWatch::finish() {
    const std::lock_guard lock(mutex_);
    deciding_ = false;
}

void DecisionWatch::watch() {
    std::unique_lock lock(mutex_);
    while (!over_) {
        if (deciding_) {
            changed_.wait_for(lock, kLook);
            check();
        } else {
            changed_.wait(lock, [this] { return over_ || deciding_; });
        }
    }
}

void DecisionWatch::check() {
    if (!deciding_) {
        return;
    }
    if (const int code = interrupt_grace_expired(); code != 0) {
        end_(
            static_cast<ExitCode>(code),
            fmt::format("interrupted while policy {} was deciding", policy_)
        );
    }
    if (std::chrono::steady_clock::now() - begun_ > limit_) {
        end_(
            ExitCode::bad_input,
            fmt::format(
                "policy {} has taken more than {} s for a decision, expected an answer; give "
                "--policy-timeout SECONDS for more time{}",
                policy_,
                limit_.count(),
                indented(within(kPatience, where_))
            )
        );
    }
}

} // namespace headroom::cli
