// The scenario of a run: a TOML file read into plain structs, with everything checked.
// Reading is all or nothing: a Scenario that exists is valid; what is wrong comes as one InputError
// that lists every problem. docs/reference/scenario.md describes every key for users.
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
#include "base/units.hpp"
#include "base/weight_type.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/core/profile.hpp"
#include "scheduler/core/shape.hpp"
#include "scheduler/policies/policy.hpp"

namespace headroom::config {

enum class ClockMode : std::uint8_t { virtual_time, paced };
enum class Overload : std::uint8_t { automatic, page, fail };
enum class KvType : std::uint8_t { f32 };
enum class Weights : std::uint8_t { move, everywhere };
enum class Ends : std::uint8_t { source, anywhere };
enum class EventKind : std::uint8_t {
    compute,
    memory,
    memory_bandwidth,
    storage_bandwidth,
    bandwidth,
    latency
};

/// The spelling in scenario files and on the command line ("virtual" for virtual_time).
[[nodiscard]] std::string_view name_of(ClockMode mode);
[[nodiscard]] std::string_view name_of(Overload overload);
[[nodiscard]] std::string_view name_of(KvType type);
[[nodiscard]] std::string_view name_of(Weights weights);
[[nodiscard]] std::string_view name_of(Ends ends);
[[nodiscard]] std::string_view name_of(EventKind kind);
[[nodiscard]] std::string_view name_of(scheduler::CostProfile profile);
[[nodiscard]] std::string_view name_of(scheduler::Aim aim);
[[nodiscard]] std::string_view name_of(scheduler::PaperGather gather);
[[nodiscard]] std::string_view name_of(scheduler::PaperScore score);

/// When prompts come in, as written.
struct ArrivalsConfig {
    enum class Kind : std::uint8_t { at_once, given, poisson };
    Kind kind = Kind::at_once;
    std::vector<Nanoseconds> at{};       ///< given: one per request, never falling
    double per_second = 0;               ///< poisson: of virtual time; > 0
    std::optional<std::uint64_t> seed{}; ///< poisson: instead of the scenario's
    bool operator==(const ArrivalsConfig&) const = default;
};

struct WorkloadConfig {
    std::vector<std::string> prompts{""}; ///< UTF-8; one request each, decoded in this order
    /// Without a tokenizer, instead of prompts: how many tokens each has, ≥ 1. Empty with a file.
    std::vector<std::int64_t> prompt_tokens{};
    std::int64_t repeat = 1;  ///< so many requests of the whole list of prompts, one list after
                              ///< the other; ≥ 1
    std::int64_t tokens = 64; ///< to generate per request, at most; ≥ 1
    std::vector<std::int64_t> tokens_each{}; ///< the same per prompt; empty: `tokens` for all
    std::int64_t sequences = 1;              ///< in flight, at most; ≥ 1
    std::int64_t prefill_chunk = 0;          ///< tokens of a prompt per turn; 0: the whole prompt
    ArrivalsConfig arrivals{};
    bool stop_at_eos = true;
    double temperature = 0; ///< 0: greedy
    std::int64_t top_k = 0; ///< sample among the k likeliest; 0: all
    double top_p = 1;       ///< … among the likeliest that together reach p; in (0, 1]
    double min_p = 0; ///< … among those with at least this part of the likeliest's probability

    /// Different prompts.
    [[nodiscard]] std::size_t distinct() const {
        return prompt_tokens.empty() ? prompts.size() : prompt_tokens.size();
    }
    [[nodiscard]] std::size_t requests() const {
        return distinct() * static_cast<std::size_t>(repeat);
    }
    /// Sequences that are ever in flight together, at most.
    [[nodiscard]] std::int64_t slots() const {
        return std::min(sequences, static_cast<std::int64_t>(requests()));
    }
    /// Limit of a request's sampled tokens.
    [[nodiscard]] std::int64_t tokens_of(std::size_t request) const {
        return tokens_each.empty() ? tokens : tokens_each[request % distinct()];
    }
    /// Of all requests together, at most.
    [[nodiscard]] std::int64_t all_tokens() const;
    bool operator==(const WorkloadConfig&) const = default;
};

inline constexpr std::int32_t kDefaultSlices = 16;
/// Of presets and shapes: published weights are 16 bits wide.
inline constexpr WeightType kDefaultWeightType = WeightType::f16;

struct ControllerConfig {
    scheduler::PolicyKind policy = scheduler::PolicyKind::resource_aware;
    std::int64_t interval = 8; ///< λ, rounds from one decision to the next; ≥ 1
    Overload overload = Overload::automatic;
    scheduler::CostProfile cost_profile = scheduler::CostProfile::physical;
    Nanoseconds t_budget = 1'000'000'000; ///< cost profile paper: Σ c/C per layer and device; > 0
    scheduler::PaperSettings paper{};
    Weights weights = Weights::move;
    scheduler::Granularity granularity = scheduler::Granularity::paper;
    std::int32_t slices = kDefaultSlices; ///< of each layer's ffn, granularity sliced; ≥ 1
    /// How galaxy's placements are lowered; every other policy sums at the hub.
    scheduler::Reduce reduce = scheduler::Reduce::hub;
    Ends ends = Ends::source;                   ///< where embed and lm_head may be
    Nanoseconds memory_window = 60'000'000'000; ///< how long a device's least memory is remembered
    scheduler::Ppb memory_reserve = 0;          ///< part of each device's memory that is left alone
    scheduler::Aim objective = scheduler::Aim::latency; ///< by default throughput if sequences > 1
    /// Turns joined into one operation, ≤ workload.sequences; 0: as many as the decision finds
    /// best.
    std::int64_t batch = 1;
    bool look_ahead = false;           ///< weigh migrations against all tokens still expected
    std::int64_t node_limit = 200'000; ///< policy exact; ≥ 1

    /// How layers are cut under a policy: only galaxy reduces by a ring.
    [[nodiscard]] scheduler::Cut cut(scheduler::PolicyKind decided_by) const;
    [[nodiscard]] scheduler::Cut cut() const { return cut(policy); }
    bool operator==(const ControllerConfig&) const = default;
};

struct ClockConfig {
    ClockMode mode = ClockMode::virtual_time;
    double scale = 1; ///< paced: wall seconds per virtual second; > 0
    bool operator==(const ClockConfig&) const = default;
};

/// A load as written. The random kinds get their streams when the fleet is built.
struct LoadConfig {
    enum class Kind : std::uint8_t { constant, steps, uniform, walk };
    Kind kind = Kind::constant;
    scheduler::Ppb constant = 0;
    std::vector<Nanoseconds> at;        ///< steps
    std::vector<scheduler::Ppb> values; ///< steps
    scheduler::Ppb low = 0;             ///< uniform, walk
    scheduler::Ppb high = 0;            ///< uniform, walk
    scheduler::Ppb step = 0;            ///< walk
    Nanoseconds period = 0;             ///< uniform, walk

    [[nodiscard]] bool random() const { return kind == Kind::uniform || kind == Kind::walk; }
    bool operator==(const LoadConfig&) const = default;
};

/// Scales as written; each is a decimal whose fraction in lowest terms stays below 10¹².
struct ScaleConfig {
    double compute = 1; ///< also of memory and storage bandwidth: a device keeps its balance
    double memory = 1;
    double bandwidth = 1; ///< links, egress, ingress
    double latency = 1;
    bool operator==(const ScaleConfig&) const = default;
};

/// One device as written, before scales; `count` is expanded.
struct DeviceConfig {
    std::string name;
    std::string profile{}; ///< of the catalogue, or empty; what it gave is in the fields below
    PerSecond compute = 0; ///< FLOP/s
    Bytes memory = 0;      ///< bytes
    PerSecond memory_bandwidth = kUnlimited;      ///< bytes/s
    std::optional<PerSecond> storage_bandwidth{}; ///< bytes/s
    PerSecond egress = kUnlimited;                ///< bytes/s
    PerSecond ingress = kUnlimited;               ///< bytes/s
    LoadConfig load{};
    LoadConfig memory_load{};
    bool operator==(const DeviceConfig&) const = default;
};

/// One direction of one pair that differs from the network's default.
struct LinkConfig {
    DeviceId from;
    DeviceId to;
    PerSecond bandwidth = kUnlimited;
    Nanoseconds latency = 0;
    bool operator==(const LinkConfig&) const = default;
};

struct NetworkConfig {
    PerSecond bandwidth = kUnlimited; ///< bytes/s; unlimited only where a single device has no need
    Nanoseconds latency = 0;
    LoadConfig variation;
    std::vector<LinkConfig> links; ///< at most one per direction of a pair
    bool operator==(const NetworkConfig&) const = default;
};

struct FleetConfig {
    ScaleConfig scales;
    std::vector<DeviceConfig> devices;
    NetworkConfig network;
    DeviceId source{0};
    bool operator==(const FleetConfig&) const = default;
};

/// Something that happens to the fleet. Exactly one of at, at_token is set (the other is -1), and
/// either device is valid, or from and to are (both directions of that link change).
struct Event {
    Nanoseconds at = -1;
    std::int64_t at_token = -1;
    DeviceId device;
    DeviceId from;
    DeviceId to;
    EventKind kind = EventKind::compute;
    scheduler::Ppb factor = scheduler::kWhole; ///< of the original value: 1 restores it
    std::string text;                          ///< one line for people
    bool operator==(const Event&) const = default;
};

struct Scenario {
    std::filesystem::path path; ///< where it came from; empty for the built-in default
    std::string name;           ///< file stem
    std::uint64_t seed = 7;
    std::filesystem::path model_file; ///< as seen from the working directory; empty with a shape
    std::string model_file_written;   ///< as written, relative to the scenario's folder, or found
    std::string preset;               ///< that the shape is from, or empty
    /// Instead of a file: enough to simulate and to plan, but there are no weights to run.
    std::optional<scheduler::ModelShape> shape;
    KvType kv_type = KvType::f32;
    WorkloadConfig workload;
    ControllerConfig controller;
    ClockConfig clock;
    FleetConfig declared;      ///< what `fleet` was built from
    std::vector<Event> events; ///< in the order of the file
    scheduler::Fleet fleet;    ///< complete: scales, loads and events are in its profiles
    std::map<std::string, std::string> input_files; ///< path as written → contents
    std::vector<std::string> warnings; ///< what is allowed but hardly meant; one line each
    std::vector<std::string> notes;    ///< files that are used from elsewhere than beside it

    /// For people: the preset's name, "shape", or the file.
    [[nodiscard]] std::string model_name() const;
};

/// When each request comes in: one virtual time per request, never falling. Poisson: request i
/// comes an exponential interval after the one before, the first after time 0; the interval is
/// drawn from the seed's stream ("arrivals", i) and rounded to the nanosecond; no time is above
/// 10¹⁸.
[[nodiscard]] std::vector<Nanoseconds> arrival_times(const Scenario& scenario);

/// What the command line changes. The values are checked like those of the file, and problems name
/// the option. `set` is applied first, in order; then the options with names. Prompts replace a
/// prompt file, and a prompt file prompts.
struct Overrides {
    std::optional<std::string> policy{};
    std::optional<std::string> clock{};
    std::optional<std::int64_t> interval{};
    std::optional<std::int64_t> tokens{};
    /// Instead of the scenario's prompts and prompt_file; each is one prompt. Empty: not given.
    std::vector<std::string> prompts{};
    /// The same from a file; this path starts from the working directory.
    std::optional<std::string> prompt_file{};
    std::optional<std::int64_t> seed{};
    /// KEY=VALUE with a dotted KEY (device.0.memory); VALUE is TOML, or else a string.
    std::vector<std::string> set{};
    /// Also check that the model file is there, so that all problems come at once. Left out where
    /// another machine's paths are read.
    bool model_must_exist = false;
    /// Where a model file is looked for that is named without a folder and is not beside the
    /// scenario; empty: nowhere.
    std::filesystem::path models{};
};

/// Reads and checks a scenario file. Throws InputError with all problems.
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& path, const Overrides& overrides);

/// The same for a text; relative paths in it start from the folder of `as_if_from`.
[[nodiscard]] Scenario parse_scenario(
    std::string_view text, const std::filesystem::path& as_if_from, const Overrides& overrides
);

/// N devices as the catalogue has a Raspberry Pi 5, with links of 100 Mbit/s and 1 ms: `run --model
/// F --devices N`; a profile or a preset that is set stands in their place. A note says which were
/// taken. Throws InputError, also for devices < 1.
[[nodiscard]] Scenario default_scenario(
    const std::filesystem::path& model_file, int devices, const Overrides& overrides
);

/// The whole scenario as TOML with every default spelled out, in base units. Parsed again as if
/// from the same path it gives an equivalent scenario and the same text.
[[nodiscard]] std::string resolved_text(const Scenario& scenario);

/// What is wrong with controller.slices for this model, and values that work; or "".
[[nodiscard]] std::string slices_problem(
    const ControllerConfig& controller, const scheduler::ModelShape& shape
);

/// Equal in all that a run depends on: everything but path, name, input_files and what is told.
[[nodiscard]] bool equivalent(const Scenario& a, const Scenario& b);

/// The profiles of a declared fleet: scales, loads and events compiled in. Random loads take their
/// streams from the seed, one per device and purpose and one per link direction.
[[nodiscard]] scheduler::Fleet build_fleet(
    const FleetConfig& declared, const std::vector<Event>& events, std::uint64_t seed
);

/// More devices than this may not vary their links at random: every direction needs its own load.
inline constexpr std::size_t kMaxVaryingDevices = 256;
/// A random walk keeps its whole table in memory, so fewer devices may have walking links.
inline constexpr std::size_t kMaxWalkingDevices = 64;
inline constexpr std::size_t kMaxDevices = 65'536;

} // namespace headroom::config
