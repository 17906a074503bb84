// The devices and links of a run, what they truly give over time (Fleet), and what the controller
// sees of it at one moment (Snapshot). Both answer the same questions through Rates.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/profile.hpp"

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
    [[nodiscard]] const LinkSpec& standard() const { return standard_; }
    /// By sender, then by receiver.
    [[nodiscard]] const std::map<std::pair<DeviceId, DeviceId>, LinkSpec>& overrides() const {
        return overrides_;
    }

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

/// The fleet's true profiles, as a turn sees them that began after `tokens` sampled tokens. `stop`
/// is asked where that takes long.
class FleetRates final : public Rates {
  public:
    FleetRates(const Fleet& fleet, std::int64_t tokens, StopCheck stop = nullptr)
        : fleet_(&fleet), tokens_(tokens), stop_(stop) {}
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
    StopCheck stop_;
};

/// All rates at one moment, held constant for ever.
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
    struct OwnLink {
        DeviceId from;
        DeviceId to;
        Link link;
    };
    Nanoseconds at = 0;
    std::vector<Device> devices;
    /// Of all pairs, row-major [from][to]; the diagonal is unused. Empty in large fleets, where a
    /// table of pairs would take gigabytes: then all have `usual`, but for those in `own_links`.
    std::vector<Link> links;
    Link usual;
    std::vector<OwnLink> own_links; ///< by sender, then by receiver

    [[nodiscard]] std::size_t size() const { return devices.size(); }
    [[nodiscard]] const Device& device(DeviceId d) const { return devices[d.index()]; }
    [[nodiscard]] const Link& link(DeviceId from, DeviceId to) const {
        return links.empty() ? sparse_link(from, to)
                             : links[from.index() * devices.size() + to.index()];
    }
    /// Of pair number from · N + to.
    [[nodiscard]] const Link& link_at(std::size_t pair) const {
        return links.empty()
                   ? sparse_link(DeviceId(pair / devices.size()), DeviceId(pair % devices.size()))
                   : links[pair];
    }
    /// Is it true of all links?
    template <class Condition>
    [[nodiscard]] bool all_links(const Condition& condition) const {
        return links.empty()
                   ? condition(usual) && std::all_of(
                                             own_links.begin(),
                                             own_links.end(),
                                             [&](const OwnLink& own) { return condition(own.link); }
                                         )
                   : std::all_of(links.begin(), links.end(), condition);
    }

  private:
    [[nodiscard]] const Link& sparse_link(DeviceId from, DeviceId to) const;
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
