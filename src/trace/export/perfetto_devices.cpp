#include "trace/export/perfetto_devices.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "trace/analysis/gaps.hpp"
#include "trace/export/track_assignment.hpp"
#include "trace/records/labels.hpp"

namespace headroom::trace {

namespace {

using Transfer = std::variant<const MessageRow*, const MigrationRow*>;
using Link = std::pair<std::int32_t, std::int32_t>;

/// A message or a migration. Messages are numbered in the order of their table, for the arrows.
struct NumberedTransfer {
    Transfer transfer;
    std::int64_t number = -1;
};

std::string message_name(const RunHeader& header, const MessageRow& message) {
    const std::string kind = code_label(header, "messages.kind", message.kind);
    return message.layer < 0 ? kind : fmt::format("{} L{}", kind, message.layer);
}

JsonMembers arguments_of(const MigrationRow& move) {
    return JsonMembers()
        .add("interval", move.interval)
        .add("block", std::int64_t{move.block})
        .add("from", std::int64_t{move.from})
        .add("to", std::int64_t{move.to})
        .add("bytes", move.bytes)
        .add("loaded_bytes", move.loaded_bytes)
        .add("checksum", fmt::format("{:016x}", move.checksum));
}

JsonMembers arguments_of(const RunHeader& header, const MessageRow& message) {
    return JsonMembers()
        .add("turn", message.turn)
        .add("kind", code_label(header, "messages.kind", message.kind))
        .add("layer", std::int64_t{message.layer})
        .add("from", std::int64_t{message.from})
        .add("to", std::int64_t{message.to})
        .add("bytes", message.bytes);
}

/// An operation that an arrow can begin or end at.
struct DrawnOperation {
    std::int64_t batch = 0; ///< number of the first turn of its batch
    const OpRow* op = nullptr;
    Track track{};
};

std::pair<std::int64_t, Nanoseconds> start_of(const DrawnOperation& operation) {
    return {operation.batch, operation.op->start};
}

std::pair<std::int64_t, Nanoseconds> end_of(const DrawnOperation& operation) {
    return {operation.batch, operation.op->end};
}

class DevicesAndLinks {
  public:
    DevicesAndLinks(const Trace& trace, TraceEvents& events)
        : trace_(trace), header_(trace.header), events_(events),
          drawn_operations_(header_.devices.size()) {
        for (const Interval& interval : trace.intervals) {
            for (const TurnRow& turn : interval.turns) {
                batches_[turn.turn] = turn.batch;
            }
        }
    }

    void write() {
        add_devices();
        add_links();
    }

  private:
    [[nodiscard]] std::int64_t batch_of(std::int64_t turn) const {
        const auto found = batches_.find(turn);
        return found == batches_.end() ? turn : found->second;
    }

    void add_devices() {
        const std::int64_t process = events_.add_process("devices");
        const auto ops = ops_by_device(trace_);
        const auto gaps = gaps_by_device(trace_, ops);
        const auto device_events = events_by_device();
        for (std::size_t d = 0; d < ops.size(); ++d) {
            const std::string name = device_label(header_, static_cast<std::int32_t>(d));
            add_work(process, name, ops[d], gaps[d], drawn_operations_[d]);
            add_arriving_blocks(process, name, static_cast<std::int32_t>(d));
            add_event_rows(header_, device_events[d], events_, process, name + ": events");
        }
    }

    void add_work(
        std::int64_t process,
        const std::string& name,
        const std::vector<OpRef>& ops,
        const std::vector<Gap>& gaps,
        std::vector<DrawnOperation>& drawn
    ) {
        std::vector<TrackSpan<std::variant<const OpRow*, const Gap*>>> items;
        for (const OpRef& ref : ops) {
            items.push_back({{ref.op->start, ref.op->end}, ref.op});
        }
        for (const Gap& gap : gaps) {
            items.push_back({gap.span, &gap});
        }
        assign_tracks(events_, process, name, items);
        for (const auto& item : items) {
            if (const auto* const gap = std::get_if<const Gap*>(&item.content)) {
                events_.slice(item.track, item.span, gap_name(**gap), gap_arguments(**gap));
                continue;
            }
            const OpRow& op = *std::get<const OpRow*>(item.content);
            const auto arguments =
                JsonMembers().add("turn", op.turn).add("block", std::int64_t{op.block});
            events_.slice(item.track, item.span, block_label(header_, op.block), arguments);
            drawn.push_back({batch_of(op.turn), &op, item.track});
        }
        std::ranges::stable_sort(drawn, {}, start_of);
    }

    [[nodiscard]] const MessageRow& message_at(RowIndex index) const {
        return trace_.intervals[index.interval].messages[index.row];
    }

    [[nodiscard]] std::string gap_name(const Gap& gap) const {
        switch (gap.kind) {
        case GapKind::waiting:
            return fmt::format(
                "wait: {} from {}",
                message_name(header_, message_at(gap.message)),
                device_label(header_, message_at(gap.message).from)
            );
        case GapKind::paging:
            return "paging";
        case GapKind::migrating:
            return "migration under way";
        case GapKind::idle:
            break;
        }
        return "idle";
    }

    [[nodiscard]] JsonMembers gap_arguments(const Gap& gap) const {
        return gap.kind == GapKind::waiting ? arguments_of(header_, message_at(gap.message))
                                            : JsonMembers();
    }

    void add_arriving_blocks(std::int64_t process, const std::string& name, std::int32_t device) {
        std::vector<TrackSpan<const MigrationRow*>> items;
        for (const Interval& interval : trace_.intervals) {
            for (const MigrationRow& move : interval.migrations) {
                if (move.to == device) {
                    items.push_back({{move.start, move.end}, &move});
                }
            }
        }
        assign_tracks(events_, process, name + ": blocks that move in", items);
        for (const auto& item : items) {
            const MigrationRow& move = *item.content;
            const std::string title = fmt::format(
                "{} from {}", block_label(header_, move.block), device_label(header_, move.from)
            );
            events_.slice(item.track, item.span, title, arguments_of(move));
        }
    }

    [[nodiscard]] std::vector<std::vector<const EventRow*>> events_by_device() const {
        std::vector<std::vector<const EventRow*>> found(header_.devices.size());
        for (const Interval& interval : trace_.intervals) {
            for (const EventRow& event : interval.events) {
                if (event.device >= 0 && static_cast<std::size_t>(event.device) < found.size()) {
                    found[static_cast<std::size_t>(event.device)].push_back(&event);
                }
            }
        }
        return found;
    }

    void add_links() {
        const std::int64_t process = events_.add_process("links");
        std::map<Link, std::vector<TrackSpan<NumberedTransfer>>> links;
        std::int64_t number = 0;
        for (const Interval& interval : trace_.intervals) {
            for (const MessageRow& m : interval.messages) {
                links[{m.from, m.to}].push_back({{m.begin, m.arrival}, {&m, number++}});
            }
            for (const MigrationRow& move : interval.migrations) {
                if (move.bytes > 0) {
                    links[{move.from, move.to}].push_back({{move.start, move.end}, {&move}});
                }
            }
        }
        for (auto& [link, items] : links) {
            assign_tracks(events_, process, link_label(header_, link.first, link.second), items);
            for (const auto& item : items) {
                add_transfer(item);
            }
        }
    }

    void add_transfer(const TrackSpan<NumberedTransfer>& item) {
        if (const auto* const move = std::get_if<const MigrationRow*>(&item.content.transfer)) {
            const std::string name = block_label(header_, (*move)->block) + " moves";
            events_.slice(item.track, item.span, name, arguments_of(**move));
            return;
        }
        const MessageRow& message = *std::get<const MessageRow*>(item.content.transfer);
        events_.slice(
            item.track, item.span, message_name(header_, message), arguments_of(header_, message)
        );
        add_arrow(message, item);
    }

    /// Returns the sender's last operation of the turn before the message, or null.
    [[nodiscard]] const DrawnOperation* operation_before(const MessageRow& message) const {
        const std::vector<DrawnOperation>* const drawn = drawn_operations(message.from);
        if (drawn == nullptr) {
            return nullptr;
        }
        const std::pair key(batch_of(message.turn), message.begin);
        const auto after = std::ranges::upper_bound(*drawn, key, {}, end_of);
        const bool found = after != drawn->begin() && std::prev(after)->batch == key.first;
        return found ? &*std::prev(after) : nullptr;
    }

    /// Returns the receiver's first operation of the turn after the message, or null.
    [[nodiscard]] const DrawnOperation* operation_after(const MessageRow& message) const {
        const std::vector<DrawnOperation>* const drawn = drawn_operations(message.to);
        if (drawn == nullptr) {
            return nullptr;
        }
        const std::pair key(batch_of(message.turn), message.arrival);
        const auto found = std::ranges::lower_bound(*drawn, key, {}, start_of);
        return found != drawn->end() && found->batch == key.first ? &*found : nullptr;
    }

    [[nodiscard]] const std::vector<DrawnOperation>* drawn_operations(std::int32_t device) const {
        const auto index = static_cast<std::size_t>(device);
        return device < 0 || index >= drawn_operations_.size() ? nullptr
                                                               : &drawn_operations_[index];
    }

    void add_arrow(const MessageRow& message, const TrackSpan<NumberedTransfer>& item) {
        using Flow = TraceEvents::Flow;
        const DrawnOperation* const from = operation_before(message);
        const DrawnOperation* const to = operation_after(message);
        const std::int64_t id = item.content.number;
        if (from == nullptr && to == nullptr) {
            return;
        }
        if (from != nullptr) {
            events_.flow(Flow::start, id, from->track, from->op->start);
        }
        events_.flow(
            from == nullptr ? Flow::start
            : to == nullptr ? Flow::end
                            : Flow::step,
            id,
            item.track,
            item.span.begin
        );
        if (to != nullptr) {
            events_.flow(Flow::end, id, to->track, to->op->start);
        }
    }

    const Trace& trace_;
    const RunHeader& header_;
    TraceEvents& events_;
    /// The operations of each device, ordered by batch, then start.
    std::vector<std::vector<DrawnOperation>> drawn_operations_;
    std::map<std::int64_t, std::int64_t> batches_;
};

} // namespace

void add_event_rows(
    const RunHeader& header,
    const std::vector<const EventRow*>& rows,
    TraceEvents& events,
    std::int64_t process,
    const std::string& track_name
) {
    if (rows.empty()) {
        return;
    }
    const Track track = events.add_track(process, track_name);
    for (const EventRow* const row : rows) {
        const auto arguments = JsonMembers().add("value", row->value).add("text", row->text);
        events.instant(track, row->at, code_label(header, "events.kind", row->kind), arguments);
    }
}

void add_devices_and_links(const Trace& trace, TraceEvents& events) {
    DevicesAndLinks(trace, events).write();
}

} // namespace headroom::trace
