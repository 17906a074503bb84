#include "trace/analysis/gaps.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace headroom::trace {

namespace {

bool is_device(const Trace& trace, std::int32_t device) {
    return device >= 0 && static_cast<std::size_t>(device) < trace.header.devices.size();
}

/// Calls visit(row, index) for each row of one table, interval by interval.
template <class Row, class Visit>
void for_each_row(const Trace& trace, std::vector<Row> Interval::*rows, Visit visit) {
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        const std::vector<Row>& table = trace.intervals[i].*rows;
        for (std::size_t r = 0; r < table.size(); ++r) {
            visit(table[r], RowIndex{i, r});
        }
    }
}

/// The recorded moments that can end a gap of one device.
struct Causes {
    std::multimap<Nanoseconds, RowIndex> arrivals; ///< arrival time to message
    std::vector<Nanoseconds> overloads;            ///< ascending
};

std::vector<Causes> causes_of(const Trace& trace) {
    std::vector<Causes> causes(trace.header.devices.size());
    for_each_row(trace, &Interval::messages, [&](const MessageRow& message, RowIndex index) {
        if (is_device(trace, message.to)) {
            causes[static_cast<std::size_t>(message.to)].arrivals.emplace(message.arrival, index);
        }
    });
    for_each_row(trace, &Interval::events, [&](const EventRow& event, RowIndex /*index*/) {
        if (is_device(trace, event.device) &&
            event.kind == static_cast<std::int32_t>(EventCode::overload)) {
            causes[static_cast<std::size_t>(event.device)].overloads.push_back(event.at);
        }
    });
    for (Causes& device : causes) {
        std::sort(device.overloads.begin(), device.overloads.end());
    }
    return causes;
}

/// Returns the spans in which transfers of migrations were under way, in order of time.
std::vector<Span> migrations_of(const Trace& trace) {
    std::vector<Span> spans;
    for (const Interval& interval : trace.intervals) {
        if (interval.row.t_switch < interval.row.t_resume) {
            spans.push_back({interval.row.t_switch, interval.row.t_resume});
        }
    }
    return spans;
}

class GapFinder {
  public:
    GapFinder(const Trace& trace, const Causes& causes, const std::vector<Span>& migrations)
        : trace_(trace), causes_(causes), migrations_(migrations) {}

    [[nodiscard]] std::vector<Gap> find(const std::vector<OpRef>& ops) {
        Nanoseconds free = 0;
        for (const OpRef& ref : ops) {
            if (ref.op->start > free) {
                split({free, ref.op->start}, *ref.op);
            }
            free = std::max(free, ref.op->end);
        }
        return std::move(gaps_);
    }

  private:
    void add(Span span, GapKind kind, RowIndex message = {}) {
        if (span.begin < span.end) {
            gaps_.push_back({span, kind, message});
        }
    }

    /// Splits the time before the operation `next`. Paging comes last, after the wait for a
    /// message. Migrations keep their recorded spans.
    void split(Span gap, const OpRow& next) {
        const auto paged =
            std::lower_bound(causes_.overloads.begin(), causes_.overloads.end(), gap.begin);
        const Nanoseconds ready =
            paged == causes_.overloads.end() ? gap.end : std::min(*paged, gap.end);
        Nanoseconds at = gap.begin;
        const auto first = std::ranges::upper_bound(migrations_, at, {}, &Span::end);
        for (auto moving = first; moving != migrations_.end() && moving->begin < ready; ++moving) {
            add({at, std::max(at, moving->begin)}, GapKind::idle);
            const Span inside{std::max(at, moving->begin), std::min(ready, moving->end)};
            add(inside, GapKind::migrating);
            at = inside.end;
        }
        add_wait({at, ready}, next);
        add({ready, gap.end}, GapKind::paging);
    }

    void add_wait(Span span, const OpRow& next) {
        const auto [begin, end] = causes_.arrivals.equal_range(span.end);
        if (begin == end) {
            add(span, GapKind::idle);
            return;
        }
        const auto of_turn = std::find_if(begin, end, [&](const auto& arrival) {
            const auto [interval, row] = arrival.second;
            return trace_.intervals[interval].messages[row].turn == next.turn;
        });
        add(span, GapKind::waiting, (of_turn == end ? begin : of_turn)->second);
    }

    const Trace& trace_;
    const Causes& causes_;
    const std::vector<Span>& migrations_;
    std::vector<Gap> gaps_;
};

} // namespace

std::vector<std::vector<OpRef>> ops_by_device(const Trace& trace) {
    std::vector<std::vector<OpRef>> ops(trace.header.devices.size());
    for_each_row(trace, &Interval::ops, [&](const OpRow& op, RowIndex index) {
        if (is_device(trace, op.device)) {
            ops[static_cast<std::size_t>(op.device)].push_back({index, &op});
        }
    });
    for (std::vector<OpRef>& of_device : ops) {
        std::ranges::stable_sort(of_device, {}, [](const OpRef& ref) {
            return std::tuple(ref.op->start, ref.op->end);
        });
    }
    return ops;
}

std::vector<std::vector<Gap>> gaps_by_device(
    const Trace& trace, const std::vector<std::vector<OpRef>>& ops
) {
    const std::vector<Causes> causes = causes_of(trace);
    const std::vector<Span> migrations = migrations_of(trace);
    std::vector<std::vector<Gap>> gaps;
    for (std::size_t device = 0; device < ops.size(); ++device) {
        gaps.push_back(GapFinder(trace, causes[device], migrations).find(ops[device]));
    }
    return gaps;
}

} // namespace headroom::trace
