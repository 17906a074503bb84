#include "trace/analysis/summary.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/block.hpp"
#include "base/error.hpp"
#include "base/saturating.hpp"

namespace headroom::trace {

namespace {

/// Returns a/b < c/d for non-negative numbers. Cross products allow b and d to be 0.
bool is_smaller_share(Bytes a, Bytes b, Bytes c, Bytes d) {
    return static_cast<double>(a) * static_cast<double>(d) <
           static_cast<double>(c) * static_cast<double>(b);
}

} // namespace

double DeviceSummary::fullness() const {
    if (fullest_budget_bytes > 0) {
        return static_cast<double>(fullest_bytes) / static_cast<double>(fullest_budget_bytes);
    }
    return fullest_bytes > 0 ? -1 : 0;
}

bool DeviceSummary::is_less_full_than(const DeviceSummary& other) const {
    return is_smaller_share(
        fullest_bytes, fullest_budget_bytes, other.fullest_bytes, other.fullest_budget_bytes
    );
}

void Summarizer::begin(const RunHeader& header) {
    for (const DeviceRow& device : header.devices) {
        sum_.devices.push_back(
            {.name = device.name,
             .budget_bytes = device.memory_bytes,
             .fullest_budget_bytes = device.memory_bytes}
        );
    }
    for (const BlockRow& block : header.blocks) {
        block_kinds_.push_back(block.kind);
    }
}

void Summarizer::add_resources(const Interval& interval) {
    for (const ResourceRow& row : interval.resources) {
        if (row.device < 0 || static_cast<std::size_t>(row.device) >= sum_.devices.size()) {
            throw InputError(fmt::format("damaged: /resources has a device {}", row.device));
        }
        DeviceSummary& device = sum_.devices[static_cast<std::size_t>(row.device)];
        device.peak_bytes = std::max(device.peak_bytes, row.memory_peak_bytes);
        device.budget_bytes = row.memory_budget_bytes;
        if (row.memory_peak_bytes > 0 && // an empty device without a budget is not full
            !is_smaller_share(
                row.memory_peak_bytes,
                row.memory_budget_bytes,
                device.fullest_bytes,
                device.fullest_budget_bytes
            )) {
            device.fullest_bytes = row.memory_peak_bytes;
            device.fullest_budget_bytes = row.memory_budget_bytes;
        }
        device.used_bytes = row.memory_used_bytes;
        saturating_add(device.busy, row.busy_ns);
        saturating_add(sum_.bytes_paged, row.paged_bytes);
        device.blocks =
            std::count(interval.placement.begin(), interval.placement.end(), row.device);
    }
}

/// Returns the entry of a sequence. A new sequence begins at `first_seen`, or at the decision if it
/// is the only one of the interval. Its request row has the exact begin, but only when it has
/// ended.
SequenceSummary& Summarizer::sequence(
    const IntervalRow& row, std::int32_t number, Nanoseconds first_seen
) {
    const auto [entry, is_new] = sequences_.try_emplace(number);
    SequenceSummary& sequence = entry->second;
    if (is_new) {
        sequence.number = number;
        sequence.begin = row.sequence == number ? row.t_dec : first_seen;
        sequence.arrival = sequence.begin;
    }
    return sequence;
}

void Summarizer::add_turns(const Interval& interval) {
    for (const TurnRow& turn : interval.turns) {
        sequence(interval.row, turn.sequence, turn.start).slot = turn.slot;
    }
}

void Summarizer::add_tokens(const Interval& interval) {
    for (const TokenRow& token : interval.tokens) {
        SequenceSummary& summary = sequence(interval.row, token.sequence, interval.row.t_dec);
        if (token.is_prompt != 0) {
            ++summary.prompt_tokens;
        } else if (++summary.sampled_tokens == 1) {
            summary.first_token = summary.last_token = token.end;
        } else {
            add_step(interval.row, token, std::exchange(summary.last_token, token.end));
        }
    }
}

void Summarizer::add_step(const IntervalRow& row, const TokenRow& token, Nanoseconds previous_end) {
    token_times_.push_back(token.end - previous_end);
    const bool alone = row.in_flight <= 1;
    const Nanoseconds predicted = alone ? row.predicted_inference_ns : row.predicted_round_ns;
    const Nanoseconds migrating =
        std::min(token.end, row.t_resume) - std::max(previous_end, row.t_switch);
    if (predicted != kNever) {
        saturating_add(sum_.predicted_decode, predicted);
    }
    saturating_add(
        sum_.measured_decode,
        alone ? token.end - token.start
              : token.end - previous_end - std::max<Nanoseconds>(0, migrating)
    );
}

void Summarizer::add_request(const IntervalRow& row, const RequestRow& request) {
    SequenceSummary& summary = sequence(row, request.sequence, request.begin);
    summary.ended = true;
    summary.slot = request.slot;
    summary.arrival = request.arrival;
    summary.begin = request.begin;
    summary.text = request.text;
    summary.prompt = request.text.substr(0, static_cast<std::size_t>(request.prompt_bytes));
}

void Summarizer::commit(const Interval& interval) {
    const IntervalRow& row = interval.row;
    sum_.largest_batch = std::max<std::int64_t>(sum_.largest_batch, row.batch);
    sum_.smallest_batch =
        sum_.decisions == 0 ? row.batch : std::min<std::int64_t>(sum_.smallest_batch, row.batch);
    ++sum_.decisions;
    sum_.resumptions += row.reason == static_cast<std::int32_t>(Reason::resumed) ? 1 : 0;
    sum_.decisions_that_moved += row.moves > 0 ? 1 : 0;
    sum_.decisions_infeasible += row.feasible == 0 ? 1 : 0;
    saturating_add(sum_.blocks_moved, row.moves);
    saturating_add(sum_.time_migrating, row.measured_migration_ns);
    if (row.predicted_migration_ns != kNever) {
        saturating_add(sum_.predicted_migration, row.predicted_migration_ns);
    }
    decision_wall_ns_ += static_cast<double>(row.decision_wall_ns);
    Bytes migrated = 0;
    for (const MigrationRow& move : interval.migrations) {
        saturating_add(migrated, move.bytes);
        saturating_add(sum_.bytes_loaded, move.loaded_bytes);
        const auto kind = block_kinds_[static_cast<std::size_t>(move.block)];
        sum_.groups_moved += kind == static_cast<std::int32_t>(BlockKind::group) ? 1 : 0;
    }
    saturating_add(sum_.bytes_migrated, migrated);
    for (const LinkStateRow& link : interval.link_states) {
        saturating_add(sum_.bytes_messages, link.bytes);
    }
    sum_.bytes_messages = saturating_difference(sum_.bytes_messages, migrated);
    for (const EventRow& event : interval.events) {
        const auto kind = static_cast<EventCode>(event.kind);
        sum_.overloads += kind == EventCode::overload ? 1 : 0;
        if (kind == EventCode::admission_waits) {
            memory_waits_.push_back(event.at);
        }
    }
    add_turns(interval);
    add_tokens(interval);
    for (const RequestRow& request : interval.requests) {
        add_request(row, request);
    }
    add_resources(interval);
}

namespace {

void add_up_sequences(Summary& result) {
    Nanoseconds decoded = 0;
    std::int64_t sampling = 0; // number of sequences with a sampled token
    for (SequenceSummary& sequence : result.sequences) {
        result.prompt_tokens += sequence.prompt_tokens;
        result.sampled_tokens += sequence.sampled_tokens;
        result.end = std::max(result.end, sequence.last_token);
        const Nanoseconds time = sequence.last_token - sequence.first_token;
        saturating_add(decoded, time);
        if (sequence.sampled_tokens > 0) {
            ++sampling;
            sequence.time_to_first_token = sequence.first_token - sequence.arrival;
        }
        if (sequence.sampled_tokens > 1) {
            sequence.time_per_output_token = time / (sequence.sampled_tokens - 1);
        }
    }
    if (result.sampled_tokens > sampling) {
        result.time_per_output_token = decoded / (result.sampled_tokens - sampling);
    }
}

/// Computes the times to first token. Only sequences that have ended have a known arrival. If none
/// has ended all sequences are used.
void set_times_to_first_token(Summary& result) {
    const auto has_ended = [](const SequenceSummary& sequence) { return sequence.ended; };
    const bool any = std::any_of(result.sequences.begin(), result.sequences.end(), has_ended);
    std::vector<Nanoseconds> times;
    for (const SequenceSummary& sequence : result.sequences) {
        if (sequence.time_to_first_token >= 0 && (sequence.ended || !any)) {
            times.push_back(sequence.time_to_first_token);
        }
    }
    if (!times.empty()) {
        result.time_to_first_token =
            std::accumulate(times.begin(), times.end(), Nanoseconds{0}, saturating_sum) /
            static_cast<std::int64_t>(times.size());
    }
    result.time_to_first_token_p50 = percentile(times, 50);
    result.time_to_first_token_p95 = percentile(times, 95);
}

/// Computes the span, rates, numbers of sequences in flight and the busy times of devices.
void set_rates(Summary& result) {
    std::vector<Span> in_flight;
    Nanoseconds first_arrival = result.end;
    double time_in_flight = 0;
    for (const SequenceSummary& sequence : result.sequences) {
        first_arrival = std::min(first_arrival, sequence.arrival);
        const Nanoseconds end = sequence.ended ? sequence.last_token : result.end;
        in_flight.push_back({sequence.begin, end});
        time_in_flight += static_cast<double>(end - sequence.begin);
    }
    result.max_in_flight = max_overlap(in_flight);
    result.span = result.end - first_arrival;
    if (result.span == 0) {
        return;
    }
    const auto span = static_cast<double>(result.span);
    result.mean_in_flight = time_in_flight / span;
    result.tokens_per_s = static_cast<double>(result.sampled_tokens) * 1e9 / span;
    for (DeviceSummary& device : result.devices) {
        // Devices also report operations of turns that have not ended. If the run was broken off
        // these turns never end, so the reported time can be longer than the span.
        device.busy = std::min(device.busy, result.span);
        device.utilisation = static_cast<double>(device.busy) / span;
    }
}

/// Returns the texts of the sequences that ended, in order. The result is empty if all texts are
/// empty, as in a simulation.
std::string joined_texts(const std::vector<SequenceSummary>& sequences) {
    std::string all;
    bool first = true;
    bool any = false;
    for (const SequenceSummary& sequence : sequences) {
        if (!sequence.ended) {
            continue;
        }
        if (!std::exchange(first, false)) {
            all += all.empty() || all.back() == '\n' ? "\n" : "\n\n";
        }
        all += sequence.text;
        any = any || !sequence.text.empty();
    }
    return any ? all : "";
}

} // namespace

Summary Summarizer::summary() const {
    Summary result = sum_;
    std::vector<Nanoseconds> begins;
    for (const auto& [number, sequence] : sequences_) {
        result.sequences.push_back(sequence);
        begins.push_back(sequence.begin);
    }
    add_up_sequences(result);
    set_times_to_first_token(result);
    set_rates(result);
    result.memory_waits = memory_waits(memory_waits_, begins, result.end);
    result.time_per_output_token_p50 = percentile(token_times_, 50);
    result.time_per_output_token_p95 = percentile(token_times_, 95);
    result.text = joined_texts(result.sequences);
    if (result.decisions > 0) {
        result.decision_wall_mean_ms =
            decision_wall_ns_ / static_cast<double>(result.decisions) / 1e6;
    }
    return result;
}

double largest_fullness(const Summary& summary) {
    double most = 0;
    for (const DeviceSummary& device : summary.devices) {
        most = std::max(most, device.fullness());
    }
    return most;
}

Summary summary_of(const Trace& trace) {
    Summarizer summarizer;
    summarizer.begin(trace.header);
    for (const Interval& interval : trace.intervals) {
        summarizer.commit(interval);
    }
    return summarizer.summary();
}

} // namespace headroom::trace
