// What a trace holds, as plain rows: one struct per table of docs/reference/trace.md. No HDF5 here.
// All times are virtual nanoseconds unless the name says wall. Ids are indices into the static
// tables; -1 is "none".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trace/records/codes.hpp"

namespace headroom::trace {

inline constexpr std::int32_t kSchemaVersion = 4;
/// Version 3 lacks /model, /layers and /prompts: it can be read, but not replayed.
inline constexpr std::int32_t kOldestSchemaVersion = 3;

struct DeviceRow {
    std::string name;
    std::int64_t compute_flop_per_s = 0; ///< at time 0, after scaling and load
    std::int64_t memory_bytes = 0;
    std::int64_t memory_bandwidth_bytes_per_s = -1;  ///< -1: unlimited
    std::int64_t storage_bandwidth_bytes_per_s = -1; ///< -1: none
    std::int64_t buffer_bytes = 0;
    std::int32_t is_source = 0;
};

struct LinkRow {
    std::int32_t from = -1;
    std::int32_t to = -1;
    std::int64_t bandwidth_bytes_per_s = 0; ///< at time 0
    std::int64_t latency_ns = 0;
};

struct BlockRow {
    std::string name;      ///< "L3.g5"
    std::int32_t kind = 0; ///< code: BlockKind of base/block.hpp
    std::int32_t layer = -1;
    std::int32_t group = -1;
    std::int64_t weight_bytes = 0;
};

/// The decoder: what costs and memory follow from. One row per trace.
struct ModelRow {
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int64_t width = 0;
    std::int64_t ffn_width = 0;
    std::int32_t gated = 1;
    std::int64_t vocabulary = 0;
    std::int64_t context = 0;
    std::int32_t embed_type = 0;   ///< code: WeightType of base/weight_type.hpp
    std::int32_t lm_head_type = 0; ///< the same
    std::int64_t kv_bytes = 0;     ///< per cached element
    std::int32_t tied = 0;
    std::int32_t ends = 1;
    std::int32_t norms = 1;
};

/// Stored types of one layer's matrices; codes: WeightType.
struct LayerRow {
    std::int32_t q = 0;
    std::int32_t k = 0;
    std::int32_t v = 0;
    std::int32_t o = 0;
    std::int32_t gate = 0;
    std::int32_t up = 0;
    std::int32_t down = 0;
};

/// A token of one of the different prompts; those of a prompt follow each other.
struct PromptRow {
    std::int32_t prompt = 0;
    std::int64_t position = 0;
    std::int32_t id = -1; ///< -1: there was no tokenizer
};

/// Everything known before the first token.
struct RunHeader {
    std::map<std::string, std::string> attributes;  ///< program version, commit, clock, host, …
    std::map<std::string, std::int64_t> numbers;    ///< seed, interval, prompt tokens, …
    std::string scenario;                           ///< resolved text
    std::map<std::string, std::string> input_files; ///< path -> contents, all but the weights
    std::vector<DeviceRow> devices;
    std::vector<LinkRow> links;
    std::vector<BlockRow> blocks;
    std::vector<ModelRow> model; ///< one; none in a trace of version 3
    std::vector<LayerRow> layers;
    std::vector<PromptRow> prompts; ///< the different ones: request r continues prompt r mod count
    bool with_ops = false;          ///< --trace-ops: tables /ops and /messages exist
    /// "table.column" -> the names behind its codes. The trace knows its own and the blocks'; who
    /// begins a trace adds "intervals.policy" and, with_ops, "messages.kind" (scheduler's names).
    CodeNames codes = standard_codes();
};

struct IntervalRow {
    std::int64_t epoch = 0;       ///< of the placement in force after the decision
    std::int32_t sequence = 0;    ///< that the interval's tokens belong to; -1: several
    std::int64_t first_token = 0; ///< tokens of all sequences sampled before the decision
    std::int64_t t_dec = 0;
    std::int64_t t_switch = 0; ///< turns under way are sampled; t_dec if nothing changes
    std::int64_t t_resume = 0;
    std::int64_t t_end = 0;                  ///< source clock at the interval's last sampled token
    std::int64_t tokens = 0;                 ///< sampled in the interval
    std::int64_t predicted_inference_ns = 0; ///< D_inf at the decision; INT64_MAX: never
    std::int64_t measured_inference_ns = 0;  ///< mean time per decode step, prefill excluded
    std::int64_t predicted_migration_ns = 0;
    std::int64_t measured_migration_ns = 0;
    std::int32_t in_flight = 1;          ///< sequences that the decision reckoned with
    std::int32_t waiting = 0;            ///< requests that had come and had no place yet
    std::int32_t batch = 1;              ///< turns joined into one operation
    std::int64_t predicted_round_ns = 0; ///< one turn of each of them; INT64_MAX: never
    std::int64_t kept_inference_ns = -1; ///< predicted D_inf of the placement before; -1: first
    double paper_delay_s = 0;            ///< D_T of the paper's formula for the placement
    double paper_migration_s = 0;
    std::int64_t decision_wall_ns = 0; ///< wall clock
    std::int32_t moves = 0;
    std::int32_t feasible = 1;
    std::int32_t policy = 0; ///< code: PolicyKind of scheduler/policies/policy.hpp
    std::int32_t reason = 0; ///< code: Reason
};

struct ResourceRow {
    std::int64_t interval = 0;
    std::int32_t device = -1;
    std::int64_t compute_flop_per_s = 0; ///< at t_dec
    std::int64_t memory_budget_bytes = 0;
    std::int64_t memory_used_bytes = 0; ///< at the interval's end
    std::int64_t memory_peak_bytes = 0; ///< within the interval, migration included
    std::int64_t busy_ns = 0;           ///< computing within the interval
    std::int64_t paged_bytes = 0;       ///< read again from storage, being over its budget
    std::int64_t rank_rss_bytes = 0;    ///< resident set of the process; not reproducible
};

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
    std::int64_t bytes = 0;        ///< sent
    std::int64_t loaded_bytes = 0; ///< read by the target from its own storage
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::uint64_t checksum = 0;
};

struct TokenRow {
    std::int32_t sequence = 0;
    std::int64_t position = 0; ///< in the sequence, prompt included
    std::int32_t id = 0;
    std::int64_t start = 0; ///< of the step that yielded it; prompt tokens: 0
    std::int64_t end = 0;
    std::int32_t is_prompt = 0;
    std::uint64_t logits_checksum = 0; ///< of the logits that it was chosen from; prompt tokens: 0
};

/// One step of one sequence, or one chunk of its prompt. The rows of an interval stand in the order
/// in which the source began them; those of one batch follow each other.
struct TurnRow {
    std::int64_t turn = 0;  ///< counts all turns of the run
    std::int64_t epoch = 0; ///< of the placement that executed it
    std::int32_t sequence = 0;
    std::int32_t slot = 0;
    std::int64_t round = 0;       ///< that it belongs to, counted over the run
    std::int64_t visit = 0;       ///< of the source that began it, counted over the run
    std::int64_t batch = 0;       ///< first turn of those that it is joined with
    std::int64_t first = 0;       ///< cache rows of the sequence before it
    std::int64_t tokens = 1;      ///< that it takes in
    std::int32_t samples = 1;     ///< 0: a chunk before a prompt's last
    std::int64_t seen_tokens = 0; ///< tokens of the run sampled before it began: at_token events
    std::int64_t start = 0;       ///< source clock when it began
    std::int64_t end = 0;         ///< source clock when the source was done with it
};

struct RequestRow {
    std::int32_t sequence = 0;
    std::int32_t slot = 0;        ///< that it was given
    std::int64_t arrival = 0;     ///< of the prompt
    std::int64_t begin = 0;       ///< when it was given a slot; it waited from its arrival to then
    std::int64_t first_token = 0; ///< end of the step that yielded it
    std::int64_t end = 0;
    std::int64_t prompt_tokens = 0;
    std::int64_t sampled_tokens = 0;
    std::int64_t prompt_bytes = 0; ///< of text: where the continuation begins
    std::string text;              ///< prompt and continuation; any bytes
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
    std::int32_t kind = 0; ///< code: EventKind
    std::int32_t device = -1;
    std::int64_t value = 0; ///< bytes over budget for overload, lacking for admission_waits
    std::string text;
};

/// One interval's worth of rows: what is committed together.
struct Interval {
    IntervalRow row;
    std::vector<std::int32_t> placement; ///< device per block
    std::vector<ResourceRow> resources;
    std::vector<LinkStateRow> link_states;
    std::vector<MigrationRow> migrations;
    std::vector<TurnRow> turns; ///< that the source was done with in this interval
    std::vector<TokenRow> tokens;
    std::vector<RequestRow> requests; ///< requests that ended in this interval
    std::vector<OpRow> ops;
    std::vector<MessageRow> messages;
    std::vector<EventRow> events;
};

/// How a run ended; the one element of /complete. A killed run never gets past `running`.
enum class Completion : std::int32_t { running = 0, finished = 1, interrupted = 2, failed = 3 };

/// Where records go. `begin` once, `commit` per interval, `end` once (also after an error).
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void begin(const RunHeader& header) = 0;
    virtual void commit(const Interval& interval) = 0;
    virtual void end(Completion completion) = 0;
};

/// Keeps everything in memory: for tests and for the summary.
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
