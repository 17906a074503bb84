#include "scheduler/core/given_placement.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.hpp"

namespace headroom::scheduler {
namespace {

/// The indices of the first and the last block of a range.
using Indices = std::pair<std::size_t, std::size_t>;

/// Returns "L3" for "L3.g5", or "" for a block that is in no layer.
std::string_view layer_in(std::string_view block) {
    const std::size_t dot = block.find('.');
    return dot == std::string_view::npos ? std::string_view() : block.substr(0, dot);
}

/// Returns the range of every name: one block, or all blocks of a layer.
std::map<std::string, Indices, std::less<>> ranges_by_name(const Blocks& blocks) {
    std::map<std::string, Indices, std::less<>> ranges;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::string name = to_string(blocks.name(BlockId(i)));
        ranges[name] = {i, i};
        if (const std::string_view layer = layer_in(name); !layer.empty()) {
            ranges.try_emplace(std::string(layer), i, i).first->second.second = i;
        }
    }
    return ranges;
}

/// Returns "L0.g1", or "L0.g1 and 3 other blocks".
std::string blocks_text(const Blocks& blocks, const std::vector<std::size_t>& which) {
    const std::string first = to_string(blocks.name(BlockId(which.front())));
    const std::size_t others = which.size() - 1;
    return others == 0
               ? first
               : fmt::format("{} and {} other block{}", first, others, others == 1 ? "" : "s");
}

/// Returns why the file of the placement was made for other blocks, or "".
std::string origin_problem(const std::vector<std::string>& made_for, const Blocks& blocks) {
    constexpr std::string_view kExpected =
        "expected the scenario's model, controller.granularity and controller.slices; make it "
        "anew with headroom plan --policy P --json";
    for (std::size_t i = 0; i < std::min(made_for.size(), blocks.size()); ++i) {
        const std::string name = to_string(blocks.name(BlockId(i)));
        if (made_for[i] != name) {
            return fmt::format(
                "was made for other blocks: block {} is {} there and {} in the scenario; {}",
                i,
                made_for[i],
                name,
                kExpected
            );
        }
    }
    return made_for.empty() || made_for.size() == blocks.size()
               ? ""
               : fmt::format(
                     "was made for {} blocks, the scenario has {}; {}",
                     made_for.size(),
                     blocks.size(),
                     kExpected
                 );
}

class RangePlacer {
  public:
    explicit RangePlacer(const Blocks& blocks)
        : blocks_(blocks), by_name_(ranges_by_name(blocks)), devices_(blocks.size()) {}

    void place(const GivenRange& range) {
        const auto first = indices_of(range.first);
        const auto last = range.last == range.first ? first : indices_of(range.last);
        if (!first || !last) {
            return;
        }
        if (first->first > last->second) {
            problems_.push_back(fmt::format(
                "has the range {}-{}, which ends before it begins; exchange its ends",
                range.first,
                range.last
            ));
            return;
        }
        for (std::size_t i = first->first; i <= last->second; ++i) {
            if (devices_[i].valid()) {
                repeated_.push_back(i);
            }
            devices_[i] = range.device;
        }
    }

    GivenBlocks finish(DeviceId source, bool ends_at_source) {
        std::vector<std::size_t> missing;
        std::vector<std::size_t> elsewhere;
        for (std::size_t i = 0; i < devices_.size(); ++i) {
            const bool is_end = blocks_.name(BlockId(i)).layer < 0;
            if (is_end && !devices_[i].valid()) {
                devices_[i] = source;
            } else if (!devices_[i].valid()) {
                missing.push_back(i);
            } else if (is_end && ends_at_source && devices_[i] != source) {
                elsewhere.push_back(i);
            }
        }
        if (!repeated_.empty()) {
            problems_.push_back(fmt::format(
                "names {} more than once; leave out all but one", blocks_text(blocks_, repeated_)
            ));
        }
        if (!missing.empty() && problems_.empty()) { // else it is probably a consequence
            problems_.push_back(fmt::format(
                "has no device for {}; name every block of every layer",
                blocks_text(blocks_, missing)
            ));
        }
        if (!elsewhere.empty()) {
            problems_.push_back(fmt::format(
                "has {} on a device that is not the source; put it there, or give "
                "controller.ends = \"anywhere\"",
                blocks_text(blocks_, elsewhere)
            ));
        }
        return {std::move(devices_), std::move(problems_)};
    }

  private:
    [[nodiscard]] std::optional<Indices> indices_of(const std::string& name) {
        if (const auto found = by_name_.find(name); found != by_name_.end()) {
            return found->second;
        }
        const std::size_t first = blocks_.shape().has_ends ? 1 : 0;
        const auto in_layer = static_cast<std::size_t>(blocks_.blocks_per_layer());
        problems_.push_back(fmt::format(
            "names {}, which is no block of the model in this granularity; its {} layers are L0 to "
            "L{}, and the blocks of L0 are {} to {}",
            name,
            blocks_.shape().layers,
            blocks_.shape().layers - 1,
            to_string(blocks_.name(BlockId(first))),
            to_string(blocks_.name(BlockId(first + in_layer - 1)))
        ));
        return std::nullopt;
    }

    const Blocks& blocks_;
    std::map<std::string, Indices, std::less<>> by_name_;
    Placement devices_; ///< by block; invalid: no range has the block
    std::vector<std::size_t> repeated_{};
    std::vector<std::string> problems_{};
};

GivenBlocks place_layers(
    const std::vector<std::int64_t>& layers, const Blocks& blocks, DeviceId source
) {
    const std::int64_t sum = std::accumulate(layers.begin(), layers.end(), std::int64_t{0});
    const std::int64_t all = blocks.shape().layers;
    if (sum != all) {
        return {
            {},
            {fmt::format(
                "= [{}] adds up to {} layer{}, the model has {}; give numbers that add up to {}",
                fmt::join(layers, ", "),
                sum,
                sum == 1 ? "" : "s",
                all,
                all
            )}};
    }
    std::vector<DeviceId> device_of_layer;
    for (std::size_t d = 0; d < layers.size(); ++d) {
        device_of_layer.insert(
            device_of_layer.end(), static_cast<std::size_t>(layers[d]), DeviceId(d)
        );
    }
    Placement placement;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::int32_t layer = blocks.name(BlockId(i)).layer;
        placement.push_back(layer < 0 ? source : device_of_layer[static_cast<std::size_t>(layer)]);
    }
    return {std::move(placement)};
}

/// Returns whether block i is the first one in its layer, or in no layer.
bool begins_layer(const std::vector<std::string>& names, std::size_t i) {
    const std::string_view layer = layer_in(names[i]);
    return i == 0 || layer.empty() || layer_in(names[i - 1]) != layer;
}

/// Adds the ranges of the blocks from `begin` to before `end`, which are all on one device.
void add_ranges(
    const std::vector<std::string>& names,
    DeviceId device,
    const Indices& begin_and_end,
    std::vector<GivenRange>& ranges
) {
    const auto [begin, end] = begin_and_end;
    const auto layer_end = [&](std::size_t i) { // the first block after the layer of block i
        do {
            ++i;
        } while (i < names.size() && !begins_layer(names, i));
        return i;
    };
    bool extends = false; // whether the last range consists of whole layers
    for (std::size_t i = begin; i < end;) {
        const std::size_t next = std::min(layer_end(i), end);
        const bool whole =
            !layer_in(names[i]).empty() && begins_layer(names, i) && next == layer_end(i);
        const std::string first = whole ? std::string(layer_in(names[i])) : names[i];
        const std::string last = whole ? first : names[next - 1];
        if (whole && extends) {
            ranges.back().last = last;
        } else {
            ranges.push_back({device, first, last});
        }
        extends = whole;
        i = next;
    }
}

} // namespace

GivenBlocks place_given(
    const GivenPlacement& given, const Blocks& blocks, DeviceId source, bool ends_at_source
) {
    if (!given.layers.empty()) {
        return place_layers(given.layers, blocks, source);
    }
    if (std::string problem = origin_problem(given.made_for, blocks); !problem.empty()) {
        return {{}, {std::move(problem)}};
    }
    RangePlacer placer(blocks);
    std::ranges::for_each(given.ranges, [&](const GivenRange& range) { placer.place(range); });
    return placer.finish(source, ends_at_source);
}

std::vector<GivenRange> given_ranges(
    const std::vector<std::string>& names, const Placement& placement
) {
    HEADROOM_CHECK(
        names.size() == placement.size(), "{} names of {} blocks", names.size(), placement.size()
    );
    std::vector<GivenRange> ranges;
    for (std::size_t begin = 0; begin < names.size();) {
        std::size_t end = begin;
        while (end < names.size() && placement[end] == placement[begin]) {
            ++end;
        }
        add_ranges(names, placement[begin], {begin, end}, ranges);
        begin = end;
    }
    std::ranges::stable_sort(ranges, {}, &GivenRange::device);
    return ranges;
}

} // namespace headroom::scheduler
