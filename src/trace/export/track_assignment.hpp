// Assigns slices, the bars that a trace viewer draws, to tracks, the rows of bars, so that no two
// slices of a track overlap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

#include "trace/analysis/track_indices.hpp"
#include "trace/export/trace_events.hpp"

namespace headroom::trace {

/// A time span that is to be drawn as a slice, with what the slice shows.
template <class Content>
struct TrackSpan {
    Span span;
    Content content;
    Track track{}; ///< set by assign_tracks()
};

/// Sorts the spans by begin and assigns each of them to a track. Creates as many tracks as are
/// needed, in the given process (a group of tracks), with the names "name", "name (2)", ….
template <class Content>
void assign_tracks(
    TraceEvents& events,
    std::int64_t process,
    const std::string& name,
    std::vector<TrackSpan<Content>>& track_spans
) {
    std::stable_sort(track_spans.begin(), track_spans.end(), [](const auto& a, const auto& b) {
        return std::tie(a.span.begin, a.span.end) < std::tie(b.span.begin, b.span.end);
    });
    std::vector<Span> spans;
    spans.reserve(track_spans.size());
    for (const TrackSpan<Content>& track_span : track_spans) {
        spans.push_back(track_span.span);
    }
    const std::vector<std::size_t> indices = track_indices(spans);
    std::vector<Track> tracks;
    for (std::size_t i = 0; i < track_spans.size(); ++i) {
        if (indices[i] == tracks.size()) {
            const std::string number =
                tracks.empty() ? "" : " (" + std::to_string(tracks.size() + 1) + ")";
            tracks.push_back(events.add_track(process, name + number));
        }
        track_spans[i].track = tracks[indices[i]];
    }
}

} // namespace headroom::trace
