// A policy that is not part of the program: a function of somebody else that places blocks.
#pragma once

#include <functional>
#include <string>

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

/// Calls the function for a placement and holds it to the rules of all policies. The decision is
/// infeasible if the function returns an empty placement, or one that needs more memory or compute
/// than devices have.
class CustomPolicy final : public Policy {
  public:
    /// Returns the device of each block, [block], or nothing.
    using Place = std::function<Placement(const Problem&)>;

    /// name: for tables and traces. version: see Policy::version().
    CustomPolicy(std::string name, std::string version, Place place);

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string version() const override { return version_; }
    /// Throws InputError if the function throws anything but InterruptedError, if its placement has
    /// another number of blocks than the problem or a device that does not exist, or if a block
    /// that must stay on the source is elsewhere.
    [[nodiscard]] Decision decide(const Problem& problem) const override;

  private:
    std::string name_;
    std::string version_;
    Place place_;
};

} // namespace headroom::scheduler
