#include "runtime/messages/resume_wire.hpp"

namespace headroom::runtime {

void put(ByteWriter& writer, const ResumePoint& point) {
    writer.put(point.clock)
        .put(point.intervals)
        .put(point.epoch)
        .put(point.turns)
        .put(point.rounds)
        .put(point.visits)
        .put(point.sampled)
        .put_all(std::span<const std::int32_t>(point.placement))
        .put_all(std::span<const std::int64_t>(point.ended))
        .put(static_cast<std::uint64_t>(point.unfinished.size()));
    for (const ResumePoint::Unfinished& open : point.unfinished) {
        writer.put(open.sequence)
            .put(open.begin)
            .put(open.first_token)
            .put(open.prompt_recorded)
            .put_all(std::span<const std::int32_t>(open.sampled))
            .put(open.last_logits);
    }
}

ResumePoint get_resume_point(ByteReader& reader) {
    ResumePoint point;
    point.clock = reader.get<Nanoseconds>();
    point.intervals = reader.get<std::int64_t>();
    point.epoch = reader.get<std::int64_t>();
    point.turns = reader.get<std::int64_t>();
    point.rounds = reader.get<std::int64_t>();
    point.visits = reader.get<std::int64_t>();
    point.sampled = reader.get<std::int64_t>();
    point.placement = reader.get_all<std::int32_t>();
    point.ended = reader.get_all<std::int64_t>();
    point.unfinished.resize(reader.get<std::uint64_t>());
    for (ResumePoint::Unfinished& open : point.unfinished) {
        open.sequence = reader.get<std::int64_t>();
        open.begin = reader.get<Nanoseconds>();
        open.first_token = reader.get<Nanoseconds>();
        open.prompt_recorded = reader.get<bool>();
        open.sampled = reader.get_all<std::int32_t>();
        open.last_logits = reader.get<std::uint64_t>();
    }
    return point;
}

} // namespace headroom::runtime
