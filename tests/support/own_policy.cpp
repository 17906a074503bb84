// Policies in a shared library, good and bad ones; the argument behind the library's name says
// which.
#include <chrono>
#include <csignal>
#include <headroom/policy_plugin.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using headroom::DeviceId;
using headroom::scheduler::Placement;
using headroom::scheduler::Problem;

Placement all_on_source(const Problem& problem) {
    return Placement(problem.blocks->size(), problem.source);
}

/// Puts layer l, but no block that must stay on the source, on device (l + first) mod devices.
Placement layers_in_turn(const Problem& problem, std::int64_t first) {
    Placement placement = all_on_source(problem);
    for (std::size_t i = 0; i < placement.size(); ++i) {
        const auto& name = problem.blocks->name(headroom::BlockId(i));
        if (name.layer >= 0) {
            const auto devices = static_cast<std::int64_t>(problem.snapshot.size());
            placement[i] = DeviceId(static_cast<std::int32_t>((name.layer + first) % devices));
        }
    }
    return placement;
}

class TestPolicy final : public headroom::PolicyPlugin {
  public:
    explicit TestPolicy(std::string mode) : mode_(std::move(mode)) {}

    [[nodiscard]] std::string name() const override {
        return mode_ == "named" ? "greedy" : mode_ == "spaced" ? "two words" : "own";
    }

    [[nodiscard]] Placement place(const Problem& problem) override {
        ++calls_;
        const bool later = problem.previous.has_value();
        if (mode_ == "throws" && later) {
            throw std::runtime_error("no more ideas");
        }
        if (mode_ == "odd" && later) {
            throw 7;
        }
        if (mode_ == "crashes" && later) {
            (void)std::raise(SIGSEGV);
        }
        if (mode_ == "sleeps" && later) {
            std::this_thread::sleep_for(std::chrono::minutes(10));
        }
        if (mode_ == "short") {
            return Placement(3, problem.source);
        }
        if (mode_ == "far") {
            return Placement(problem.blocks->size(), DeviceId(99));
        }
        if (mode_ == "elsewhere") {
            return Placement(problem.blocks->size(), DeviceId(1));
        }
        if (mode_ == "nothing") {
            return {};
        }
        if (mode_ == "source") {
            return all_on_source(problem);
        }
        return layers_in_turn(problem, mode_ == "counts" ? calls_ : problem.context / 8);
    }

  private:
    std::string mode_;
    std::int64_t calls_ = 0;
};

} // namespace

const char* headroom_plugin_abi() {
#ifdef OTHER_ABI
    return "headroom plug-in interface 0";
#else
    static const std::string abi = headroom::plugin_abi();
    return abi.c_str();
#endif
}

headroom::PolicyPlugin* headroom_plugin_open(const char* argument) {
    if (std::string_view(argument) == "refuses") {
        throw std::runtime_error("does not want to");
    }
    return std::make_unique<TestPolicy>(argument).release();
}
