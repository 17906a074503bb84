#include "trace/export/perfetto_devices.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "trace/analysis/gaps.hpp"
#include "trace/export/lane_tracks.hpp"
#include "trace/records/labels.hpp"

namespace headroom::trace {

namespace {

using Transfer = std::variant<const MessageRow*, const MigrationRow*>;
using Link = std::pair<std::int32_t, std::int32_t>;

/// Numbers of messages, in the order of the table, for the arrows.
struct Sending {
    Transfer transfer;
    std::int64_t number = -1;
};

std::string message_name(const RunHeader& header, const MessageRow& message) {
    const std::string kind = code_label(header, "messages.kind", message.kind);
    return message.layer < 0 ? kind : fmt::format("{} L{}", kind, message.layer);
}

JsonMembers arguments_of(const MigrationRow& move) {
    JsonMembers arguments;
    arguments.add("interval", move.interval)
        .add("block", std::int64_t{move.block})
        .add("from", std::int64_t{move.from})
        .add("to", std::int64_t{move.to})
        .add("bytes", move.bytes)
        .add("loaded_bytes", move.loaded_bytes)
        .add("checksum", fmt::format("{:016x}", move.checksum));
    return arguments;
}

JsonMembers arguments_of(const RunHeader& header, const MessageRow& message) {
    JsonMembers arguments;
    arguments.add("turn", message.turn)
        .add("kind", code_label(header, "messages.kind", message.kind))
        .add("layer", std::int64_t{message.layer})
        .add("from", std::int64_t{message.from})
        .add("to", std::int64_t{message.to})
        .add("bytes", message.bytes);
    return arguments;
}

/// One step of a program that a message leads from or to.
struct Step {
    std::int64_t batch = 0; ///< turns that are joined are executed under the first one's number
    const OpRow* op = nullptr;
    Track track{};
};

class DevicesAndLinks {
  public:
    DevicesAndLinks(const Trace& trace, TraceEvents& events)
        : trace_(trace), header_(trace.header), events_(events), steps_(header_.devices.size()) {
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
        const auto befallen = events_by_device();
        for (std::size_t d = 0; d < ops.size(); ++d) {
            const std::string name = device_label(header_, static_cast<std::int32_t>(d));
            add_work(process, name, ops[d], gaps[d], steps_[d]);
            add_arriving_blocks(process, name, static_cast<std::int32_t>(d));
            add_events(process, name, befallen[d]);
        }
    }

    void add_work(
        std::int64_t process,
        const std::string& name,
        const std::vector<OpRef>& ops,
        const std::vector<Gap>& gaps,
        std::vector<Step>& steps
    ) {
        std::vector<Piece<std::variant<const OpRow*, const Gap*>>> pieces;
        for (const OpRef& ref : ops) {
            pieces.push_back({{ref.op->start, ref.op->end}, ref.op});
        }
        for (const Gap& gap : gaps) {
            pieces.push_back({gap.span, &gap});
        }
        lay_out(events_, process, name, pieces);
        for (const auto& piece : pieces) {
            if (const auto* const gap = std::get_if<const Gap*>(&piece.what)) {
                events_.slice(piece.track, piece.span, gap_name(**gap), gap_arguments(**gap));
                continue;
            }
            const OpRow& op = *std::get<const OpRow*>(piece.what);
            JsonMembers arguments;
            arguments.add("turn", op.turn).add("block", std::int64_t{op.block});
            events_.slice(piece.track, piece.span, block_label(header_, op.block), arguments);
            steps.push_back({batch_of(op.turn), &op, piece.track});
        }
        std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
            return std::pair(a.batch, a.op->start) < std::pair(b.batch, b.op->start);
        });
    }

    [[nodiscard]] const MessageRow& message_at(RowPlace place) const {
        return trace_.intervals[place.interval].messages[place.row];
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
        std::vector<Piece<const MigrationRow*>> pieces;
        for (const Interval& interval : trace_.intervals) {
            for (const MigrationRow& move : interval.migrations) {
                if (move.to == device) {
                    pieces.push_back({{move.start, move.end}, &move});
                }
            }
        }
        lay_out(events_, process, name + ": blocks that move in", pieces);
        for (const auto& piece : pieces) {
            const MigrationRow& move = *piece.what;
            const std::string title = fmt::format(
                "{} from {}", block_label(header_, move.block), device_label(header_, move.from)
            );
            events_.slice(piece.track, piece.span, title, arguments_of(move));
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

    void add_events(
        std::int64_t process, const std::string& name, const std::vector<const EventRow*>& befallen
    ) {
        if (befallen.empty()) {
            return;
        }
        const Track track = events_.add_track(process, name + ": events");
        for (const EventRow* const event : befallen) {
            JsonMembers arguments;
            arguments.add("value", event->value).add("text", event->text);
            events_.instant(
                track, event->at, code_label(header_, "events.kind", event->kind), arguments
            );
        }
    }

    void add_links() {
        const std::int64_t process = events_.add_process("links");
        std::map<Link, std::vector<Piece<Sending>>> links;
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
        for (auto& [link, pieces] : links) {
            lay_out(events_, process, link_label(header_, link.first, link.second), pieces);
            for (const auto& piece : pieces) {
                add_transfer(piece);
            }
        }
    }

    void add_transfer(const Piece<Sending>& piece) {
        if (const auto* const move = std::get_if<const MigrationRow*>(&piece.what.transfer)) {
            const std::string name = block_label(header_, (*move)->block) + " moves";
            events_.slice(piece.track, piece.span, name, arguments_of(**move));
            return;
        }
        const MessageRow& message = *std::get<const MessageRow*>(piece.what.transfer);
        events_.slice(
            piece.track, piece.span, message_name(header_, message), arguments_of(header_, message)
        );
        add_arrow(message, piece);
    }

    /// The sender's last step of the turn before the message, or null.
    [[nodiscard]] const Step* step_before(const MessageRow& message) const {
        const std::vector<Step>* const steps = steps_of(message.from);
        if (steps == nullptr) {
            return nullptr;
        }
        const std::pair key(batch_of(message.turn), message.begin);
        const auto after = std::upper_bound(
            steps->begin(),
            steps->end(),
            key,
            [](const auto& k, const Step& step) { return k < std::pair(step.batch, step.op->end); }
        );
        const bool found = after != steps->begin() && std::prev(after)->batch == key.first;
        return found ? &*std::prev(after) : nullptr;
    }

    /// The receiver's first step of the turn after the message, or null.
    [[nodiscard]] const Step* step_after(const MessageRow& message) const {
        const std::vector<Step>* const steps = steps_of(message.to);
        if (steps == nullptr) {
            return nullptr;
        }
        const std::pair key(batch_of(message.turn), message.arrival);
        const auto found = std::lower_bound(
            steps->begin(),
            steps->end(),
            key,
            [](const Step& step, const auto& k) {
                return std::pair(step.batch, step.op->start) < k;
            }
        );
        return found != steps->end() && found->batch == key.first ? &*found : nullptr;
    }

    [[nodiscard]] const std::vector<Step>* steps_of(std::int32_t device) const {
        const auto index = static_cast<std::size_t>(device);
        return device < 0 || index >= steps_.size() ? nullptr : &steps_[index];
    }

    void add_arrow(const MessageRow& message, const Piece<Sending>& piece) {
        using Flow = TraceEvents::Flow;
        const Step* const from = step_before(message);
        const Step* const to = step_after(message);
        const std::int64_t id = piece.what.number;
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
            piece.track,
            piece.span.begin
        );
        if (to != nullptr) {
            events_.flow(Flow::end, id, to->track, to->op->start);
        }
    }

    const Trace& trace_;
    const RunHeader& header_;
    TraceEvents& events_;
    std::vector<std::vector<Step>> steps_; ///< device by device, by batch, then start
    std::map<std::int64_t, std::int64_t> batches_;
};

} // namespace

void add_devices_and_links(const Trace& trace, TraceEvents& events) {
    DevicesAndLinks(trace, events).write();
}

} // namespace headroom::trace
