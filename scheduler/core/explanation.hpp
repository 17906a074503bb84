// The reasons for a decision, as values, which explain/explanation_text.hpp puts into words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/block.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"

namespace headroom::scheduler {

enum class Outcome : std::uint8_t { unexplained, first, kept, moved, infeasible };

/// The cause of an outcome. With `unstated`, the outcome and Explanation::notes say enough.
enum class Cause : std::uint8_t {
    unstated,
    never_ends, ///< under every placement that fits, a token would take for ever

    // The previous placement is kept:
    nothing_faster,
    does_not_pay,  ///< the best other placement saves less than migrating to it costs
    nothing_helps, ///< a device or a link in use is down, and no possible migration helps
    never_arrives, ///< a link or a storage that the migration needs is down
    never_ends_elsewhere,
    policy_is_static,
    chosen_again, ///< the policy, which compares nothing, chose the same placement

    // No placement is feasible, or the policy has found none:
    too_little_memory, ///< all devices together have too little memory
    source_too_small,  ///< the source lacks memory for the blocks that must stay on it
    block_too_slow,    ///< no device can compute one block of a layer within Problem::t_budget_s
    layer_too_slow,    ///< all devices together cannot compute a layer within that time
    none_found,
};

/// The delays of a placement that was considered.
struct Delays {
    Nanoseconds inference = 0; ///< time per token, or per round (see Explanation::per_round)
    Nanoseconds migration = 0; ///< time to migrate to the placement, D_mig
};

/// A device has too little memory for its blocks. Policies that keep a reserve use only `usable`
/// bytes of the memory that the device `has`; with other policies the two are equal.
struct MemoryShortage {
    DeviceId device;
    Bytes needs = 0;
    Bytes has = 0;
    Bytes usable = 0;
};

/// A device cannot compute its blocks of a layer within Problem::t_budget_s (core/problem.hpp).
struct ComputeShortage {
    DeviceId device;
    std::int32_t layer = 0;       ///< the layer with the largest shortage
    std::int32_t more_layers = 0; ///< number of other layers with a shortage
    Flops needs = 0;
    Flops does = 0; ///< FLOP that the device can do in that time
};

/// A block that must stay on the source, the device where prompts come in, is elsewhere.
struct NotOnSource {
    DeviceId source;
    BlockName block;
};

using AnyShortage = std::variant<NotOnSource, MemoryShortage, ComputeShortage>;

/// For each stretch of consecutive layers on one device, in order: number of layers and device.
using LayerSplit = std::vector<std::pair<std::int32_t, DeviceId>>;

struct Explanation {
    Outcome outcome = Outcome::unexplained;
    Cause cause = Cause::unstated;
    /// Clauses in the policy's own words, without ids of devices, as users see devices by name.
    std::vector<std::string> notes{};

    // The predicted delays, and what they mean.
    bool per_round = false; ///< whether times are per round (one step of every sequence)
    /// Whether the time of a round includes its share of the time to prefill pending prompts.
    bool with_prompts = false;
    bool by_formula = false;    ///< whether delays are by the paper's formulas
    std::int64_t in_flight = 1; ///< number of sequences in flight
    std::int64_t batch = 1;     ///< number of sequences computed together
    Delays delays{};            ///< delays of the decision's placement
    /// The delays of the best other placement if the outcome is `kept`, of the previous if `moved`.
    std::optional<Delays> other;
    std::size_t used_devices = 0;
    std::size_t devices = 0;
    std::vector<std::pair<BlockKind, int>> moved{}; ///< the number of blocks of each kind that move
    /// The device from which all these blocks come; nullopt if they come from several devices.
    std::optional<DeviceId> moved_from{};
    std::optional<LayerSplit> split{};
    std::optional<Nanoseconds> slowest_stage{};

    // If infeasible: what the best attempt lacks. If moved: what the previous placement lacks.
    std::vector<AnyShortage> shortages{};
    std::string sought = "placement"; ///< what the policy has looked for in vain
    std::int64_t horizon = 0;         ///< T + λ, the context for which memory is needed
    double t_budget_s = 0;
    std::int64_t needed = 0; ///< needed bytes; needed FLOP if `cause` is about compute
    std::int64_t there = 0;  ///< bytes or FLOP of all devices together, or of `device`
    DeviceId device{0};      ///< source_too_small: the source; block_too_slow: the fastest device
    BlockKind block = BlockKind::embed;
};

} // namespace headroom::scheduler
