#include "runtime/offline/planning_previous.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/block.hpp"
#include "base/error.hpp"

namespace headroom::runtime {

namespace {

/// The interval in which a token was sampled, the number of this token, and its time.
struct PreviousMoment {
    const trace::Interval* interval = nullptr;
    std::int64_t sampled = 0;
    Nanoseconds clock = 0;
};

/// Returns the moment of token `at` of the first sequence, or of its last token in the trace.
PreviousMoment moment_of(const trace::Trace& trace, std::optional<std::int64_t> at) {
    PreviousMoment moment;
    for (const trace::Interval& interval : trace.intervals) {
        if (interval.row.sequence != 0) {
            break;
        }
        if (moment.interval == nullptr) {
            moment = {&interval, 0, interval.row.t_dec};
        }
        for (const trace::TokenRow& token : interval.tokens) {
            if (token.is_prompt == 0 && (!at || moment.sampled < *at)) {
                moment = {&interval, moment.sampled + 1, token.end};
            }
        }
    }
    return moment;
}

[[noreturn]] void refuse(
    const WrittenPlacement& written, const std::string& problem, const std::string& expected
) {
    throw InputError(fmt::format(
        "--previous {}: {}; expected {}; give a file made with this scenario, or the name of a "
        "policy, whose first choice is meant then",
        written.file,
        problem,
        expected
    ));
}

void check_devices(const WrittenPlacement& written, const scheduler::Fleet& fleet) {
    constexpr const char* kExpected = "the scenario's fleet, device by device";
    if (written.devices.size() != fleet.size()) {
        refuse(
            written,
            fmt::format(
                "is of {} devices, the scenario has {}", written.devices.size(), fleet.size()
            ),
            kExpected
        );
    }
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        if (written.devices[d] != fleet.devices[d].name) {
            refuse(
                written,
                fmt::format(
                    "device {} is {} there and {} in the scenario",
                    d,
                    written.devices[d],
                    fleet.devices[d].name
                ),
                kExpected
            );
        }
    }
}

void check_blocks(const WrittenPlacement& written, const scheduler::Blocks& blocks) {
    constexpr const char* kExpected =
        "the scenario's model, controller.granularity and controller.slices";
    for (std::size_t i = 0; i < std::min(written.blocks.size(), blocks.size()); ++i) {
        const std::string name = to_string(blocks.name(BlockId(i)));
        if (written.blocks[i] != name) {
            refuse(
                written,
                fmt::format(
                    "block {} is {} there and {} in the scenario", i, written.blocks[i], name
                ),
                kExpected
            );
        }
    }
    if (written.blocks.size() != blocks.size()) {
        refuse(
            written,
            fmt::format(
                "is of {} blocks, the scenario has {}", written.blocks.size(), blocks.size()
            ),
            kExpected
        );
    }
    for (std::size_t i = 0; i < written.weights.size(); ++i) {
        const Bytes expected = blocks.matrix_bytes(BlockId(i)) + blocks.norm_bytes(BlockId(i));
        if (written.weights[i] != expected) {
            refuse(
                written,
                fmt::format(
                    "{} has {} of weights there and {} in the scenario",
                    written.blocks[i],
                    format_bytes(written.weights[i]),
                    format_bytes(expected)
                ),
                kExpected
            );
        }
    }
}

} // namespace

WrittenPlacement placement_in_force(
    const trace::Trace& trace, const std::string& file, std::optional<std::int64_t> at
) {
    const PreviousMoment moment = moment_of(trace, at);
    if (moment.interval == nullptr) {
        throw InputError(fmt::format(
            "--previous {}: nothing was decided in it, expected at least one committed interval; "
            "give the trace of a run that sampled a token",
            file
        ));
    }
    if (at && moment.sampled < *at) {
        throw InputError(fmt::format(
            "--at {}: {} ends after {} tokens of its first sequence, expected at most so many; "
            "leave out --at for its last placement",
            *at,
            file,
            moment.sampled
        ));
    }
    WrittenPlacement written;
    written.file = file;
    written.origin = fmt::format("{} at token {}", file, moment.sampled);
    written.placement = moment.interval->placement;
    written.at = moment.sampled;
    written.clock = moment.clock;
    for (const trace::DeviceRow& device : trace.header.devices) {
        written.devices.push_back(device.name);
    }
    for (const trace::BlockRow& block : trace.header.blocks) {
        written.blocks.push_back(block.name);
        written.weights.push_back(block.weight_bytes);
    }
    return written;
}

PreviousPlacement previous_placement(
    const WrittenPlacement& written, const scheduler::Fleet& fleet, const scheduler::Blocks& blocks
) {
    check_devices(written, fleet);
    check_blocks(written, blocks);
    if (written.placement.size() != blocks.size()) {
        refuse(
            written,
            fmt::format(
                "places {} blocks, the scenario has {}", written.placement.size(), blocks.size()
            ),
            "a device for every block"
        );
    }
    PreviousPlacement previous;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::int32_t device = written.placement[i];
        if (device < 0 || static_cast<std::size_t>(device) >= fleet.size()) {
            refuse(
                written,
                fmt::format("{} is on device {}", to_string(blocks.name(BlockId(i))), device),
                fmt::format("a device from 0 to {}", fleet.size() - 1)
            );
        }
        previous.placement.emplace_back(device);
    }
    previous.origin = written.origin;
    previous.clock = written.clock;
    return previous;
}

} // namespace headroom::runtime
