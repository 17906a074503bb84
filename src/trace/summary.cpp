#include "trace/summary.hpp"

#include <algorithm>
#include <limits>

#include "base/block.hpp"

namespace headroom::trace {

void Summarizer::begin(const RunHeader& header) {
    for (const DeviceRow& device : header.devices) {
        sum_.devices.push_back({device.name, 0, device.memory_bytes, 0, 0});
    }
    for (const BlockRow& block : header.blocks) {
        block_kinds_.push_back(block.kind);
    }
}

void Summarizer::add_resources(const Interval& interval) {
    for (const ResourceRow& row : interval.resources) {
        DeviceSummary& device = sum_.devices[static_cast<std::size_t>(row.device)];
        // peak/budget as a cross product: budgets may be 0.
        const double now =
            static_cast<double>(row.memory_peak_bytes) * static_cast<double>(device.budget_bytes);
        const double before =
            static_cast<double>(device.peak_bytes) * static_cast<double>(row.memory_budget_bytes);
        if (now >= before) {
            device.peak_bytes = row.memory_peak_bytes;
            device.budget_bytes = row.memory_budget_bytes;
        }
        device.used_bytes = row.memory_used_bytes;
        sum_.bytes_paged += row.paged_bytes;
        device.blocks =
            std::count(interval.placement.begin(), interval.placement.end(), row.device);
    }
}

void Summarizer::add_tokens(const Interval& interval) {
    const auto index = static_cast<std::size_t>(interval.row.sequence);
    if (index >= sum_.sequences.size()) {
        sum_.sequences.resize(index + 1);
        sum_.sequences[index].begin = interval.row.t_dec;
    }
    SequenceSummary& sequence = sum_.sequences[index];
    std::int64_t steps = 0;
    for (const TokenRow& token : interval.tokens) {
        if (token.is_prompt != 0) {
            ++sequence.prompt_tokens;
            continue;
        }
        const Nanoseconds before = sequence.last_token;
        sequence.last_token = token.end;
        if (++sequence.sampled_tokens == 1) {
            sequence.first_token = token.end;
            sequence.to_first_token = token.end - sequence.begin;
        } else {
            ++steps;
            gaps_.push_back(token.end - before);
            sum_.measured_decode += token.end - token.start;
        }
    }
    if (interval.row.predicted_inference_ns != kNever) {
        sum_.predicted_decode += steps * interval.row.predicted_inference_ns;
    }
}

void Summarizer::add_request(const RequestRow& request) {
    SequenceSummary& sequence = sum_.sequences[static_cast<std::size_t>(request.sequence)];
    sequence.text = request.text;
    sequence.prompt = request.text.substr(0, static_cast<std::size_t>(request.prompt_bytes));
    if (request.sequence > 0) {
        sum_.text += sum_.text.empty() || sum_.text.back() == '\n' ? "\n" : "\n\n";
    }
    sum_.text += request.text;
}

void Summarizer::commit(const Interval& interval) {
    const IntervalRow& row = interval.row;
    ++sum_.decisions;
    sum_.decisions_that_moved += row.moves > 0 ? 1 : 0;
    sum_.decisions_infeasible += row.feasible == 0 ? 1 : 0;
    sum_.blocks_moved += row.moves;
    sum_.time_migrating += row.measured_migration_ns;
    if (row.predicted_migration_ns != kNever) {
        sum_.predicted_migration += row.predicted_migration_ns;
    }
    decision_wall_ns_ += static_cast<double>(row.decision_wall_ns);
    Bytes migrated = 0;
    for (const MigrationRow& move : interval.migrations) {
        migrated += move.bytes;
        sum_.bytes_loaded += move.loaded_bytes;
        const auto kind = block_kinds_[static_cast<std::size_t>(move.block)];
        sum_.groups_moved += kind == static_cast<std::int32_t>(BlockKind::group) ? 1 : 0;
    }
    sum_.bytes_migrated += migrated;
    for (const LinkStateRow& link : interval.link_states) {
        sum_.bytes_messages += link.bytes;
    }
    sum_.bytes_messages -= migrated;
    for (const EventRow& event : interval.events) {
        sum_.overloads += event.kind == static_cast<std::int32_t>(EventKind::overload) ? 1 : 0;
    }
    add_tokens(interval);
    for (const RequestRow& request : interval.requests) {
        add_request(request);
    }
    add_resources(interval);
}

Summary Summarizer::summary() const {
    Summary result = sum_;
    Nanoseconds waited = 0;
    Nanoseconds decoded = 0;
    for (SequenceSummary& sequence : result.sequences) {
        const Nanoseconds time = sequence.last_token - sequence.first_token;
        if (sequence.sampled_tokens > 1) {
            sequence.per_output_token = time / (sequence.sampled_tokens - 1);
        }
        result.prompt_tokens += sequence.prompt_tokens;
        result.sampled_tokens += sequence.sampled_tokens;
        result.end = std::max(result.end, sequence.last_token);
        waited += sequence.to_first_token;
        decoded += time;
    }
    const auto sequences = static_cast<std::int64_t>(result.sequences.size());
    if (sequences > 0) {
        result.to_first_token = waited / sequences;
    }
    if (result.sampled_tokens > sequences) {
        result.per_output_token = decoded / (result.sampled_tokens - sequences);
    }
    if (!gaps_.empty()) {
        std::vector<Nanoseconds> gaps = gaps_;
        const std::size_t rank = (gaps.size() * 95 + 99) / 100; // nearest rank, counted from 1
        const auto place = gaps.begin() + static_cast<std::ptrdiff_t>(rank - 1);
        std::nth_element(gaps.begin(), place, gaps.end());
        result.per_output_token_p95 = *place;
    }
    if (result.end > 0) {
        result.tokens_per_s =
            static_cast<double>(result.sampled_tokens) * 1e9 / static_cast<double>(result.end);
    }
    if (result.decisions > 0) {
        result.decision_wall_mean_ms =
            decision_wall_ns_ / static_cast<double>(result.decisions) / 1e6;
    }
    return result;
}

} // namespace headroom::trace
