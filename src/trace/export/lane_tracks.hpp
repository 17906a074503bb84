// Slices of one name, dealt out to as many tracks as they need in order not to overlap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

#include "trace/analysis/lanes.hpp"
#include "trace/export/trace_events.hpp"

namespace headroom::trace {

template <class What>
struct Piece {
    Span span;
    What what;
    Track track{}; ///< set by lay_out()
};

/// Sorts the pieces by begin and gives each its track: "name", "name (2)", …, made as needed.
template <class What>
void lay_out(
    TraceEvents& events,
    std::int64_t process,
    const std::string& name,
    std::vector<Piece<What>>& pieces
) {
    std::stable_sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) {
        return std::tie(a.span.begin, a.span.end) < std::tie(b.span.begin, b.span.end);
    });
    std::vector<Span> spans;
    spans.reserve(pieces.size());
    for (const Piece<What>& piece : pieces) {
        spans.push_back(piece.span);
    }
    const std::vector<std::size_t> lanes = lanes_of(spans);
    std::vector<Track> tracks;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (lanes[i] == tracks.size()) {
            const std::string number =
                tracks.empty() ? "" : " (" + std::to_string(tracks.size() + 1) + ")";
            tracks.push_back(events.add_track(process, name + number));
        }
        pieces[i].track = tracks[lanes[i]];
    }
}

} // namespace headroom::trace
