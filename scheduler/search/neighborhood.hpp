// A neighbourhood is a set of similar changes of the incumbent, such as all moves of one unit to
// another device. Trying a neighbourhood makes each change that improves the incumbent. To add one,
// write its function in neighborhoods/, add a row here, and name it in a preset (settings.cpp).
#pragma once

#include <string_view>

namespace headroom::scheduler {

class SearchState;

struct Neighborhood {
    std::string_view name;
    /// Tries the changes and returns whether the incumbent has improved. May stop early.
    bool (*improve)(SearchState& state);
};

/// Moves units and hosts (devices' blocks of proj, ffn or hub) away from devices without memory.
bool repair(SearchState& state);
/// Moves units of a layer away from the device that finishes last.
bool relieve_layers(SearchState& state);
/// Moves the proj, the ffn or the hub of a layer, embed, or lm_head.
bool relocate_hosts(SearchState& state);
/// Exchanges a unit that migrates over the slowest link with another unit of its layer.
bool exchange_units(SearchState& state);
/// Moves blocks back to their previous devices.
bool undo_migration(SearchState& state);
/// Plans a whole layer again.
bool reoptimise_layers(SearchState& state);
/// Moves all or a part of a layer's blocks on a device to another device.
bool relocate_layers(SearchState& state);
/// Moves all blocks of a device to another one, or exchanges the blocks of two devices.
bool relocate_devices(SearchState& state);

namespace neighborhoods {

inline constexpr Neighborhood kRepair{"repair", repair};
inline constexpr Neighborhood kRelieveLayers{"relieve_layers", relieve_layers};
inline constexpr Neighborhood kRelocateHosts{"relocate_hosts", relocate_hosts};
inline constexpr Neighborhood kExchangeUnits{"exchange_units", exchange_units};
inline constexpr Neighborhood kUndoMigration{"undo_migration", undo_migration};
inline constexpr Neighborhood kReoptimiseLayers{"reoptimise_layers", reoptimise_layers};
inline constexpr Neighborhood kRelocateLayers{"relocate_layers", relocate_layers};
inline constexpr Neighborhood kRelocateDevices{"relocate_devices", relocate_devices};

inline constexpr Neighborhood kAll[] = {
    kRepair,
    kRelieveLayers,
    kRelocateHosts,
    kExchangeUnits,
    kUndoMigration,
    kReoptimiseLayers,
    kRelocateLayers,
    kRelocateDevices};

} // namespace neighborhoods
} // namespace headroom::scheduler
