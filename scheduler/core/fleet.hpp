// The devices and links of a run. A Fleet has their rates over the whole virtual time (the time of
// the emulated devices). A Snapshot has the rates at one moment, which is all that a decision
// knows. The interface Rates computes when work ends, at the rates of a Fleet or of a Snapshot.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
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
    Profile memory;            ///< bytes for weights, caches and buffers
    Profile memory_bandwidth;  ///< bytes/s, unlimited by default
    Profile storage_bandwidth; ///< bytes/s, used only if has_storage
    Profile egress;            ///< bytes/s, limit on all that it sends; unlimited by default
    Profile ingress;           ///< bytes/s, limit on all that it receives; unlimited by default
    bool has_storage = false;  ///< whether the scenario states storage_bandwidth
};

struct LinkSpec {
    Profile bandwidth;              ///< bytes/s
    Profile latency{0, {}, {}, {}}; ///< nanoseconds; has no load
};

/// The directed links between all pairs of devices. Only links that differ from the default link
/// are stored, as overrides, so that a network of thousands of devices needs no table of pairs. All
/// pairs with the default link share one Load, so a random load (use by other programs) is equally
/// high on all of them at any time. A pair whose load is to have other values needs an override,
/// with another seed in its Load.
class Network {
  public:
    Network() = default;
    explicit Network(LinkSpec default_link) : default_link_(std::move(default_link)) {}
    /// Overrides the link from one device to another; the opposite direction keeps its link.
    void set(DeviceId from, DeviceId to, LinkSpec link);
    [[nodiscard]] const LinkSpec& link(DeviceId from, DeviceId to) const;
    [[nodiscard]] const LinkSpec& default_link() const { return default_link_; }
    /// Returns all overrides, ordered by sender and then by receiver.
    [[nodiscard]] const std::map<std::pair<DeviceId, DeviceId>, LinkSpec>& overrides() const {
        return overrides_;
    }

  private:
    LinkSpec default_link_;
    std::map<std::pair<DeviceId, DeviceId>, LinkSpec> overrides_;
};

struct Fleet {
    std::vector<DeviceSpec> devices;
    Network network;
    DeviceId source{0}; ///< the device where prompts come in and text goes out

    [[nodiscard]] std::size_t size() const { return devices.size(); }
};

/// Computes when work on devices and links ends. Each function with an amount of work (f FLOP or b
/// bytes) returns the time at which the work ends if it begins at `start` and nothing else uses the
/// device or link, or kNever if the work never ends. A call does not affect later calls.
class Rates {
  public:
    virtual ~Rates() = default;
    [[nodiscard]] virtual std::size_t devices() const = 0; ///< number of devices
    /// Returns when the computation of f FLOP ends.
    [[nodiscard]] virtual Nanoseconds compute(DeviceId d, Nanoseconds start, Flops f) const = 0;
    /// Returns when the device has read b bytes of weights and caches from its memory.
    [[nodiscard]] virtual Nanoseconds touch(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    /// Returns when the device has read b bytes from its storage.
    [[nodiscard]] virtual Nanoseconds storage(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    /// Returns when b bytes have been sent under the device's egress cap (limit on all it sends).
    [[nodiscard]] virtual Nanoseconds egress(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    /// Returns when b bytes have been received under the device's ingress cap.
    [[nodiscard]] virtual Nanoseconds ingress(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    /// Returns when b bytes have been sent over a link, without the latency.
    [[nodiscard]] virtual Nanoseconds link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b)
        const = 0;
    /// Returns the latency of a message whose sending begins at time g.
    [[nodiscard]] virtual Nanoseconds latency(DeviceId from, DeviceId to, Nanoseconds g) const = 0;
    [[nodiscard]] virtual Bytes memory(DeviceId d, Nanoseconds t) const = 0;
    /// Returns whether the device has an egress cap.
    [[nodiscard]] virtual bool egress_capped(DeviceId d) const = 0;
    /// Returns whether the device has an ingress cap.
    [[nodiscard]] virtual bool ingress_capped(DeviceId d) const = 0;
};

/// Implements Rates by a class Source (FleetSource or SnapshotSource). Source::device(d) and
/// Source::link(from, to) return structs with the same member names as Snapshot::Device and
/// Snapshot::Link. Such a member is the first argument of three functions of Source: end_of returns
/// when an amount of work ends at this rate, value_at returns the value at a time, and is_unlimited
/// returns whether there is no limit.
template <class Source>
class RatesOf final : public Rates {
  public:
    /// Passes the arguments on to the constructor of Source.
    template <class... Arguments>
    explicit(sizeof...(Arguments) == 1) RatesOf(const Arguments&... arguments)
        : source_(arguments...) {}
    [[nodiscard]] std::size_t devices() const override { return source_.devices(); }
    [[nodiscard]] Nanoseconds compute(DeviceId d, Nanoseconds start, Flops f) const override {
        return source_.end_of(source_.device(d).compute, start, f);
    }
    [[nodiscard]] Nanoseconds touch(DeviceId d, Nanoseconds start, Bytes b) const override {
        return source_.end_of(source_.device(d).memory_bandwidth, start, b);
    }
    [[nodiscard]] Nanoseconds storage(DeviceId d, Nanoseconds start, Bytes b) const override {
        return source_.end_of(source_.device(d).storage_bandwidth, start, b);
    }
    [[nodiscard]] Nanoseconds egress(DeviceId d, Nanoseconds start, Bytes b) const override {
        return source_.end_of(source_.device(d).egress, start, b);
    }
    [[nodiscard]] Nanoseconds ingress(DeviceId d, Nanoseconds start, Bytes b) const override {
        return source_.end_of(source_.device(d).ingress, start, b);
    }
    [[nodiscard]] Nanoseconds link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b)
        const override {
        return source_.end_of(source_.link(from, to).bandwidth, start, b);
    }
    [[nodiscard]] Nanoseconds latency(DeviceId from, DeviceId to, Nanoseconds g) const override {
        return source_.value_at(source_.link(from, to).latency, g);
    }
    [[nodiscard]] Bytes memory(DeviceId d, Nanoseconds t) const override {
        return source_.value_at(source_.device(d).memory, t);
    }
    [[nodiscard]] bool egress_capped(DeviceId d) const override {
        return !source_.is_unlimited(source_.device(d).egress);
    }
    [[nodiscard]] bool ingress_capped(DeviceId d) const override {
        return !source_.is_unlimited(source_.device(d).ingress);
    }

  private:
    Source source_;
};

/// The profiles of a fleet for a turn (forward pass) that began after `tokens` sampled tokens.
/// Rates depend on `tokens`, because scenario events can begin after a number of sampled tokens.
class FleetSource {
  public:
    FleetSource(const Fleet& fleet, std::int64_t tokens, StopCheck stop = nullptr)
        : fleet_(&fleet), tokens_(tokens), stop_(stop) {}
    [[nodiscard]] std::size_t devices() const { return fleet_->size(); }
    [[nodiscard]] const DeviceSpec& device(DeviceId d) const { return fleet_->devices[d.index()]; }
    [[nodiscard]] const LinkSpec& link(DeviceId from, DeviceId to) const {
        return fleet_->network.link(from, to);
    }
    [[nodiscard]] Nanoseconds end_of(const Profile& p, Nanoseconds start, std::int64_t work) const {
        return finish(p, start, work, tokens_, stop_);
    }
    [[nodiscard]] std::int64_t value_at(const Profile& p, Nanoseconds t) const {
        return p.at(t, tokens_).value;
    }
    [[nodiscard]] static bool is_unlimited(const Profile& p) { return p.unlimited(); }

  private:
    const Fleet* fleet_;
    std::int64_t tokens_;
    StopCheck stop_;
};

/// Rates of a fleet that change over time, for a turn that began after `tokens` sampled tokens. A
/// long computation calls `stop` now and then, and throws InterruptedError if the result is not 0.
using FleetRates = RatesOf<FleetSource>;

/// The rates of all devices and links at one moment. Decisions assume that rates stay constant.
struct Snapshot {
    struct Device {
        PerSecond compute = 0;
        PerSecond memory_bandwidth = kUnlimited;
        PerSecond storage_bandwidth = kUnlimited;
        PerSecond egress = kUnlimited;
        PerSecond ingress = kUnlimited;
        Bytes memory = 0;
        bool operator==(const Device&) const = default;
    };
    struct Link {
        PerSecond bandwidth = kUnlimited;
        Nanoseconds latency = 0;
        bool operator==(const Link&) const = default;
    };
    struct LinkOverride {
        DeviceId from;
        DeviceId to;
        Link link;
    };
    Nanoseconds at = 0; ///< virtual time of the snapshot
    std::vector<Device> devices;
    /// The links of all pairs, row-major [from][to]; the diagonal is unused. To save memory, this
    /// table is empty if the fleet is large and has few overrides. Then `link_overrides` has the
    /// links that differ from `default_link`.
    std::vector<Link> links;
    Link default_link;
    std::vector<LinkOverride> link_overrides; ///< ordered by sender and then by receiver

    [[nodiscard]] std::size_t size() const { return devices.size(); }
    [[nodiscard]] const Device& device(DeviceId d) const { return devices[d.index()]; }
    [[nodiscard]] const Link& link(DeviceId from, DeviceId to) const {
        return links.empty() ? sparse_link(from, to)
                             : links[from.index() * devices.size() + to.index()];
    }
    /// Returns the link with number `pair` = from·N + to, where N is the number of devices.
    [[nodiscard]] const Link& link_at(std::size_t pair) const {
        return links.empty()
                   ? sparse_link(DeviceId(pair / devices.size()), DeviceId(pair % devices.size()))
                   : links[pair];
    }
    template <class Condition>
    [[nodiscard]] bool all_links(const Condition& condition) const {
        if (!links.empty()) {
            return std::ranges::all_of(links, condition);
        }
        return condition(default_link) &&
               std::ranges::all_of(link_overrides, condition, &LinkOverride::link);
    }

  private:
    [[nodiscard]] const Link& sparse_link(DeviceId from, DeviceId to) const;
};

/// Returns the rates of the fleet at time t, for a turn that began after `tokens` sampled tokens.
[[nodiscard]] Snapshot take_snapshot(const Fleet& fleet, Nanoseconds t, std::int64_t tokens);

class SnapshotSource {
  public:
    explicit SnapshotSource(const Snapshot& snapshot) : snapshot_(&snapshot) {}
    [[nodiscard]] std::size_t devices() const { return snapshot_->size(); }
    [[nodiscard]] const Snapshot::Device& device(DeviceId d) const { return snapshot_->device(d); }
    [[nodiscard]] const Snapshot::Link& link(DeviceId from, DeviceId to) const {
        return snapshot_->link(from, to);
    }
    [[nodiscard]] static Nanoseconds end_of(PerSecond rate, Nanoseconds start, std::int64_t work) {
        return finish(rate, start, work);
    }
    [[nodiscard]] static std::int64_t value_at(std::int64_t value, Nanoseconds /*t*/) {
        return value;
    }
    [[nodiscard]] static bool is_unlimited(PerSecond rate) { return rate == kUnlimited; }

  private:
    const Snapshot* snapshot_;
};

/// Rates that stay as they are in a snapshot.
using SnapshotRates = RatesOf<SnapshotSource>;

} // namespace headroom::scheduler
