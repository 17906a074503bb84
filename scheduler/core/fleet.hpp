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
#include "base/weight_type.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/rates/delivery.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::scheduler {

/// The rates of a device for the weights of one type. `Rate` is Profile in a DeviceSpec and
/// PerSecond in a Snapshot.
template <class Rate>
struct TypeRates {
    WeightType type = WeightType::f32;
    Rate compute{};          ///< FLOP/s
    Rate memory_bandwidth{}; ///< bytes/s
    Rate prefill_compute{};  ///< FLOP/s of an operation on many tokens at once
    bool operator==(const TypeRates&) const = default;
};

/// The medium of a device that shares none.
inline constexpr std::int32_t kNoMedium = -1;

struct DeviceSpec {
    std::string name;
    Profile compute;           ///< FLOP/s
    Profile memory;            ///< bytes for weights, caches and buffers
    Profile memory_bandwidth;  ///< bytes/s, unlimited by default
    Profile storage_bandwidth; ///< bytes/s, used only if has_storage
    Profile egress;            ///< bytes/s, limit on all that it sends; unlimited by default
    Profile ingress;           ///< bytes/s, limit on all that it receives; unlimited by default
    bool has_storage = false;  ///< whether the scenario states storage_bandwidth
    /// Rates for weight types that have rates of their own, by increasing type. All other weights,
    /// attention and KV caches are computed and read at the device's own rates.
    std::vector<TypeRates<Profile>> rates;
    Nanoseconds operation_overhead = 0; ///< before the first block of each stage of a layer
    Nanoseconds message_overhead = 0;   ///< before each send and after each receive
    std::int32_t medium = kNoMedium;    ///< index into Fleet::media
};

struct LinkSpec {
    Profile bandwidth;              ///< bytes/s
    Profile latency{0, {}, {}, {}}; ///< nanoseconds; has no load
    Profile jitter{0, {}, {}, {}};  ///< nanoseconds added to the latency; varies over time
    LinkVariation variation{};      ///< what is drawn anew for each message
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
    /// The capacity, in bytes/s, of each shared medium, such as a Wi-Fi cell (media.hpp).
    std::vector<Profile> media;

    [[nodiscard]] std::size_t size() const { return devices.size(); }
};

/// A part of an operation that is computed at one set of rates, one part after the other.
struct OperationPiece {
    Nanoseconds end = 0;
    bool memory_bound = false; ///< whether the memory takes longer than the arithmetic
};

/// Computes when work on devices and links ends. Each function with an amount of work (f FLOP or b
/// bytes) returns the time at which the work ends if it begins at `start` and nothing else uses the
/// device or link, or kNever if the work never ends. A call does not affect later calls.
class Rates {
  public:
    virtual ~Rates() = default;
    [[nodiscard]] virtual std::size_t devices() const = 0; ///< number of devices
    /// Returns when an operation of this cost ends. It is one piece at the device's own rates and
    /// one piece for each weight type with rates of its own, one after the other
    /// (docs/explanation/time.md#operations).
    [[nodiscard]] virtual Nanoseconds operation(
        DeviceId d, Nanoseconds start, const OperationCost& cost
    ) const = 0;
    /// Returns the pieces of an operation in order. The last one ends when the operation ends.
    [[nodiscard]] virtual std::vector<OperationPiece> pieces(
        DeviceId d, Nanoseconds start, const OperationCost& cost
    ) const = 0;
    [[nodiscard]] virtual Nanoseconds operation_overhead(DeviceId d) const = 0;
    [[nodiscard]] virtual Nanoseconds message_overhead(DeviceId d) const = 0;
    /// Returns when the device has read b bytes from its storage.
    [[nodiscard]] virtual Nanoseconds storage(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    /// Returns when b bytes have been sent under the device's egress cap (limit on all it sends).
    [[nodiscard]] virtual Nanoseconds egress(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    /// Returns when b bytes have been received under the device's ingress cap.
    [[nodiscard]] virtual Nanoseconds ingress(DeviceId d, Nanoseconds start, Bytes b) const = 0;
    /// Returns when b bytes have been sent over a link, without the latency.
    [[nodiscard]] virtual Nanoseconds link(DeviceId from, DeviceId to, Nanoseconds start, Bytes b)
        const = 0;
    /// Returns the latency of a message whose sending begins at time g. What is drawn for the
    /// message is not included.
    [[nodiscard]] virtual Nanoseconds latency(DeviceId from, DeviceId to, Nanoseconds g) const = 0;
    /// Returns what is drawn for one message. The same message always gets the same result.
    [[nodiscard]] virtual Delivery delivery(DeviceId from, DeviceId to, const MessageKey& key)
        const = 0;
    /// Returns how long after a failed transmission the next one begins.
    [[nodiscard]] virtual Nanoseconds retransmit_timeout(DeviceId from, DeviceId to) const = 0;
    /// Returns when b bytes have been sent over the media of sender and receiver, which the message
    /// shares with `shares` (media.hpp); `start` if they have none.
    [[nodiscard]] virtual Nanoseconds media(
        DeviceId from, DeviceId to, Nanoseconds start, Bytes b, MediaShares shares
    ) const = 0;
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
    [[nodiscard]] Nanoseconds operation(DeviceId d, Nanoseconds start, const OperationCost& cost)
        const override {
        return for_each_piece(d, start, cost, [](Nanoseconds, Nanoseconds) {});
    }
    [[nodiscard]] std::vector<OperationPiece> pieces(
        DeviceId d, Nanoseconds start, const OperationCost& cost
    ) const override {
        std::vector<OperationPiece> pieces;
        for_each_piece(d, start, cost, [&pieces](Nanoseconds computed, Nanoseconds read) {
            pieces.push_back({std::max(computed, read), read > computed});
        });
        return pieces;
    }
    [[nodiscard]] Nanoseconds operation_overhead(DeviceId d) const override {
        return source_.device(d).operation_overhead;
    }
    [[nodiscard]] Nanoseconds message_overhead(DeviceId d) const override {
        return source_.device(d).message_overhead;
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
        return source_.latency(source_.link(from, to), g);
    }
    [[nodiscard]] Delivery delivery(DeviceId from, DeviceId to, const MessageKey& key)
        const override {
        return source_.delivery(from, to, key);
    }
    [[nodiscard]] Nanoseconds retransmit_timeout(DeviceId from, DeviceId to) const override {
        return source_.retransmit_timeout(from, to);
    }
    [[nodiscard]] Nanoseconds media(
        DeviceId from, DeviceId to, Nanoseconds start, Bytes b, MediaShares shares
    ) const override {
        Nanoseconds end = start;
        if (shares.sender > 0) {
            const auto medium = static_cast<std::size_t>(source_.device(from).medium);
            end = source_.end_of(source_.media()[medium], start, b * shares.sender);
        }
        if (shares.receiver > 0) {
            const auto medium = static_cast<std::size_t>(source_.device(to).medium);
            const Nanoseconds there =
                source_.end_of(source_.media()[medium], start, b * shares.receiver);
            end = std::max(end, there);
        }
        return end;
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
    /// Calls visit(computed, read) for each piece, with the times at which its arithmetic is done
    /// and at which its bytes have been read. Returns when the last piece ends.
    template <class Visit>
    Nanoseconds for_each_piece(
        DeviceId d, Nanoseconds start, const OperationCost& cost, const Visit& visit
    ) const {
        const auto& device = source_.device(d);
        OperationCost own = cost;
        for (const auto& rates : device.rates) {
            own.leave_out(rates.type);
        }
        Nanoseconds end = start;
        const auto add = [&end, &visit](Nanoseconds computed, Nanoseconds read) {
            visit(computed, read);
            end = std::max(computed, read);
        };
        add(source_.end_of(device.compute, start, own.flops),
            source_.end_of(device.memory_bandwidth, start, own.touched));
        for (const auto& rates : device.rates) {
            const WeightWork work = cost.of(rates.type);
            add(multiplied(rates, end, work, cost.tokens),
                source_.end_of(rates.memory_bandwidth, end, work.touched));
        }
        return end;
    }

    /// Returns when the weights of one type have been multiplied with `tokens` vectors. Many tokens
    /// take the rate for prefill if that is faster, but never less time than one token.
    template <class Rate>
    [[nodiscard]] Nanoseconds multiplied(
        const TypeRates<Rate>& rates, Nanoseconds start, const WeightWork& work, std::int64_t tokens
    ) const {
        Nanoseconds computed = source_.end_of(rates.compute, start, work.flops * tokens);
        if (tokens > 1) {
            const Nanoseconds one = source_.end_of(rates.compute, start, work.flops);
            const Nanoseconds many =
                source_.end_of(rates.prefill_compute, start, work.flops * tokens);
            computed = std::max(one, std::min(many, computed));
        }
        return computed;
    }

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
    [[nodiscard]] Nanoseconds latency(const LinkSpec& link, Nanoseconds g) const {
        return after(value_at(link.latency, g), value_at(link.jitter, g));
    }
    [[nodiscard]] Delivery delivery(DeviceId from, DeviceId to, const MessageKey& key) const {
        return draw_delivery(link(from, to).variation, from, to, key);
    }
    [[nodiscard]] Nanoseconds retransmit_timeout(DeviceId from, DeviceId to) const {
        return link(from, to).variation.retransmit_timeout;
    }
    [[nodiscard]] const std::vector<Profile>& media() const { return fleet_->media; }
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
        /// Rates for weight types that have rates of their own, by increasing type.
        std::vector<TypeRates<PerSecond>> rates{};
        Nanoseconds operation_overhead = 0; ///< before the first block of each stage of a layer
        Nanoseconds message_overhead = 0;   ///< before each send and after each receive
        std::int32_t medium = kNoMedium;    ///< index into Snapshot::media
        bool operator==(const Device&) const = default;
    };
    /// If messages vary or get lost, these are means: the bandwidth with the bytes that are sent
    /// again, and the latency with jitter and time-outs.
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
    std::vector<PerSecond> media;             ///< the capacity of each shared medium, in bytes/s

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
    [[nodiscard]] static Nanoseconds latency(const Snapshot::Link& link, Nanoseconds /*g*/) {
        return link.latency;
    }
    [[nodiscard]] static Delivery delivery(DeviceId, DeviceId, const MessageKey&) { return {}; }
    [[nodiscard]] static Nanoseconds retransmit_timeout(DeviceId, DeviceId) { return 0; }
    [[nodiscard]] const std::vector<PerSecond>& media() const { return snapshot_->media; }
    [[nodiscard]] static bool is_unlimited(PerSecond rate) { return rate == kUnlimited; }

  private:
    const Snapshot* snapshot_;
};

/// Rates that stay as they are in a snapshot.
using SnapshotRates = RatesOf<SnapshotSource>;

} // namespace headroom::scheduler
