#include "runtime/messages/resume_point.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "trace/analysis/interrupts.hpp"

namespace headroom::runtime {

namespace {

void count(const trace::Interval& interval, ResumePoint& point) {
    const trace::IntervalRow& row = interval.row;
    point.clock = std::max({point.clock, row.t_dec, row.t_resume, row.t_end});
    point.epoch = row.epoch;
    point.placement = interval.placement;
    point.sampled += row.tokens;
    for (const trace::TurnRow& turn : interval.turns) {
        point.clock = std::max(point.clock, turn.end);
        point.turns = std::max(point.turns, turn.turn + 1);
        point.rounds = std::max(point.rounds, turn.round + 1);
        point.visits = std::max(point.visits, turn.visit + 1);
    }
}

} // namespace

ResumePoint resume_point(std::span<const trace::Interval> intervals) {
    ResumePoint point;
    point.intervals = static_cast<std::int64_t>(intervals.size());
    std::map<std::int64_t, ResumePoint::Unfinished> open;
    const auto sequence = [&](std::int32_t number) -> ResumePoint::Unfinished& {
        return open.try_emplace(number, ResumePoint::Unfinished{number, 0, 0, false, {}, 0})
            .first->second;
    };
    for (const trace::Interval& interval : intervals) {
        count(interval, point);
        for (const trace::TurnRow& turn : interval.turns) {
            const bool is_new = !open.contains(turn.sequence);
            ResumePoint::Unfinished& one = sequence(turn.sequence);
            one.begin = is_new ? turn.start : std::min(one.begin, turn.start);
        }
        for (const trace::TokenRow& token : interval.tokens) {
            ResumePoint::Unfinished& one = sequence(token.sequence);
            one.prompt_recorded = true;
            if (token.is_prompt == 0) {
                one.first_token = one.sampled.empty() ? token.end : one.first_token;
                one.sampled.push_back(token.id);
                one.last_logits = token.logits_checksum;
            }
        }
        const std::set<std::int32_t> cut = trace::interrupted_sequences(interval);
        for (const trace::RequestRow& request : interval.requests) {
            if (!cut.contains(request.sequence)) {
                open.erase(request.sequence);
                point.ended.push_back(request.sequence);
            }
        }
    }
    for (auto& [number, one] : open) {
        point.unfinished.push_back(std::move(one));
    }
    return point;
}

} // namespace headroom::runtime
