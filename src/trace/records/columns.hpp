// Lists the columns of every table of a trace, each with its name, its unit and the member of the
// row's struct. The code that writes, reads, compares and exports traces uses these lists. A test
// checks that every member of a row's struct has a column.
#pragma once

#include <tuple>
#include <type_traits>
#include <vector>

#include "trace/records/records.hpp"

namespace headroom::trace {

/// A column of the table whose rows are of type Row. Its values are of type T. The units are "ns"
/// (virtual nanoseconds), "ns of wall clock", "B" (bytes), "B/s", "FLOP/s", "s", "1" (a count or
/// truth value), "id" (an index; -1: none), "code" (see codes.hpp), "text" and "hash".
template <class Row, class T>
struct Column {
    const char* name;
    T Row::*member;
    const char* unit;
};
template <class Row, class T>
Column(const char*, T Row::*, const char*) -> Column<Row, T>; // clang 14 needs this guide

/// Each row type has a specialisation with the table's `name`, `description` and `columns`.
template <class Row>
struct Table;

/// Calls visit(column) for each column of Row, in order.
template <class Row, class Visit>
constexpr void for_each_column(Visit&& visit) {
    std::apply([&](const auto&... column) { (visit(column), ...); }, Table<Row>::columns);
}

template <>
struct Table<DeviceRow> {
    static constexpr const char* name = "devices";
    static constexpr const char* description =
        "the fleet's devices at time 0, after scaling and load; the row's index is the device";
    static constexpr std::tuple columns{
        Column{"name", &DeviceRow::name, "text"},
        Column{"compute_flop_per_s", &DeviceRow::compute_flop_per_s, "FLOP/s"},
        Column{"memory_bytes", &DeviceRow::memory_bytes, "B"},
        Column{"memory_bandwidth_bytes_per_s", &DeviceRow::memory_bandwidth_bytes_per_s, "B/s"},
        Column{"storage_bandwidth_bytes_per_s", &DeviceRow::storage_bandwidth_bytes_per_s, "B/s"},
        Column{"buffer_bytes", &DeviceRow::buffer_bytes, "B"},
        Column{"is_source", &DeviceRow::is_source, "1"},
    };
};

template <>
struct Table<LinkRow> {
    static constexpr const char* name = "links";
    static constexpr const char* description = "links between devices at time 0, per direction";
    static constexpr std::tuple columns{
        Column{"from", &LinkRow::from, "id"},
        Column{"to", &LinkRow::to, "id"},
        Column{"bandwidth_bytes_per_s", &LinkRow::bandwidth_bytes_per_s, "B/s"},
        Column{"latency_ns", &LinkRow::latency_ns, "ns"},
    };
};

template <>
struct Table<BlockRow> {
    static constexpr const char* name = "blocks";
    static constexpr const char* description =
        "the model's blocks, the units of placement; the row's index is the block";
    static constexpr std::tuple columns{
        Column{"name", &BlockRow::name, "text"},
        Column{"kind", &BlockRow::kind, "code"},
        Column{"layer", &BlockRow::layer, "id"},
        Column{"group", &BlockRow::group, "id"},
        Column{"weight_bytes", &BlockRow::weight_bytes, "B"},
    };
};

template <>
struct Table<ModelRow> {
    static constexpr const char* name = "model";
    static constexpr const char* description =
        "the decoder: what costs and memory follow from; one row";
    static constexpr std::tuple columns{
        Column{"layers", &ModelRow::layers, "1"},
        Column{"heads", &ModelRow::heads, "1"},
        Column{"kv_heads", &ModelRow::kv_heads, "1"},
        Column{"width", &ModelRow::width, "1"},
        Column{"ffn_width", &ModelRow::ffn_width, "1"},
        Column{"gated", &ModelRow::gated, "1"},
        Column{"vocabulary", &ModelRow::vocabulary, "1"},
        Column{"context", &ModelRow::context, "1"},
        Column{"embed_type", &ModelRow::embed_type, "code"},
        Column{"lm_head_type", &ModelRow::lm_head_type, "code"},
        Column{"tied", &ModelRow::tied, "1"},
        Column{"ends", &ModelRow::ends, "1"},
        Column{"norms", &ModelRow::norms, "1"},
        Column{"head_width", &ModelRow::head_width, "1"},
        Column{"kv_type", &ModelRow::kv_type, "code"},
        Column{"window", &ModelRow::window, "1"},
        Column{"window_period", &ModelRow::window_period, "1"},
        Column{"experts", &ModelRow::experts, "1"},
        Column{"experts_used", &ModelRow::experts_used, "1"},
        Column{"qkv_bias", &ModelRow::qkv_bias, "1"},
        Column{"qk_norm", &ModelRow::qk_norm, "code"},
        Column{"norm_place", &ModelRow::norm_place, "code"},
    };
};

template <>
struct Table<LayerRow> {
    static constexpr const char* name = "layers";
    static constexpr const char* description = "how the matrices of each layer are stored";
    static constexpr std::tuple columns{
        Column{"q", &LayerRow::q, "code"},
        Column{"k", &LayerRow::k, "code"},
        Column{"v", &LayerRow::v, "code"},
        Column{"o", &LayerRow::o, "code"},
        Column{"gate", &LayerRow::gate, "code"},
        Column{"up", &LayerRow::up, "code"},
        Column{"down", &LayerRow::down, "code"},
    };
};

template <>
struct Table<PromptRow> {
    static constexpr const char* name = "prompts";
    static constexpr const char* description =
        "the different prompts as token ids; request r continues prompt r mod their number";
    static constexpr std::tuple columns{
        Column{"prompt", &PromptRow::prompt, "id"},
        Column{"position", &PromptRow::position, "1"},
        Column{"id", &PromptRow::id, "id"},
    };
};

template <>
struct Table<IntervalRow> {
    static constexpr const char* name = "intervals";
    static constexpr const char* description =
        "one row per decision and the tokens up to the next; written and flushed last: the commit "
        "record. rows_X: rows of table X that belong to the trace up to and with this interval";
    static constexpr std::tuple columns{
        Column{"epoch", &IntervalRow::epoch, "1"},
        Column{"sequence", &IntervalRow::sequence, "id"},
        Column{"first_token", &IntervalRow::first_token, "1"},
        Column{"t_dec", &IntervalRow::t_dec, "ns"},
        Column{"t_switch", &IntervalRow::t_switch, "ns"},
        Column{"t_resume", &IntervalRow::t_resume, "ns"},
        Column{"t_end", &IntervalRow::t_end, "ns"},
        Column{"tokens", &IntervalRow::tokens, "1"},
        Column{"predicted_inference_ns", &IntervalRow::predicted_inference_ns, "ns"},
        Column{"measured_inference_ns", &IntervalRow::measured_inference_ns, "ns"},
        Column{"predicted_migration_ns", &IntervalRow::predicted_migration_ns, "ns"},
        Column{"measured_migration_ns", &IntervalRow::measured_migration_ns, "ns"},
        Column{"in_flight", &IntervalRow::in_flight, "1"},
        Column{"waiting", &IntervalRow::waiting, "1"},
        Column{"batch", &IntervalRow::batch, "1"},
        Column{"predicted_round_ns", &IntervalRow::predicted_round_ns, "ns"},
        Column{"kept_inference_ns", &IntervalRow::kept_inference_ns, "ns"},
        Column{"paper_delay_s", &IntervalRow::paper_delay_s, "s"},
        Column{"paper_migration_s", &IntervalRow::paper_migration_s, "s"},
        Column{"decision_wall_ns", &IntervalRow::decision_wall_ns, "ns of wall clock"},
        Column{"moves", &IntervalRow::moves, "1"},
        Column{"feasible", &IntervalRow::feasible, "1"},
        Column{"policy", &IntervalRow::policy, "code"},
        Column{"reason", &IntervalRow::reason, "code"},
    };
};

template <>
struct Table<ResourceRow> {
    static constexpr const char* name = "resources";
    static constexpr const char* description = "what each device gave and held in each interval";
    static constexpr std::tuple columns{
        Column{"interval", &ResourceRow::interval, "id"},
        Column{"device", &ResourceRow::device, "id"},
        Column{"compute_flop_per_s", &ResourceRow::compute_flop_per_s, "FLOP/s"},
        Column{"memory_budget_bytes", &ResourceRow::memory_budget_bytes, "B"},
        Column{"memory_used_bytes", &ResourceRow::memory_used_bytes, "B"},
        Column{"memory_peak_bytes", &ResourceRow::memory_peak_bytes, "B"},
        Column{"busy_ns", &ResourceRow::busy_ns, "ns"},
        Column{"paged_bytes", &ResourceRow::paged_bytes, "B"},
        Column{"rank_rss_bytes", &ResourceRow::rank_rss_bytes, "B"},
    };
};

template <>
struct Table<LinkStateRow> {
    static constexpr const char* name = "link_state";
    static constexpr const char* description = "links that were used or changed, per interval";
    static constexpr std::tuple columns{
        Column{"interval", &LinkStateRow::interval, "id"},
        Column{"from", &LinkStateRow::from, "id"},
        Column{"to", &LinkStateRow::to, "id"},
        Column{"bandwidth_bytes_per_s", &LinkStateRow::bandwidth_bytes_per_s, "B/s"},
        Column{"latency_ns", &LinkStateRow::latency_ns, "ns"},
        Column{"bytes", &LinkStateRow::bytes, "B"},
    };
};

template <>
struct Table<MigrationRow> {
    static constexpr const char* name = "migrations";
    static constexpr const char* description =
        "blocks that moved, with weights and cache rows, sent or loaded";
    static constexpr std::tuple columns{
        Column{"interval", &MigrationRow::interval, "id"},
        Column{"block", &MigrationRow::block, "id"},
        Column{"from", &MigrationRow::from, "id"},
        Column{"to", &MigrationRow::to, "id"},
        Column{"bytes", &MigrationRow::bytes, "B"},
        Column{"loaded_bytes", &MigrationRow::loaded_bytes, "B"},
        Column{"start", &MigrationRow::start, "ns"},
        Column{"end", &MigrationRow::end, "ns"},
        Column{"checksum", &MigrationRow::checksum, "hash"},
    };
};

template <>
struct Table<TokenRow> {
    static constexpr const char* name = "tokens";
    static constexpr const char* description = "tokens of the prompts and sampled ones";
    static constexpr std::tuple columns{
        Column{"sequence", &TokenRow::sequence, "id"},
        Column{"position", &TokenRow::position, "1"},
        Column{"id", &TokenRow::id, "id"},
        Column{"start", &TokenRow::start, "ns"},
        Column{"end", &TokenRow::end, "ns"},
        Column{"is_prompt", &TokenRow::is_prompt, "1"},
        Column{"logits_checksum", &TokenRow::logits_checksum, "hash"},
    };
};

template <>
struct Table<TurnRow> {
    static constexpr const char* name = "turns";
    static constexpr const char* description =
        "steps of sequences and chunks of their prompts, written with the interval in which the "
        "source was done with them, in the order in which it began them";
    static constexpr std::tuple columns{
        Column{"turn", &TurnRow::turn, "id"},
        Column{"epoch", &TurnRow::epoch, "1"},
        Column{"sequence", &TurnRow::sequence, "id"},
        Column{"slot", &TurnRow::slot, "id"},
        Column{"round", &TurnRow::round, "id"},
        Column{"visit", &TurnRow::visit, "id"},
        Column{"batch", &TurnRow::batch, "id"},
        Column{"first", &TurnRow::first, "1"},
        Column{"tokens", &TurnRow::tokens, "1"},
        Column{"samples", &TurnRow::samples, "1"},
        Column{"seen_tokens", &TurnRow::seen_tokens, "1"},
        Column{"start", &TurnRow::start, "ns"},
        Column{"end", &TurnRow::end, "ns"},
    };
};

template <>
struct Table<RequestRow> {
    static constexpr const char* name = "requests";
    static constexpr const char* description = "sequences, written when they have ended";
    static constexpr std::tuple columns{
        Column{"sequence", &RequestRow::sequence, "id"},
        Column{"slot", &RequestRow::slot, "id"},
        Column{"arrival", &RequestRow::arrival, "ns"},
        Column{"begin", &RequestRow::begin, "ns"},
        Column{"first_token", &RequestRow::first_token, "ns"},
        Column{"end", &RequestRow::end, "ns"},
        Column{"prompt_tokens", &RequestRow::prompt_tokens, "1"},
        Column{"sampled_tokens", &RequestRow::sampled_tokens, "1"},
        Column{"prompt_bytes", &RequestRow::prompt_bytes, "B"},
        Column{"text", &RequestRow::text, "text"},
    };
};

template <>
struct Table<OpRow> {
    static constexpr const char* name = "ops";
    static constexpr const char* description = "every operation on every device (--trace-ops)";
    static constexpr std::tuple columns{
        Column{"turn", &OpRow::turn, "id"},
        Column{"device", &OpRow::device, "id"},
        Column{"block", &OpRow::block, "id"},
        Column{"start", &OpRow::start, "ns"},
        Column{"end", &OpRow::end, "ns"},
    };
};

template <>
struct Table<MessageRow> {
    static constexpr const char* name = "messages";
    static constexpr const char* description = "every message between devices (--trace-ops)";
    static constexpr std::tuple columns{
        Column{"turn", &MessageRow::turn, "id"},
        Column{"from", &MessageRow::from, "id"},
        Column{"to", &MessageRow::to, "id"},
        Column{"kind", &MessageRow::kind, "code"},
        Column{"layer", &MessageRow::layer, "id"},
        Column{"bytes", &MessageRow::bytes, "B"},
        Column{"begin", &MessageRow::begin, "ns"},
        Column{"arrival", &MessageRow::arrival, "ns"},
    };
};

template <>
struct Table<EventRow> {
    static constexpr const char* name = "events";
    static constexpr const char* description =
        "faults, overloads, waits for memory; value: bytes over the budget for an overload, that "
        "is, bytes to be paged; bytes that lack for the next request's caches";
    static constexpr std::tuple columns{
        Column{"at", &EventRow::at, "ns"},
        Column{"kind", &EventRow::kind, "code"},
        Column{"device", &EventRow::device, "id"},
        Column{"value", &EventRow::value, "1"},
        Column{"text", &EventRow::text, "text"},
    };
};

/// The members of RunHeader that are tables, in the order in which they are written.
inline constexpr std::tuple kHeaderTables{
    &RunHeader::devices,
    &RunHeader::links,
    &RunHeader::blocks,
    &RunHeader::model,
    &RunHeader::layers,
    &RunHeader::prompts};
/// The members of Interval that are tables, in the order in which they are written.
inline constexpr std::tuple kIntervalTables{
    &Interval::resources,
    &Interval::link_states,
    &Interval::migrations,
    &Interval::turns,
    &Interval::tokens,
    &Interval::requests,
    &Interval::events,
    &Interval::ops,
    &Interval::messages};

/// Whether the table of Row is written only by a run with --trace-ops.
template <class Row>
inline constexpr bool kNeedsOps = std::is_same_v<Row, OpRow> || std::is_same_v<Row, MessageRow>;

template <class... Tables, class Visit>
constexpr void for_each_table(const std::tuple<Tables...>& tables, Visit&& visit) {
    std::apply([&](const auto... member) { (visit(member), ...); }, tables);
}

} // namespace headroom::trace
