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

/// The cause of an outcome. With `unstated`, the outcome or the notes of the policy say enough.
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

    // No placement is feasible, or the policy has found none:
    too_little_memory, ///< all devices together have too little
    source_too_small,  ///< the source (see NotOnSource) lacks room for its fixed blocks
    block_too_slow,    ///< no device computes this block within Problem::t_budget_s
    layer_too_slow,    ///< all devices together do not compute a layer within that time
    none_found,
};

/// The delays of a placement that was considered.
struct Delays {
    Nanoseconds inference = 0; ///< time per token, or per round
    Nanoseconds migration = 0; ///< time to migrate to the placement, D_mig
};

/// A device has too little memory for its blocks. `usable` is the part of `has` that the policy
/// uses; it is less than `has` if the policy keeps a reserve.
struct MemoryShortage {
    DeviceId device;
    Bytes needs = 0;
    Bytes has = 0;
    Bytes usable = 0;
};

/// A device cannot compute its blocks of a layer within Problem::t_budget_s.
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

/// The length and the device of each run of consecutive layers on one device, in layer order.
using LayerSplit = std::vector<std::pair<std::int32_t, DeviceId>>;

struct Explanation {
    Outcome outcome = Outcome::unexplained;
    Cause cause = Cause::unstated;
    /// Clauses in the policy's own words, without numbers of devices: users see devices by name.
    std::vector<std::string> notes{};

    // The delays, and to what they apply.
    bool per_round = false;      ///< per round (one turn of every sequence), else per step
    bool with_prompts = false;   ///< the time of a round contains a share of the prompts
    bool by_formula = false;     ///< delays are by the paper's formula, else predictions
    std::int64_t in_flight = 1;  ///< number of sequences
    std::int64_t batch = 1;      ///< number of joined turns
    Delays delays{};             ///< of the placement
    std::optional<Delays> other; ///< if kept: of the best other placement, else of the previous one
    std::size_t used_devices = 0;
    std::size_t devices = 0;
    std::vector<std::pair<BlockKind, int>> moved{}; ///< the number of blocks of each kind that move
    std::optional<DeviceId> moved_from{};           ///< the device from which all of these come
    std::optional<LayerSplit> split{};
    std::optional<Nanoseconds> slowest_stage{};

    // What is lacked by the best attempt or, if blocks move, by the previous placement.
    std::vector<AnyShortage> shortages{};
    std::string sought = "placement"; ///< what the policy has looked for in vain
    std::int64_t horizon = 0;         ///< the context T + λ for which memory is needed
    double t_budget_s = 0;
    std::int64_t needed = 0; ///< bytes, or FLOP if `cause` is about compute
    std::int64_t there = 0;  ///< bytes or FLOP of all devices, or of `device`
    DeviceId device{0};      ///< the source or the fastest device, as `cause` says
    BlockKind block = BlockKind::embed;
};

} // namespace headroom::scheduler
