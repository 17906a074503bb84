// Which of several turns in flight goes first, the same on all devices.
#pragma once

#include <vector>

#include "config/scenario.hpp"
#include "runtime/control.hpp"
#include "scheduler/agenda.hpp"
#include "scheduler/blocks.hpp"
#include "scheduler/program.hpp"

namespace headroom::runtime {

/// How turns are staggered under an installation; the same on all devices.
[[nodiscard]] scheduler::Stagger stagger(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const std::vector<scheduler::Program>& programs,
    const Installation& installation
);

} // namespace headroom::runtime
