// The rows of a trace (a run's output file), one struct per table, and the interface of sinks,
// which receive the rows. Times are virtual nanoseconds unless the name has `wall` or `_s`.
// `device`, `from`, `to` and `block` are indices into tables of the header; -1 means none. A turn
// is one pass of one sequence through the model: a decode step or a chunk of a prompt. The source
// is the device where prompts come in and text goes out. See docs/reference/trace.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trace/records/codes.hpp"

namespace headroom::trace {

inline constexpr std::int32_t kSchemaVersion = 5;
/// Traces of version 3 can be read, but not replayed: they lack /model, /layers and /prompts.
inline constexpr std::int32_t kOldestSchemaVersion = 3;
/// The /model of traces up to version 4 ends before this column. What is missing reads as 0.
inline constexpr std::int32_t kLastShortModelVersion = 4;
inline constexpr const char* kFirstNewModelColumn = "head_width";

/// A device at time 0.
struct DeviceRow {
    std::string name;
    /// Rate after applying the scenario's scale factor and background load.
    std::int64_t compute_flop_per_s = 0;
    std::int64_t memory_bytes = 0;                   ///< memory budget
    std::int64_t memory_bandwidth_bytes_per_s = -1;  ///< -1: unlimited
    std::int64_t storage_bandwidth_bytes_per_s = -1; ///< -1: no storage to load weights from
    std::int64_t buffer_bytes = 0; ///< part of memory_bytes for activations and other buffers
    std::int32_t is_source = 0;    ///< 1: this device is the source
};

/// A link at time 0. A row with `from` = `to` = -1 stands for all links that have no row.
struct LinkRow {
    std::int32_t from = -1;
    std::int32_t to = -1;
    std::int64_t bandwidth_bytes_per_s = 0; ///< -1: unlimited
    std::int64_t latency_ns = 0;
};

/// A block, the unit of placement, such as "L3.g5", attention group 5 of layer 3.
struct BlockRow {
    std::string name;
    std::int32_t kind = 0; ///< code of BlockKind (base/block.hpp)
    std::int32_t layer = -1;
    std::int32_t group = -1; ///< number of a group or FFN slice within its layer
    std::int64_t weight_bytes = 0;
};

/// The shape of the model, on which costs and memory depend. A trace has one such row.
struct ModelRow {
    std::int32_t layers = 0;
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int64_t width = 0;
    std::int64_t ffn_width = 0;
    std::int32_t gated = 1; ///< 1: the FFN has three matrices instead of two
    std::int64_t vocabulary = 0;
    std::int64_t context = 0;      ///< the longest context in tokens
    std::int32_t embed_type = 0;   ///< code of WeightType (base/weight_type.hpp)
    std::int32_t lm_head_type = 0; ///< code of WeightType
    std::int32_t tied = 0;         ///< 1: lm_head uses the matrix of embed
    /// 1: the model has embed and lm_head, as in every run; 0: only in problems made for tests.
    std::int32_t ends = 1;
    /// 1: norm weights count as memory, as in every run; 0: only in problems made for tests.
    std::int32_t norms = 1;
    // Traces up to version 4 lack the columns from here on (kFirstNewModelColumn).
    std::int64_t head_width = 0;    ///< 0: width / heads
    std::int32_t kv_type = 0;       ///< code of WeightType
    std::int64_t window = 0;        ///< tokens that a token attends to; 0: all
    std::int64_t window_period = 0; ///< of so many layers the last has no window
    std::int64_t experts = 0;       ///< networks per ffn; 0: no mixture of experts
    std::int64_t experts_used = 0;  ///< networks per ffn that a token uses
    std::int32_t qkv_bias = 0;      ///< 1: q, k and v have biases
    std::int32_t qk_norm = 0;       ///< code of QkNorm (base/model_shape.hpp)
    std::int32_t norm_place = 0;    ///< code of NormPlace (base/model_shape.hpp)
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

/// One token of a prompt. Equal prompts are stored once. The rows of a prompt are consecutive.
struct PromptRow {
    std::int32_t prompt = 0; ///< prompt number; request r has prompt r mod (number of prompts)
    std::int64_t position = 0;
    std::int32_t id = -1; ///< id in the vocabulary; -1: there was no tokenizer
};

/// The header number that says by which rules the times of a run follow from its scenario. Traces
/// without it have rules 1. By rules 1 a decision sees the events that its last turn saw when that
/// turn began; by rules 2 it sees those at tokens up to the last sampled one.
inline constexpr const char* kSemantics = "semantics";
inline constexpr std::int64_t kFirstSemantics = 1;
inline constexpr std::int64_t kPresentSemantics = 2;

/// The part of a trace that is written before the first token.
struct RunHeader {
    std::map<std::string, std::string> attributes; ///< program version, commit, clock, host, …
    std::map<std::string, std::int64_t> numbers;   ///< seed, number of prompt tokens, …
    std::string scenario;                          ///< the scenario as complete TOML
    /// Contents of each input file by its path. The file with the weights is left out.
    std::map<std::string, std::string> input_files;
    std::vector<DeviceRow> devices;
    std::vector<LinkRow> links;
    std::vector<BlockRow> blocks;
    std::vector<ModelRow> model; ///< one row; no row in a trace of version 3
    std::vector<LayerRow> layers;
    std::vector<PromptRow> prompts;
    bool with_ops = false; ///< whether /ops and /messages exist (--trace-ops)
    /// The names of codes. The caller of Sink::begin() adds the names of the codes that come from
    /// the scheduler: those of column "intervals.policy" and, if with_ops, of "messages.kind".
    CodeNames codes = standard_codes();

    [[nodiscard]] std::int64_t semantics() const {
        const auto found = numbers.find(kSemantics);
        return found == numbers.end() ? kFirstSemantics : found->second;
    }
};

/// One decision, and the tokens sampled until the next decision. A predicted time of INT64_MAX
/// means never. A round is one turn of every sequence in flight.
struct IntervalRow {
    /// Number of the placement after the decision. It grows by 1 when the placement or the batch
    /// size changes.
    std::int64_t epoch = 0;
    /// The sequence of the sampled tokens; -1: several sequences had turns in the interval.
    std::int32_t sequence = 0;
    std::int64_t first_token = 0; ///< number of tokens that the run sampled before the decision
    std::int64_t t_dec = 0;       ///< time of the decision
    /// Time at which the turns under way have ended and transfers begin. It is t_dec if neither
    /// placement nor batch size changes.
    std::int64_t t_switch = 0;
    std::int64_t t_resume = 0; ///< when the next turns may begin; t_dec if nothing changes
    /// The source's clock at the last token sampled in the interval, or when a signal ended the
    /// run.
    std::int64_t t_end = 0;
    std::int64_t tokens = 0;                 ///< number of tokens sampled in the interval
    std::int64_t predicted_inference_ns = 0; ///< D_inf, the predicted time of a decode step
    /// Mean time of the decode steps in the interval; 0: it has no decode step.
    std::int64_t measured_inference_ns = 0;
    std::int64_t predicted_migration_ns = 0;
    std::int64_t measured_migration_ns = 0; ///< t_resume − t_switch
    std::int32_t in_flight = 1;             ///< sequences in flight that the decision planned for
    std::int32_t waiting = 0;               ///< requests that had arrived but were not in flight
    std::int32_t batch = 1;                 ///< turns that each operation processes together
    std::int64_t predicted_round_ns = 0;
    /// D_inf of the previous placement. -1 in the first interval of a run and after a resumption,
    /// because then there is no previous placement.
    std::int64_t kept_inference_ns = -1;
    double paper_delay_s = 0;          ///< time of a decode step by the formula of arXiv 2505.02533
    double paper_migration_s = 0;      ///< migration time by the formula of the same paper
    std::int64_t decision_wall_ns = 0; ///< wall-clock time that the policy took
    std::int32_t moves = 0;            ///< number of blocks that moved
    std::int32_t feasible = 1;         ///< 0: no placement met all constraints
    std::int32_t policy = 0;           ///< code of PolicyKind (scheduler/policies/policy.hpp)
    std::int32_t reason = 0;           ///< code of Reason
};

/// The state of one device in one interval. Rate and budget are those at the decision.
struct ResourceRow {
    std::int64_t interval = 0;
    std::int32_t device = -1;
    std::int64_t compute_flop_per_s = 0;
    std::int64_t memory_budget_bytes = 0;
    std::int64_t memory_used_bytes = 0; ///< bytes held at the interval's end
    std::int64_t memory_peak_bytes = 0; ///< most bytes held at any time, migration included
    /// Time of the operations that the device reported with this interval. Some of them belong to
    /// turns under way at t_end and may have run after t_end.
    std::int64_t busy_ns = 0;
    std::int64_t paged_bytes = 0; ///< weights read again: memory was over budget
    /// Resident memory of the process on its host. It differs even between equal runs.
    std::int64_t rank_rss_bytes = 0;
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

/// The move of one block to another device.
struct MigrationRow {
    std::int64_t interval = 0;
    std::int32_t block = -1;
    std::int32_t from = -1;
    std::int32_t to = -1;
    std::int64_t bytes = 0;        ///< weights and cache rows that were sent
    std::int64_t loaded_bytes = 0; ///< weights that the receiver read from its own storage
    std::int64_t start = 0;        ///< begin of the message or the load, whichever is earlier
    /// Time at which the receiver has all bytes that were sent and loaded.
    std::int64_t end = 0;
    std::uint64_t checksum = 0; ///< of the bytes sent and loaded; equal at sender and receiver
};

struct TokenRow {
    std::int32_t sequence = 0;
    std::int64_t position = 0; ///< position in the sequence, prompt included
    std::int32_t id = 0;       ///< id in the vocabulary; -1: sampled in a simulation
    std::int64_t start = 0;    ///< start of the step that sampled the token; prompt tokens: 0
    std::int64_t end = 0;      ///< end of that step; prompt tokens: 0
    std::int32_t is_prompt = 0;
    std::uint64_t logits_checksum = 0; ///< checksum of the step's logits; prompt tokens: 0
};

/// One turn. The rows of an interval are in the order in which the source ended the turns. The
/// turns of one batch (those that each operation processes together) are consecutive.
struct TurnRow {
    std::int64_t turn = 0;  ///< number of the turn in the run
    std::int64_t epoch = 0; ///< IntervalRow::epoch of the placement that executed the turn
    std::int32_t sequence = 0;
    std::int32_t slot = 0;  ///< place of the sequence among those in flight, from 0
    std::int64_t round = 0; ///< number of its round in the run
    /// Number of the visit at which the source began the turn. At each visit the source ends the
    /// turns of one group of slots and begins their next turns.
    std::int64_t visit = 0;
    std::int64_t batch = 0;   ///< `turn` of the first turn of its batch
    std::int64_t first = 0;   ///< tokens of the sequence in the KV cache before the turn
    std::int64_t tokens = 1;  ///< number of tokens that the turn processes
    std::int32_t samples = 1; ///< 1: the turn yields a token; 0: a chunk before the prompt's last
    /// Tokens that the run had sampled when the turn began. An event of the scenario at token n
    /// applies to the turns for which this number is at least n.
    std::int64_t seen_tokens = 0;
    std::int64_t start = 0; ///< source clock when the turn began
    std::int64_t end = 0;   ///< source clock when the source ended the turn
};

/// A sequence that has ended, or that a signal cut off.
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

/// The computation of one block for one batch. `turn` is the first turn of the batch.
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
    std::int32_t kind = 0; ///< code of scheduler::Payload: what it carries
    std::int32_t layer = -1;
    std::int64_t bytes = 0;
    std::int64_t begin = 0;
    std::int64_t arrival = 0;
};

struct EventRow {
    std::int64_t at = 0;
    std::int32_t kind = 0; ///< code of EventCode
    std::int32_t device = -1;
    /// overload: bytes over the budget. admission_waits: bytes that the device lacks for the caches
    /// of the next request. interrupted: the sequence that was cut off, or -1 if the row stands for
    /// the end of the run.
    std::int64_t value = 0;
    std::string text;
};

/// All rows of one interval. A sink commits (stores) them together.
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
