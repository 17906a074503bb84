// The keys of a scenario, in the order of the resolved text. A new key is a member of a struct in
// scenario.hpp and a row here: see docs/how-to/add-a-scenario-key.md.
#include <limits>

#include <fmt/ranges.h>

#include "config/scenario/event_kinds.hpp"
#include "config/scenario/weight_mixture.hpp"
#include "config/sections/key_types.hpp"
#include "config/sections/shape_section.hpp"
#include "config/toml/toml_text.hpp"

namespace headroom::config {

namespace {

using scheduler::PaperSettings;
using Scales = ScaleConfig;
constexpr std::int64_t kMaxSlices = 65'536;

std::string file_text(const Scenario& scenario) {
    return scenario.shape ? "" : toml_string(scenario.model_file_written);
}

std::string prompts_text(const WorkloadConfig& workload) {
    return workload.prompt_tokens.empty() ? toml_strings(workload.prompts) : "";
}

std::string shape_or_none(const std::optional<ModelShape>& shape) {
    return shape ? shape_text(*shape) : "";
}

std::string device_text(DeviceId device, const FleetConfig& fleet) {
    return device.valid() ? toml_string(fleet.devices[device.index()].name) : "";
}

template <class T>
KeyType<T> device(DeviceId T::*member) {
    return custom<T>("device", [=](const T& in, const FleetConfig& fleet) {
        return device_text(in.*member, fleet);
    });
}

template <class T, class V>
KeyType<T> rate(V T::*member, double ScaleConfig::*scale) {
    return scaled_quantity(member, Quantity::byte_rate, scale);
}

/// A duration that `latency_scale` of [fleet] multiplies.
template <class T>
KeyType<T> scaled_duration(Nanoseconds T::*member) {
    return scaled_quantity(member, Quantity::duration, &Scales::latency);
}

std::string jitter_kind_text(LoadKind kind) {
    return fmt::format("\"{}\"", name_of(kind));
}

std::string duration_text(Nanoseconds duration) {
    return quantity_text(Quantity::duration, duration);
}

bool is_walk(const JitterConfig& jitter) {
    return jitter.kind == LoadKind::walk;
}

std::string list_text(const std::vector<std::int64_t>& numbers) {
    return fmt::format("[{}]", fmt::join(numbers, ", "));
}

std::string tokens_text(const WorkloadConfig& workload) {
    return workload.tokens_each.empty() ? fmt::format("{}", workload.tokens)
                                        : list_text(workload.tokens_each);
}

std::string batch_text(const ControllerConfig& controller) {
    return controller.batch == 0 ? fmt::format("\"{}\"", kAutomaticBatch)
                                 : fmt::format("{}", controller.batch);
}

std::string source_text(const DeviceConfig& device, const FleetConfig& fleet) {
    return &device == &fleet.devices[fleet.source.index()] ? "true" : "false";
}

std::string link_text(const Event& event, const FleetConfig& fleet) {
    const std::string from = device_text(event.from, fleet);
    return from.empty() ? "" : fmt::format("[{}, {}]", from, device_text(event.to, fleet));
}

std::string placement_text(const ControllerConfig& controller, const FleetConfig& fleet) {
    return given_text(controller.given, fleet);
}

std::string layers_text(const ControllerConfig& controller) {
    return controller.given.layers.empty() ? "" : list_text(controller.given.layers);
}

bool is_sliced(const ControllerConfig& controller) {
    return controller.granularity == scheduler::Granularity::sliced;
}

} // namespace

// A row has one line for the key and its type, and below it the sentence of the reference.
// clang-format off

const Section<Scenario> kTopLevelKeys{"", "", {
    {"seed", whole(&Scenario::seed, 0, std::numeric_limits<std::int64_t>::max()),
     "the seed of everything random"},
}};

const Section<Scenario> kModelKeys{"[model]", "", {
    {"file", custom<Scenario>("path", file_text),
     "GGUF file, from the scenario's folder; one of `file`, `preset` and `shape` is required"},
    {"preset", custom<Scenario>("name"),
     "a model of the catalogue: a shape without weights, for `simulate` and `plan`, not for `run`"},
    {"weight_type", custom<Scenario>(choice_values(weight_choice_names(), {})),
     "how a preset's weights are stored: in one type, or, with a name that ends in s, m or l, in "
     "the mixture of llama.cpp's files of that name (`q4_0_m`, `q5_0_m`: the output matrix in "
     "q6_k)", "`\"f16\"`"},
    {"from_preset", if_set(custom("name", &Scenario::preset, toml_string)),
     "the preset that `shape` came from, in resolved scenarios; it has no effect"},
    {"shape", custom("table", &Scenario::shape, shape_or_none),
     "the dimensions of a model without weights: `{ layers, heads, kv_heads = heads, width, "
     "ffn_width, gated = true, vocab, context, weight_type = \"f16\", tied = false }`, and the "
     "keys [below](#shapes)"},
    {"context", if_set(whole(&Scenario::context, 1, kMaxModelContext, {0})),
     "the longest context in tokens, of a file or a preset; a file with LongRoPE takes its factors "
     "for long contexts if this exceeds the original one", "that of the model"},
    {"kv_type", choice(&Scenario::kv_type),
     "how keys and values are cached; `\"q8_0\"` needs heads whose width is a multiple of 32",
     "`\"f32\"`; with a preset `\"f16\"`"},
}};

const Section<WorkloadConfig> kWorkloadKeys{"[workload]", "", {
    {"prompts", custom<WorkloadConfig>("list of texts", prompts_text),
     "each is one request, served in order of arrival", "`[\"\"]`"},
    {"prompt_file", custom<WorkloadConfig>("path"),
     "instead of `prompts`: a UTF-8 file whose content is the prompt; `\"-\"`: standard input"},
    {"prompt_lines", custom<WorkloadConfig>("true, false"),
     "true: every line of `prompt_file` that is not empty is a prompt", "false"},
    {"prompt_tokens", if_set(custom("≥ 1, or a list", &WorkloadConfig::prompt_tokens, list_text)),
     "instead of `prompts`, for `simulate` and `plan`: the length of the prompt; `[16, 128]`: two "
     "prompts; a preset or a shape has no others", "16 without a file"},
    {"repeat", whole(&WorkloadConfig::repeat, 1, kMaxRequests, {0}),
     "how many times the list of prompts is requested; of k prompts, request i has prompt i mod k"},
    {"tokens", custom<WorkloadConfig>("≥ 1, or a list", tokens_text),
     "the most tokens to generate for a request; `[48, 16]`: one limit for each prompt", "64"},
    {"stop_at_eos", flag(&WorkloadConfig::stop_at_eos),
     "a sequence ends when the model samples its end-of-text token"},
    {"sequences", whole(&WorkloadConfig::sequences, 1, kMaxRequests, {kMaxRequests}),
     "the most sequences in flight; with 1, requests are decoded one after the other"},
    {"prefill_chunk", if_set(whole(&WorkloadConfig::prefill_chunk, 1)),
     "tokens of a prompt per turn; chunks alternate with the tokens of other "
     "sequences", "the whole prompt"},
    {"arrivals", custom("see below", &WorkloadConfig::arrivals, arrivals_text),
     "when the requests arrive", "`\"at once\"`"},
    {"temperature", number(&WorkloadConfig::temperature, 1000, Zero::allowed, {-1}),
     "0: always the likeliest token; above 0: sampling"},
    {"top_k", whole(&WorkloadConfig::top_k, 0),
     "sample among the k likeliest tokens; 0: among all. It needs a `temperature` above 0"},
    {"top_p", number(&WorkloadConfig::top_p, 1, Zero::refused),
     "sample among the likeliest tokens that together have this probability"},
    {"min_p", number(&WorkloadConfig::min_p, 1, Zero::allowed),
     "the least probability of a sampled token, as a fraction of the likeliest one's"},
}};

const Section<ControllerConfig> kControllerKeys{"[controller]", "", {
    {"policy", policy(&ControllerConfig::policy),
     "`paper`: arXiv 2505.02533; `exact` proves an optimum in small fleets; `edgeshard`, "
     "`edgeshard_throughput`: arXiv 2405.14371; `galaxy`: arXiv 2405.17245, needs `granularity = "
     "\"sliced\"`; `mdi_ring`: arXiv 2505.18164, its published table; `given` needs `placement` "
     "or `layers`"},
    {"placement", custom<ControllerConfig>("path, or table", placement_text),
     "policy `given`: the file, from the scenario's folder, that `headroom plan --policy P --json` "
     "printed, or the blocks of each device, see below"},
    {"layers", custom<ControllerConfig>("list", layers_text),
     "policy `given`, instead of `placement`: `[12, 8, 2]`: so many whole layers in turn on "
     "devices 0, 1, 2; embed and lm_head are on the source"},
    {"interval", whole(&ControllerConfig::interval, 1),
     "rounds from one decision to the next; a round is one turn of every sequence in flight"},
    {"migration", choice(&ControllerConfig::migration), "whether turns go on while blocks move"},
    {"granularity", choice(&ControllerConfig::granularity),
     "`\"sliced\"`: each group applies its own columns of proj, and the ffn is cut into slices"},
    {"slices", written_if(is_sliced, whole(&ControllerConfig::slices, 1, kMaxSlices)),
     "slices per layer; they must divide the FFN's width. Only with `granularity = \"sliced\"`"},
    {"reduce", written_if(is_sliced, choice(&ControllerConfig::reduce)),
     "how policy `galaxy` adds up the partial sums of a sliced layer; `\"ring\"`: ring all-reduce"},
    {"ends", choice(&ControllerConfig::ends),
     "embed and lm_head are pinned to the source; `\"anywhere\"`: head-level policies place them "
     "like all other blocks"},
    {"memory_window", duration(&ControllerConfig::memory_window, Zero::allowed),
     "how long the controller remembers the least memory that each device had at a decision"},
    {"memory_reserve", fraction(&ControllerConfig::memory_reserve),
     "part of every device's memory that policies leave unused in addition, where they can"},
    {"objective", choice(&ControllerConfig::objective),
     "minimise the time of one sequence's next token, or of a round of all sequences in "
     "flight", "by `sequences`"},
    {"batch", custom<ControllerConfig>("≥ 1, or `\"auto\"`", batch_text),
     "how many decode turns, up to `sequences`, are joined into an operation, which reads the "
     "weights once; `\"auto\"`: as many as the decision finds best", "by `sequences`"},
    {"look_ahead", flag(&ControllerConfig::look_ahead),
     "true: weigh a migration against all tokens still expected instead of those of the next "
     "interval"},
    {"effort", number(&ControllerConfig::effort, 1000, Zero::refused),
     "policy `resource_aware`: multiplies the limits on the work of a decision"},
    {"node_limit", whole(&ControllerConfig::node_limit, 1),
     "policy `exact`: search nodes after which it reports the bound that it has proven"},
    {"cost_profile", choice(&ControllerConfig::cost_profile),
     "what policies minimise; `\"paper\"`: the published formulas. Execution always has the "
     "physical costs"},
    {"t_budget", duration(&ControllerConfig::t_budget, Zero::refused),
     "cost profile paper: the longest time that the blocks of one layer may compute on a device"},
    {"weights", choice(&ControllerConfig::weights),
     "`\"everywhere\"`: a moved block's weights are read from the target's storage and only its "
     "cache is sent; every device needs a `storage_bandwidth`"},
    {"overload", choice(&ControllerConfig::overload),
     "when a device holds more than its memory: `\"page\"` from storage, `\"fail\"`, or page only "
     "on devices with a `storage_bandwidth`"},
}};

const Section<PaperSettings> kPaperKeys{"[controller.paper]", "what the publication leaves open", {
    {"gather", choice(&PaperSettings::gather),
     "what gathering head outputs costs: the `\"sum\"` over senders or the `\"max\"`"},
    {"score", choice(&PaperSettings::score),
     "the `\"max\"` of compute, memory and communication, or their `\"weighted\"` sum: 0.4, 0.3, "
     "0.3"},
    {"backtracks", whole(&PaperSettings::backtracks, 0),
     "evictions that policy `paper` may try per decision"},
}};

const Section<ClockConfig> kClockKeys{"[clock]", "", {
    {"mode", choice(&ClockConfig::mode),
     "`\"paced\"`: each rank waits until the wall clock has reached its virtual clock"},
    {"scale", number(&ClockConfig::scale, 1e6, Zero::refused),
     "paced: wall seconds per virtual second"},
}};

const Section<ScaleConfig> kFleetKeys{"[fleet]", "factors: exact decimals above 0", {
    {"compute_scale", scale(&ScaleConfig::compute),
     "multiplies `compute`, `memory_bandwidth`, `storage_bandwidth` and the rates of weight types, "
     "and divides the overheads, so that their ratios stay"},
    {"memory_scale", scale(&ScaleConfig::memory), "multiplies `memory`"},
    {"bandwidth_scale", scale(&ScaleConfig::bandwidth),
     "multiplies link bandwidths, `egress`, `ingress` and the capacity of media"},
    {"latency_scale", scale(&ScaleConfig::latency),
     "multiplies link latencies, jitter and `retransmit_timeout`"},
}};

const Section<DeviceConfig> kDeviceKeys{"[[device]]", "at least one", {
    {"name", if_set(custom("text", &DeviceConfig::name, toml_string)),
     "a unique name; I is the device's index, counted from 0", "`device-I`"},
    {"profile", custom<DeviceConfig>("name"),
     "a device of the catalogue, see below; gives `compute`, `memory`, `memory_bandwidth`, "
     "`storage_bandwidth`, rates of weight types and overheads", "none"},
    {"from_profile", if_set(custom("name", &DeviceConfig::profile, toml_string)),
     "the profile that the device came from, in resolved scenarios; it has no effect"},
    {"compute", scaled_quantity(&DeviceConfig::compute, Quantity::compute_rate, &Scales::compute),
     "required without a profile", ""},
    {"memory", scaled_quantity(&DeviceConfig::memory, Quantity::bytes, &Scales::memory),
     "the budget for weights, caches and buffers; required without a profile", ""},
    {"memory_bandwidth", rate(&DeviceConfig::memory_bandwidth, &Scales::compute),
     "how fast a computation reads its operands from memory"},
    {"storage_bandwidth", rate(&DeviceConfig::storage_bandwidth, &Scales::compute),
     "without it the device can neither page nor load weights from storage", "none"},
    {"egress", rate(&DeviceConfig::egress, &Scales::bandwidth),
     "what all its links together can send"},
    {"ingress", rate(&DeviceConfig::ingress, &Scales::bandwidth),
     "what all its links together can receive"},
    {"operation_overhead", overhead(&DeviceConfig::operation_overhead),
     "what a stage of a layer costs in addition, however many blocks of it the device has"},
    {"message_overhead", overhead(&DeviceConfig::message_overhead),
     "what each message that it sends or receives costs in addition"},
    {"load", load(&DeviceConfig::load), "the part of `compute` that other programs use"},
    {"memory_load", load(&DeviceConfig::memory_load),
     "the part of `memory` that other programs use"},
    {"count", custom<DeviceConfig>("1 … 65536"),
     "makes this many equal devices, `NAME-1` … `NAME-COUNT`"},
    {"source", custom<DeviceConfig>("true, false", source_text),
     "true: prompts come in here, and text goes out; without one, it is the first device", "false"},
}};

const Section<TypeRatesConfig> kTypeRatesKeys{
    "[device.rates.TYPE]",
    "below a `[[device]]`: its rates for the weights of a type such as `q4_0`", {
    {"compute",
     scaled_quantity(&TypeRatesConfig::compute, Quantity::compute_rate, &Scales::compute),
     "for one token", "the device's"},
    {"memory_bandwidth", rate(&TypeRatesConfig::memory_bandwidth, &Scales::compute),
     "how fast these weights are read", "the device's"},
    {"prefill_compute",
     scaled_quantity(&TypeRatesConfig::prefill_compute, Quantity::compute_rate, &Scales::compute),
     "for several tokens in one operation", "the section's `compute`"},
}};

const Section<NetworkConfig> kNetworkKeys{"[network]", "links between all devices", {
    {"preset", custom<NetworkConfig>("name"),
     "a network of the catalogue; gives `bandwidth` and `latency`, `egress` and `ingress` of "
     "devices that give none, and a medium if there is no `[[network.medium]]`", "none"},
    {"bandwidth", rate(&NetworkConfig::bandwidth, &Scales::bandwidth),
     "required with more than one device and no preset", ""},
    {"latency", scaled_quantity(&NetworkConfig::latency, Quantity::duration, &Scales::latency),
     "one way; required with more than one device and no preset", ""},
    {"variation", load(&NetworkConfig::variation),
     "the part of every link's bandwidth that other traffic uses"},
    {"loss", if_set(fraction(&NetworkConfig::loss)),
     "below 1: the probability that a transmission fails, so that its bytes are sent again"},
    {"retransmit_timeout", if_set(scaled_duration(&NetworkConfig::retransmit_timeout)),
     "from the end of a failed transmission to the next; required with `loss`", "none"},
}};

const Section<JitterConfig> kJitterKeys{"[network.jitter]",
    "what is added to the latency of every link", {
    {"kind", custom(R"(`"uniform"`, `"walk"`)", &JitterConfig::kind, jitter_kind_text),
     "`\"uniform\"`: drawn for each message; `\"walk\"`: a random walk of each direction of each "
     "link; required"},
    {"low", scaled_duration(&JitterConfig::low), "required", ""},
    {"high", scaled_duration(&JitterConfig::high), "required", ""},
    {"step", written_if(is_walk, scaled_duration(&JitterConfig::step)),
     "`walk`: the largest change from one period to the next; required", ""},
    {"period", written_if(is_walk, custom("duration", &JitterConfig::period, duration_text)),
     "`walk`: at least 1 us; required"},
}};

const Section<MediumConfig> kMediumKeys{"[[network.medium]]",
    "a medium, such as a Wi-Fi cell, that some devices share", {
    {"members", custom<MediumConfig>("list of devices, or `\"all\"`", members_text),
     "a device is a member of one medium at most; required"},
    {"capacity", rate(&MediumConfig::capacity, &Scales::bandwidth),
     "what all messages of members together get; each counts once for its sender and once for its "
     "receiver, if they are members; required without a preset that has a medium", ""},
}};

const Section<LinkConfig> kLinkKeys{"[[network.link]]", "a link that differs", {
    {"from", device(&LinkConfig::from), "the device that sends; required"},
    {"to", device(&LinkConfig::to), "the device that receives; required"},
    {"preset", custom<LinkConfig>("name"), "a network of the catalogue", "the network's"},
    {"bandwidth", rate(&LinkConfig::bandwidth, &Scales::bandwidth),
     "of this link", "the network's"},
    {"latency", scaled_quantity(&LinkConfig::latency, Quantity::duration, &Scales::latency),
     "one way", "the network's"},
    {"both", custom<LinkConfig>("true, false", [](const auto&...) { return "false"; }),
     "false: only this direction", "true"},
}};

std::string kind_values() {
    std::string of_device;
    std::string of_link;
    for (const EventKind& kind : kEventKinds) {
        std::string& text = kind.of_link != nullptr ? of_link : of_device;
        text += fmt::format("{}`\"{}\"`", text.empty() ? "" : ", ", kind.name);
    }
    return fmt::format(
        "device: {}; link: {}; *planned:* {}",
        of_device,
        of_link,
        fmt::join(kPlannedEventKinds, ", ")
    );
}

std::string kind_text(const Event& event) {
    return event.kind == nullptr ? "" : fmt::format("\"{}\"", event.kind->name);
}

const Section<Event> kEventKeys{"[[event]]", "a change of a device or a link during the run", {
    {"at", if_set(duration(&Event::at, Zero::allowed)),
     "when; an event has `at` or `at_token`", ""},
    {"at_token", if_set(whole(&Event::at_token, 0)), "when, as a number of sampled tokens", ""},
    {"device", device(&Event::device), "where; an event has `device` or `link`"},
    {"link", custom<Event>("two devices", link_text),
     "as in `[\"a\", \"b\"]`: both directions between them"},
    {"kind", custom<Event>(kind_values(), kind_text),
     "what changes; required", ""},
    {"factor", custom("0 … 1000", &Event::factor, ppb_text),
     "the new value as a multiple of the original value, required; 1 restores it"},
}};

// clang-format on

std::vector<KeyDescription> key_descriptions() {
    std::vector<KeyDescription> all;
    const auto add = [&](const auto& section) {
        if (!section.name.empty()) {
            all.push_back({section.name, "", "", "", section.meaning});
        }
        for (const auto& key : section.keys) {
            const std::string_view standard = key.standard.value_or(key.type.standard);
            all.push_back({section.name, key.name, key.type.values, standard, key.meaning});
        }
    };
    add(kTopLevelKeys);
    add(kModelKeys);
    add(kWorkloadKeys);
    add(kControllerKeys);
    add(kPaperKeys);
    add(kClockKeys);
    add(kFleetKeys);
    add(kDeviceKeys);
    add(kTypeRatesKeys);
    add(kNetworkKeys);
    add(kJitterKeys);
    add(kMediumKeys);
    add(kLinkKeys);
    add(kEventKeys);
    return all;
}

} // namespace headroom::config
