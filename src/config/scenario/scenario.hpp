// The scenario (the input) of a run as plain structs, read from a TOML file and checked completely.
// Reading a file either returns a valid Scenario or throws one InputError that lists all mistakes.
// docs/reference/scenario.md describes every key.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/model_shape.hpp"
#include "base/units.hpp"
#include "base/weight_type.hpp"
#include "config/scenario/choices.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/core/given_placement.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::config {

struct ArrivalsConfig {
    enum class Kind : std::uint8_t { at_once, given, poisson };
    Kind kind = Kind::at_once;
    std::vector<Nanoseconds> at{};       ///< given: one time per request, in ascending order
    double per_second = 0;               ///< poisson: mean requests per virtual second; > 0
    std::optional<std::uint64_t> seed{}; ///< poisson: seed of the times; nothing: scenario's seed
    bool operator==(const ArrivalsConfig&) const = default;
};

struct WorkloadConfig {
    std::vector<std::string> prompts{""}; ///< UTF-8; of k prompts, request i has prompt i mod k
    /// Number of tokens of each prompt, ≥ 1. Replaces `prompts` if it is not empty, as it is for a
    /// shape (dimensions without weights and tokenizer). A run needs prompts.
    std::vector<std::int64_t> prompt_tokens{};
    std::int64_t repeat = 1;  ///< number of times that the list of prompts is requested; ≥ 1
    std::int64_t tokens = 64; ///< limit of sampled tokens per request; ≥ 1
    std::vector<std::int64_t> tokens_each{}; ///< a limit for each prompt; empty: `tokens` for all
    std::int64_t sequences = 1;              ///< limit of sequences decoded at once; ≥ 1
    std::int64_t prefill_chunk = 0; ///< prompt tokens per forward pass; 0: the whole prompt
    ArrivalsConfig arrivals{};
    bool stop_at_eos = true; ///< a sequence ends with its end-of-sequence token
    double temperature = 0;  ///< 0: greedy sampling
    std::int64_t top_k = 0;  ///< sample only from the k most probable tokens; 0: from all
    /// Sample only from the fewest most probable tokens whose probabilities sum to at least top_p.
    /// 1: from all.
    double top_p = 1;
    /// Sample only tokens with at least min_p times the probability of the likeliest one. 0: all.
    double min_p = 0;

    [[nodiscard]] std::size_t distinct_prompts() const {
        return prompt_tokens.empty() ? prompts.size() : prompt_tokens.size();
    }
    [[nodiscard]] std::size_t requests() const {
        return distinct_prompts() * static_cast<std::size_t>(repeat);
    }
    /// Returns the largest number of sequences that can be decoded at once.
    [[nodiscard]] std::int64_t slots() const {
        return std::min(sequences, static_cast<std::int64_t>(requests()));
    }
    [[nodiscard]] std::int64_t max_tokens_of(std::size_t request) const {
        return tokens_each.empty() ? tokens : tokens_each[request % distinct_prompts()];
    }
    [[nodiscard]] std::int64_t max_tokens_in_all() const;
    bool operator==(const WorkloadConfig&) const = default;
};

/// The weight type of presets and shapes that name none. Most published weights have 16 bits.
inline constexpr WeightType kDefaultWeightType = WeightType::f16;

struct ControllerConfig {
    scheduler::PolicyKind policy = scheduler::PolicyKind::resource_aware;
    scheduler::GivenPlacement given{}; ///< policy `given`: its placement; may be empty
    std::int64_t interval = 8; ///< λ: tokens of each sequence from one decision to the next; ≥ 1
    OverloadMode overload = OverloadMode::automatic;
    scheduler::CostProfile cost_profile = scheduler::CostProfile::physical;
    /// Only for cost profile `paper`: the longest time a device may compute for one layer; > 0.
    Nanoseconds t_budget = 1'000'000'000;
    scheduler::PaperSettings paper{};
    WeightsMode weights = WeightsMode::move;
    MigrationMode migration = MigrationMode::stop;
    scheduler::Granularity granularity = scheduler::Granularity::paper;
    std::int32_t slices = 16; ///< granularity `sliced`: parts of each layer's FFN; ≥ 1
    /// How policy `galaxy` adds up the devices' partial sums of a layer: on one device (`hub`), as
    /// all other policies do, or by a ring all-reduce.
    scheduler::Reduce reduce = scheduler::Reduce::hub;
    EndsMode ends = EndsMode::source;
    /// For how much virtual time the controller remembers the memory that a device had at each
    /// decision. Some policies use at most the least of these values. 0: it remembers nothing.
    Nanoseconds memory_window = 60'000'000'000;
    scheduler::Ppb memory_reserve = 0; ///< fraction of memory to leave unused where possible
    scheduler::Aim objective = scheduler::Aim::latency; ///< by default throughput if sequences > 1
    std::int64_t batch = 1;            ///< sequences per decode batch; 0: each decision chooses
    bool look_ahead = false;           ///< true: a migration may pay off after more than λ tokens
    double effort = 1.0;               ///< multiplies the work limits of resource_aware; > 0
    std::int64_t node_limit = 200'000; ///< policy `exact`: limit of search nodes; ≥ 1

    /// Returns how layers are cut into blocks (units of placement) under a policy. Only `galaxy`
    /// can add up partial sums by a ring all-reduce.
    [[nodiscard]] scheduler::Cut cut(scheduler::PolicyKind decided_by) const;
    [[nodiscard]] scheduler::Cut cut() const { return cut(policy); }
    bool operator==(const ControllerConfig&) const = default;
};

struct ClockConfig {
    ClockMode mode = ClockMode::virtual_time;
    double scale = 1; ///< paced: wall seconds per virtual second; > 0
    bool operator==(const ClockConfig&) const = default;
};

/// A load: the fraction of a rate or of memory that other programs take. The kinds `uniform` and
/// `walk` are random.
struct LoadConfig {
    LoadKind kind = LoadKind::constant;
    scheduler::Ppb constant = 0;
    std::vector<Nanoseconds> at;        ///< steps: times at which the load changes, ascending
    std::vector<scheduler::Ppb> values; ///< steps: the load from each of these times on
    scheduler::Ppb low = 0;             ///< uniform, walk: smallest load
    scheduler::Ppb high = 0;            ///< uniform, walk: largest load
    scheduler::Ppb step = 0;            ///< walk: largest change from one period to the next
    Nanoseconds period = 0;             ///< uniform, walk: time between two changes

    [[nodiscard]] bool is_random() const {
        return kind == LoadKind::uniform || kind == LoadKind::walk;
    }
    bool operator==(const LoadConfig&) const = default;
};

/// Factors on all rates, memory sizes and latencies, which make a small model as demanding as a
/// large one. In lowest terms, numerator and denominator of a factor are ≤ 10¹², so that products
/// fit in 128 bits.
struct ScaleConfig {
    /// Scales compute, memory bandwidth and storage bandwidth alike, and divides the overheads.
    double compute = 1;
    double memory = 1;
    double bandwidth = 1; ///< scales link bandwidths, egress, ingress and the capacity of media
    double latency = 1;
    bool operator==(const ScaleConfig&) const = default;
};

/// Rates for the weights of one type. What is not given is that of the device.
struct TypeRatesConfig {
    WeightType type = WeightType::f32;
    std::optional<PerSecond> compute{};          ///< FLOP/s
    std::optional<PerSecond> memory_bandwidth{}; ///< bytes/s
    std::optional<PerSecond> prefill_compute{};  ///< FLOP/s; nothing: that of `compute`
    bool operator==(const TypeRatesConfig&) const = default;
};

/// One device with the values of the scenario, before scaling. A table [[device]] with a `count`
/// makes several devices.
struct DeviceConfig {
    std::string name;
    std::string profile{}; ///< catalogue entry whose values are the defaults below; empty: none
    PerSecond compute = 0; ///< FLOP/s
    Bytes memory = 0;      ///< bytes
    PerSecond memory_bandwidth = kUnlimited;      ///< bytes/s
    std::optional<PerSecond> storage_bandwidth{}; ///< bytes/s; nothing: the device has no storage
    PerSecond egress = kUnlimited;                ///< bytes/s sent to all devices together
    PerSecond ingress = kUnlimited;               ///< bytes/s received from all devices together
    std::vector<TypeRatesConfig> rates{};         ///< by increasing type
    Nanoseconds operation_overhead = 0;           ///< once per layer and stage
    Nanoseconds message_overhead = 0;             ///< for each message sent and each received
    LoadConfig load{};
    LoadConfig memory_load{};
    bool operator==(const DeviceConfig&) const = default;
};

/// A link (one direction between two devices) that differs from the other links of the network.
struct LinkConfig {
    DeviceId from;
    DeviceId to;
    PerSecond bandwidth = kUnlimited;
    Nanoseconds latency = 0;
    bool operator==(const LinkConfig&) const = default;
};

/// How the latency of messages varies. Jitter is added to the latency of every link.
struct JitterConfig {
    LoadKind kind = LoadKind::constant; ///< constant: none; else uniform or walk
    Nanoseconds low = 0;
    Nanoseconds high = 0;
    Nanoseconds step = 0;   ///< walk: largest change from one period to the next
    Nanoseconds period = 0; ///< walk: time between two changes
    bool operator==(const JitterConfig&) const = default;
};

/// A medium, such as a Wi-Fi cell, whose members share one capacity (scheduler/core/media.hpp).
struct MediumConfig {
    std::vector<DeviceId> members; ///< ascending; no device is a member of two media
    PerSecond capacity = kUnlimited;
    bool operator==(const MediumConfig&) const = default;
};

struct NetworkConfig {
    PerSecond bandwidth = kUnlimited; ///< bytes/s; can be unlimited only if there is one device
    Nanoseconds latency = 0;
    LoadConfig variation; ///< load of every link: what other traffic takes
    JitterConfig jitter;
    scheduler::Ppb loss = 0; ///< probability that a transmission fails; below kWhole
    Nanoseconds retransmit_timeout = 0;
    std::vector<MediumConfig> media;
    std::vector<LinkConfig> links; ///< at most one per ordered pair of devices
    bool operator==(const NetworkConfig&) const = default;
};

struct FleetConfig {
    ScaleConfig scales;
    std::vector<DeviceConfig> devices;
    NetworkConfig network;
    DeviceId source{0};
    bool operator==(const FleetConfig&) const = default;
};

struct EventKind; // event_kinds.hpp

/// A change of a device or of the two links between a pair of devices. Either `at` or `at_token` is
/// set; the other one is -1. Either `device` is valid, or `from` and `to` are.
struct Event {
    Nanoseconds at = -1;        ///< virtual time
    std::int64_t at_token = -1; ///< after this number of sampled tokens
    DeviceId device;
    DeviceId from;
    DeviceId to;
    const EventKind* kind = nullptr;           ///< a row of kEventKinds
    scheduler::Ppb factor = scheduler::kWhole; ///< factor on the original value; 1 restores it
    std::string text;                          ///< description in one line
    bool operator==(const Event&) const = default;
};

struct Scenario {
    std::filesystem::path path; ///< the scenario's file; empty for the built-in scenario
    std::string name;           ///< file name without extension
    std::uint64_t seed = 7;
    std::filesystem::path model_file; ///< path from the working directory; empty if `shape` is set
    /// The path as in the scenario. If the installed file of that name is used, equal to
    /// model_file.
    std::string model_file_written;
    std::string preset; ///< name of the preset that the shape is from, or empty
    /// The shape that replaces a model file. It has no weights, so it can be simulated and planned
    /// but not run.
    std::optional<ModelShape> shape;
    /// The longest context, which replaces that of the model file; 0: that of the file. Of a shape
    /// it is part of `shape`.
    std::int64_t context = 0;
    /// The type of KV caches; if there is a shape, equal to that of the shape.
    KvType kv_type = KvType::f32;
    WorkloadConfig workload;
    ControllerConfig controller;
    ClockConfig clock;
    FleetConfig declared;      ///< the fleet as the scenario gives it, before scaling
    std::vector<Event> events; ///< in the order of the file
    scheduler::Fleet fleet;    ///< the fleet with scales, loads and events applied
    /// Contents by path: scenario, prompt file, file of the given placement.
    std::map<std::string, std::string> input_files;
    std::vector<std::string> warnings; ///< lines about valid settings that are probably mistakes
    std::vector<std::string> notes;    ///< lines about defaults and installed files that are used

    [[nodiscard]] WeightType cache_type() const {
        return kCacheTypes.at(static_cast<std::size_t>(kv_type));
    }
    /// Returns the model's name in messages: the preset's name, "shape", or the file.
    [[nodiscard]] std::string model_name() const;
};

/// Returns the arrival time of each request, in ascending order. Poisson arrivals start at time 0
/// and have exponential gaps, which are rounded to the nanosecond. The gap before request i depends
/// only on the seed, the mean rate and i. No time exceeds 10¹⁸ ns.
[[nodiscard]] std::vector<Nanoseconds> arrival_times(const Scenario& scenario);

/// Changes of a scenario by the command line. The values are checked like those of the file, and
/// error messages name the option. The changes in `set` are made first, in order, then those of the
/// other members. `prompts` and `prompt_file` each replace all of the scenario's keys prompts,
/// prompt_file and prompt_tokens.
struct Overrides {
    std::optional<std::string> policy{};
    std::optional<std::string> clock{};
    std::optional<std::int64_t> interval{};
    std::optional<std::int64_t> tokens{};
    std::vector<std::string> prompts{};       ///< one per element; empty: the option is not given
    std::optional<std::string> prompt_file{}; ///< path from the working directory
    std::optional<std::int64_t> seed{};
    /// Texts KEY=VALUE with a dotted KEY such as device.0.memory. A VALUE that is not valid TOML is
    /// taken as a string.
    std::vector<std::string> set{};
    /// Whether a missing model file is an error. False for a scenario from a trace, whose paths may
    /// be those of another computer.
    bool model_must_exist = false;
    /// The folder where a model file is looked up if its name has no folder and the file is not
    /// beside the scenario; empty: none.
    std::filesystem::path models{};
};

/// Reads and checks a scenario file. Throws InputError with all problems.
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& path, const Overrides& overrides);

/// Reads and checks the text of a scenario. Relative paths in the text start from the folder of
/// `as_if_from`. Throws InputError with all problems.
[[nodiscard]] Scenario parse_scenario(
    std::string_view text, const std::filesystem::path& as_if_from, const Overrides& overrides
);

/// Returns the scenario of `run --model F --devices N`: N devices with the catalogue's profile of a
/// Raspberry Pi 5 and links of 100 Mbit/s and 1 ms. A device profile or network preset in the
/// overrides replaces these values. If the profile is not replaced, Scenario::notes gets a line
/// with the device profile and the figures of the links. Throws InputError with all problems, also
/// if `devices` < 1.
[[nodiscard]] Scenario default_scenario(
    const std::filesystem::path& model_file, int devices, const Overrides& overrides
);

/// Returns the scenario as TOML in base units, with every default written out. Parsing this text as
/// if from the same path gives an equivalent scenario with the same resolved text.
[[nodiscard]] std::string resolved_text(const Scenario& scenario);

/// Returns "" if `controller.slices` divides the model's FFN width or granularity is `paper`.
/// Otherwise returns a message with values that divide the FFN width. Returns a message, too, if a
/// ring is to add up what the model normalises before it is added to the residual stream.
[[nodiscard]] std::string slices_problem(
    const ControllerConfig& controller, const ModelShape& shape
);

/// Returns why the given placement does not suit the model, one sentence each, with the key. Empty
/// if there is none. Precondition: slices_problem() returns "".
[[nodiscard]] std::vector<std::string> given_problems(
    const ControllerConfig& controller, const ModelShape& shape, DeviceId source
);

/// Returns "" unless `policy` is `given` and there is no placement for it. Otherwise returns a
/// message that continues "policy given" and says which key to add.
[[nodiscard]] std::string missing_given_problem(
    const ControllerConfig& controller, scheduler::PolicyKind policy
);

/// Returns whether two scenarios give the same run. Their path, name, input_files, warnings and
/// notes may differ.
[[nodiscard]] bool equivalent(const Scenario& a, const Scenario& b);

/// Returns the fleet, whose rates over time (profiles) contain scales, loads and events. Every
/// random load has its own random stream: one per device for compute, one per device for memory,
/// and one per link.
[[nodiscard]] scheduler::Fleet build_fleet(
    const FleetConfig& declared, const std::vector<Event>& events, std::uint64_t seed
);

/// Returns a line for each valid setting that is probably a mistake: more sequences than requests,
/// rates that stay 0, events after the last token, factors that raise a value above its original.
[[nodiscard]] std::vector<std::string> find_warnings(const Scenario& scenario);

/// Limit of devices if links have random loads: each of the N·(N−1) links stores its own load.
inline constexpr std::size_t kMaxVaryingDevices = 256;
/// Limit of devices if links have random walks: each link stores every change of its load.
inline constexpr std::size_t kMaxWalkingDevices = 64;
inline constexpr std::size_t kMaxDevices = 65'536;

} // namespace headroom::config
