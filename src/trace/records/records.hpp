// The rows of a trace (a run's output file), one struct per table, and the interface of sinks,
// which receive them. Times are virtual nanoseconds unless the name has `wall`. Ids are indices
// into tables of the header; -1 means none. See docs/reference/trace.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trace/records/codes.hpp"

namespace headroom::trace {

inline constexpr std::int32_t kSchemaVersion = 4;
/// Traces of version 3 lack /model, /layers and /prompts. They can be read, but not replayed.
inline constexpr std::int32_t kOldestSchemaVersion = 3;

struct DeviceRow {
    std::string name;
    std::int64_t compute_flop_per_s = 0; ///< rate at time 0, with scale factor and background load
    std::int64_t memory_bytes = 0;
    std::int64_t memory_bandwidth_bytes_per_s = -1;  ///< -1: unlimited
    std::int64_t storage_bandwidth_bytes_per_s = -1; ///< -1: no storage
    std::int64_t buffer_bytes = 0; ///< part of the memory that is held for buffers
    std::int32_t is_source = 0;    ///< 1: the source, where prompts come in and text goes out
};

struct LinkRow {
    std::int32_t from = -1;
    std::int32_t to = -1;
    std::int64_t bandwidth_bytes_per_s = 0; ///< rate at time 0; -1: unlimited
    std::int64_t latency_ns = 0;
};

struct BlockRow {
    std::string name;      ///< such as "L3.g5"
    std::int32_t kind = 0; ///< code of BlockKind (base/block.hpp)
    std::int32_t layer = -1;
    std::int32_t group = -1; ///< number of a group or slice within its layer
    std::int64_t weight_bytes = 0;
};

/// The shape of the model, from which costs and memory are computed. A trace has one such row.
struct ModelRow {
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int64_t width = 0;
    std::int64_t ffn_width = 0;
    std::int32_t gated = 1; ///< 1: the FFN has three matrices instead of two
    std::int64_t vocabulary = 0;
    std::int64_t context = 0;
    std::int32_t embed_type = 0;   ///< code of WeightType (base/weight_type.hpp)
    std::int32_t lm_head_type = 0; ///< code of WeightType
    std::int64_t kv_bytes = 0;     ///< bytes of one element of the KV cache
    std::int32_t tied = 0;         ///< 1: lm_head uses the matrix of embed
    std::int32_t ends = 1;         ///< 1: the model has embed and lm_head
    std::int32_t norms = 1;        ///< 1: resident bytes include norm weights
};

/// The stored types of the matrices of one layer, as codes of WeightType.
struct LayerRow {
    std::int32_t q = 0;
    std::int32_t k = 0;
    std::int32_t v = 0;
    std::int32_t o = 0;
    std::int32_t gate = 0;
    std::int32_t up = 0;
    std::int32_t down = 0;
};

/// One token of a prompt. Equal prompts are stored once. The tokens of a prompt are consecutive.
struct PromptRow {
    std::int32_t prompt = 0; ///< request r has the prompt r mod (number of prompts)
    std::int64_t position = 0;
    std::int32_t id = -1; ///< -1: there was no tokenizer
};

/// The part of a trace that is written before the first token.
struct RunHeader {
    std::map<std::string, std::string> attributes;  ///< program version, commit, clock, host, …
    std::map<std::string, std::int64_t> numbers;    ///< seed, interval, prompt tokens, …
    std::string scenario;                           ///< the scenario as complete TOML
    std::map<std::string, std::string> input_files; ///< path to contents, without the weights
    std::vector<DeviceRow> devices;
    std::vector<LinkRow> links;
    std::vector<BlockRow> blocks;
    std::vector<ModelRow> model; ///< one row; no row in a trace of version 3
    std::vector<LayerRow> layers;
    std::vector<PromptRow> prompts;
    bool with_ops = false; ///< the tables /ops and /messages exist (--trace-ops)
    /// The names of codes. The caller of Sink::begin() adds the names that come from the scheduler:
    /// "intervals.policy" and, if with_ops, "messages.kind".
    CodeNames codes = standard_codes();
};

/// One decision, and the tokens sampled until the next decision.
struct IntervalRow {
    std::int64_t epoch = 0;       ///< number of the placement after the decision
    std::int32_t sequence = 0;    ///< sequence of the interval's tokens; -1: several sequences
    std::int64_t first_token = 0; ///< number of tokens that the run sampled before the decision
    std::int64_t t_dec = 0;       ///< time of the decision
    /// Time at which the turns under way have ended and transfers begin; t_dec if nothing changes.
    std::int64_t t_switch = 0;
    std::int64_t t_resume = 0; ///< time at which the next turns may begin; t_dec if nothing changes
    std::int64_t t_end = 0;    ///< source clock at the interval's last sampled token
    std::int64_t tokens = 0;   ///< number of tokens sampled in the interval
    std::int64_t predicted_inference_ns = 0; ///< D_inf, predicted step time; INT64_MAX: never
    std::int64_t measured_inference_ns = 0;  ///< mean time of a decode step, without prefill
    std::int64_t predicted_migration_ns = 0;
    std::int64_t measured_migration_ns = 0;
    std::int32_t in_flight = 1;          ///< number of sequences that the decision planned for
    std::int32_t waiting = 0;            ///< requests that had arrived but were not in flight
    std::int32_t batch = 1;              ///< number of turns that are joined into one operation
    std::int64_t predicted_round_ns = 0; ///< predicted round (see TurnRow); INT64_MAX: never
    std::int64_t kept_inference_ns = -1; ///< D_inf of the previous placement; -1: there was none
    double paper_delay_s = 0;            ///< D_T: inference delay by the published formula
    double paper_migration_s = 0;        ///< migration delay by the published formula
    std::int64_t decision_wall_ns = 0;   ///< wall-clock time that the policy took
    std::int32_t moves = 0;              ///< number of blocks that moved
    std::int32_t feasible = 1;           ///< 0: no placement was feasible
    std::int32_t policy = 0;             ///< code of PolicyKind (scheduler/policies/policy.hpp)
    std::int32_t reason = 0;             ///< code of Reason
};

/// The state of one device in one interval.
struct ResourceRow {
    std::int64_t interval = 0;
    std::int32_t device = -1;
    std::int64_t compute_flop_per_s = 0;  ///< rate at t_dec
    std::int64_t memory_budget_bytes = 0; ///< budget at t_dec
    std::int64_t memory_used_bytes = 0;   ///< bytes held at the interval's end
    std::int64_t memory_peak_bytes = 0;   ///< most bytes held within the interval, with migration
    std::int64_t busy_ns = 0;        ///< time of the operations that were reported in the interval
    std::int64_t paged_bytes = 0;    ///< bytes read again from storage because of overload
    std::int64_t rank_rss_bytes = 0; ///< resident set of the rank's process; not reproducible
};

/// The state of one link in one interval, if the link was used or has changed.
struct LinkStateRow {
    std::int64_t interval = 0;
    std::int32_t from = -1;
    std::int32_t to = -1;
    std::int64_t bandwidth_bytes_per_s = 0;
    std::int64_t latency_ns = 0;
    std::int64_t bytes = 0; ///< payload sent in the interval, migrations included
};

struct MigrationRow {
    std::int64_t interval = 0;
    std::int32_t block = -1;
    std::int32_t from = -1;
    std::int32_t to = -1;
    std::int64_t bytes = 0;        ///< bytes sent
    std::int64_t loaded_bytes = 0; ///< bytes that the receiver read from its own storage
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::uint64_t checksum = 0; ///< checksum of the moved bytes, equal at sender and receiver
};

struct TokenRow {
    std::int32_t sequence = 0;
    std::int64_t position = 0; ///< position in the sequence, prompt included
    std::int32_t id = 0;       ///< id in the vocabulary
    std::int64_t start = 0;    ///< start of the step that sampled the token; prompt tokens: 0
    std::int64_t end = 0;      ///< end of that step; prompt tokens: 0
    std::int32_t is_prompt = 0;
    std::uint64_t logits_checksum = 0; ///< checksum of the step's logits; prompt tokens: 0
};

/// One turn (pass of one sequence through the model). The rows of an interval are in the order in
/// which the source ended the turns. The turns of one batch are consecutive.
struct TurnRow {
    std::int64_t turn = 0;  ///< number of the turn in the run
    std::int64_t epoch = 0; ///< epoch of the placement that executed the turn
    std::int32_t sequence = 0;
    std::int32_t slot = 0;    ///< place of the sequence among those in flight
    std::int64_t round = 0;   ///< number of its round (a turn of every sequence) in the run
    std::int64_t visit = 0;   ///< number of the source's visit (to a group of slots) that began it
    std::int64_t batch = 0;   ///< number of the first turn of its batch
    std::int64_t first = 0;   ///< number of cache rows of the sequence before the turn
    std::int64_t tokens = 1;  ///< number of tokens that the turn processes
    std::int32_t samples = 1; ///< 0: a chunk of a prompt, but not the last one
    /// Tokens that the run had sampled when the turn began. Events can depend on this number.
    std::int64_t seen_tokens = 0;
    std::int64_t start = 0; ///< source clock when the turn began
    std::int64_t end = 0;   ///< source clock when the source ended the turn
};

/// A sequence that has ended.
struct RequestRow {
    std::int32_t sequence = 0;
    std::int32_t slot = 0;
    std::int64_t arrival = 0;     ///< arrival of the request
    std::int64_t begin = 0;       ///< when the request got its slot
    std::int64_t first_token = 0; ///< end of the step that sampled the first token
    std::int64_t end = 0;         ///< end of the step that sampled the last token
    std::int64_t prompt_tokens = 0;
    std::int64_t sampled_tokens = 0;
    std::int64_t prompt_bytes = 0; ///< bytes of `text` that are the prompt
    std::string text;              ///< prompt and continuation; need not be valid UTF-8
};

struct OpRow {
    std::int64_t turn = 0;
    std::int32_t device = -1;
    std::int32_t block = -1;
    std::int64_t start = 0;
    std::int64_t end = 0;
};

struct MessageRow {
    std::int64_t turn = 0;
    std::int32_t from = -1;
    std::int32_t to = -1;
    std::int32_t kind = 0; ///< code of scheduler::Payload
    std::int32_t layer = -1;
    std::int64_t bytes = 0;
    std::int64_t begin = 0;
    std::int64_t arrival = 0;
};

struct EventRow {
    std::int64_t at = 0;
    std::int32_t kind = 0; ///< code of EventCode
    std::int32_t device = -1;
    std::int64_t value = 0; ///< overload: bytes over the budget; admission_waits: bytes missing
    std::string text;
};

/// All rows of one interval. They are committed together.
struct Interval {
    IntervalRow row;
    std::vector<std::int32_t> placement; ///< device of each block
    std::vector<ResourceRow> resources;
    std::vector<LinkStateRow> link_states;
    std::vector<MigrationRow> migrations;
    std::vector<TurnRow> turns; ///< turns that the source ended in this interval
    std::vector<TokenRow> tokens;
    std::vector<RequestRow> requests; ///< requests that ended in this interval
    std::vector<OpRow> ops;
    std::vector<MessageRow> messages;
    std::vector<EventRow> events;
};

/// How a run ended. After a kill the trace still says `running`.
enum class Completion : std::int32_t { running = 0, finished = 1, interrupted = 2, failed = 3 };

/// Receives the rows of a run. The run calls `begin` once, `commit` for each interval and `end`
/// once, also after an error.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void begin(const RunHeader& header) = 0;
    virtual void commit(const Interval& interval) = 0;
    virtual void end(Completion completion) = 0;
};

class MemorySink final : public Sink {
  public:
    void begin(const RunHeader& run_header) override { header = run_header; }
    void commit(const Interval& interval) override { intervals.push_back(interval); }
    void end(Completion how) override { completion = how; }

    RunHeader header;
    std::vector<Interval> intervals;
    Completion completion = Completion::running;
};

} // namespace headroom::trace
