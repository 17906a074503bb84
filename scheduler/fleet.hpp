// The devices and links of a run, what they truly give over time (Fleet), and what the controller
// sees of it at one moment (Snapshot). Both answer the same questions through Rates.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/profile.hpp"

namespace headroom::scheduler {

struct DeviceSpec {
    std::string name;
    Profile compute;           ///< FLOP/s
    Profile memory;            ///< bytes: the budget
    Profile memory_bandwidth;  ///< bytes/s; unlimited if absent
    Profile storage_bandwidth; ///< bytes/s; unlimited if absent, see has_storage
    Profile egress;            ///< bytes/s; unlimited if absent
    Profile ingress;           ///< bytes/s; unlimited if absent
    bool has_storage = false;  ///< a storage_bandwidth was given: paging is possible
};

struct LinkSpec {
    Profile bandwidth;              ///< bytes/s
    Profile latency{0, {}, {}, {}}; ///< nanoseconds, no load
};

/// Directed links: one default for all pairs and single overrides, so that thousands of devices
/// need no table of pairs. Pairs that share the default share its random load too; a pair that is
/// to vary by itself needs an override with a stream of its own.
class Network {
  public:
    Network() = default;
    explicit Network(LinkSpec standard) : standard_(std::move(standard)) {}
    /// Replaces the default for one direction of one pair.
    void set(DeviceId from, DeviceId to, LinkSpec link);
    [[nodiscard]] const LinkSpec& link(DeviceId from, DeviceId to) const;

  private:
    LinkSpec standard_;
    std::map<std::pair<DeviceId, DeviceId>, LinkSpec> overrides_;
};

struct Fleet {
    std::vector<DeviceSpec> devices;
    Network network;
    DeviceId source{0}; ///< where prompts come in and text goes out

    [[nodiscard]] std::size_t size() const { return devices.size(); }
};

/// What devices and links give, asked at a time. Pure; no state.
class Rates {
  public:
    virtual ~Rates() = default;
    [[nodiscard]] virtual std::size_t devices() const = 0;
    [[nodiscard]] virtual Nanoseconds compute(DeviceId d, Nanoseconds start, Flops f) const = 0;
    [[nodiscard]] virtual Nanoseconds touch(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    [[nodiscard]] virtual Nanoseconds storage(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    [[nodiscard]] virtual Nanoseconds egress(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    [[nodiscard]] virtual Nanoseconds ingress(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    [[nodiscard]] virtual Nanoseconds link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b)
        const = 0;
    [[nodiscard]] virtual Nanoseconds latency(DeviceId from, DeviceId to, Nanoseconds g) const = 0;
    [[nodiscard]] virtual Bytes memory(DeviceId d, Nanoseconds t) const = 0;
    /// Without a cap a device's messages do not wait for each other, whatever its links do.
    [[nodiscard]] virtual bool egress_capped(DeviceId d) const = 0;
    [[nodiscard]] virtual bool ingress_capped(DeviceId d) const = 0;
};

/// The fleet's true profiles, as a turn sees them that began after `tokens` sampled tokens.
class FleetRates final : public Rates {
  public:
    FleetRates(const Fleet& fleet, std::int64_t tokens) : fleet_(&fleet), tokens_(tokens) {}
    [[nodiscard]] std::size_t devices() const override { return fleet_->size(); }
    [[nodiscard]] Nanoseconds compute(DeviceId d, Nanoseconds start, Flops f) const override;
    [[nodiscard]] Nanoseconds touch(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds storage(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds egress(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds ingress(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b)
        const override;
    [[nodiscard]] Nanoseconds latency(DeviceId from, DeviceId to, Nanoseconds g) const override;
    [[nodiscard]] Bytes memory(DeviceId d, Nanoseconds t) const override;
    [[nodiscard]] bool egress_capped(DeviceId d) const override;
    [[nodiscard]] bool ingress_capped(DeviceId d) const override;

  private:
    const Fleet* fleet_;
    std::int64_t tokens_;
};

/// All rates at one moment, held constant for ever. Link values are row-major [from][to]; the
/// diagonal is unused.
struct Snapshot {
    struct Device {
        PerSecond compute = 0;
        PerSecond memory_bandwidth = kUnlimited;
        PerSecond storage_bandwidth = kUnlimited;
        PerSecond egress = kUnlimited;
        PerSecond ingress = kUnlimited;
        Bytes memory = 0;
    };
    struct Link {
        PerSecond bandwidth = kUnlimited;
        Nanoseconds latency = 0;
    };
    Nanoseconds at = 0;
    std::vector<Device> devices;
    std::vector<Link> links;

    [[nodiscard]] std::size_t size() const { return devices.size(); }
    [[nodiscard]] const Device& device(DeviceId d) const { return devices[d.index()]; }
    [[nodiscard]] const Link& link(DeviceId from, DeviceId to) const {
        return links[from.index() * devices.size() + to.index()];
    }
};

/// The profiles of the fleet at time t, seen as by the last turn begun after `tokens` tokens.
[[nodiscard]] Snapshot take_snapshot(const Fleet& fleet, Nanoseconds t, std::int64_t tokens);

class SnapshotRates final : public Rates {
  public:
    explicit SnapshotRates(const Snapshot& snapshot) : snapshot_(&snapshot) {}
    [[nodiscard]] std::size_t devices() const override { return snapshot_->size(); }
    [[nodiscard]] Nanoseconds compute(DeviceId d, Nanoseconds start, Flops f) const override;
    [[nodiscard]] Nanoseconds touch(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds storage(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds egress(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds ingress(DeviceId d, Nanoseconds start, Bytes b) const override;
    [[nodiscard]] Nanoseconds link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b)
        const override;
    [[nodiscard]] Nanoseconds latency(DeviceId from, DeviceId to, Nanoseconds g) const override;
    [[nodiscard]] Bytes memory(DeviceId d, Nanoseconds t) const override;
    [[nodiscard]] bool egress_capped(DeviceId d) const override;
    [[nodiscard]] bool ingress_capped(DeviceId d) const override;

  private:
    const Snapshot* snapshot_;
};

} // namespace headroom::scheduler
