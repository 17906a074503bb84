#include "scheduler/explain/explanation_text.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace headroom::scheduler {
namespace {

constexpr std::size_t kRunsOfLayersShown = 8;

std::string name_of(DeviceId d, const DeviceNames& names) {
    return d.index() < names.size() ? names[d.index()] : fmt::format("device {}", d.value);
}

std::string duration_text(Nanoseconds time) {
    return time == kNever ? "for ever" : format_duration(time);
}

std::string flop_text(double count) {
    constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P"};
    std::size_t i = 0;
    while (count >= 1000.0 && i + 1 < std::size(kPrefixes)) {
        count /= 1000.0;
        ++i;
    }
    return fmt::format("{:.3g} {}FLOP", count, kPrefixes[i]);
}

/// The texts of two different amounts. They differ even if the amounts are nearly equal.
struct AmountTexts {
    std::string needed;
    std::string there;
};

AmountTexts amount_texts(
    AmountTexts texts, std::int64_t needed, std::int64_t there, const char* unit
) {
    return texts.needed != texts.there
               ? texts
               : AmountTexts{fmt::format("{} {}", needed, unit), fmt::format("{} {}", there, unit)};
}

AmountTexts flop_texts(Flops needed, Flops there) {
    const auto text = [](Flops count) { return flop_text(static_cast<double>(count)); };
    return amount_texts({text(needed), text(there)}, needed, there, "FLOP");
}

AmountTexts byte_texts(Bytes needed, Bytes there) {
    return amount_texts({format_bytes(needed), format_bytes(there)}, needed, there, "B");
}

/// Returns what a duration is for: a token of one sequence, or a round of all.
std::string per_what(const Explanation& why) {
    return why.per_round ? fmt::format(
                               "per round of {}{}",
                               why.in_flight,
                               why.with_prompts ? " with a share of the prompts" : ""
                           )
                         : "per token";
}

/// Returns how the delays were computed, if not as those of the execution and of single turns.
std::string qualification(const Explanation& why) {
    return fmt::format(
        "{}{}",
        why.by_formula ? " by the paper's formula" : "",
        why.per_round && why.batch > 1 ? fmt::format(", {} turns joined", why.batch) : ""
    );
}

/// Returns a text such as ", 4, 6, 2 layers on pi, nano, tx2".
std::string split_text(const LayerSplit& split, const DeviceNames& names) {
    if (split.size() == 1) {
        return ", all layers on " + name_of(split.front().second, names);
    }
    if (split.size() > kRunsOfLayersShown) {
        const auto [least, most] = std::minmax_element(split.begin(), split.end());
        const std::string each = least->first == most->first
                                     ? fmt::format("{}", most->first)
                                     : fmt::format("{} to {}", least->first, most->first);
        return fmt::format(
            ", stretches of {} layer{} on {} devices",
            each,
            most->first == 1 ? "" : "s",
            split.size()
        );
    }
    std::string counts;
    std::string devices;
    for (const auto& [layers, device] : split) {
        counts += fmt::format("{}{}", counts.empty() ? "" : ", ", layers);
        devices += (devices.empty() ? "" : ", ") + name_of(device, names);
    }
    return fmt::format(", {} layers on {}", counts, devices);
}

/// Returns the blocks that move, such as "6 groups, 1 ffn from device 1".
std::string moved_text(const Explanation& why, const DeviceNames& names) {
    std::string text;
    for (const auto& [kind, count] : why.moved) {
        const bool plural = count > 1 && (kind == BlockKind::group || kind == BlockKind::slice ||
                                          kind == BlockKind::hub);
        text += fmt::format(
            "{}{} {}{}", text.empty() ? "" : ", ", count, headroom::name_of(kind), plural ? "s" : ""
        );
    }
    return why.moved_from ? fmt::format("{} from {}", text, name_of(*why.moved_from, names)) : text;
}

std::string first_text(const Explanation& why, const DeviceNames& names) {
    return fmt::format(
        "first placement: {} {} on {} of {} devices{}{}{}",
        duration_text(why.delays.inference),
        per_what(why),
        why.used_devices,
        why.devices,
        why.split ? split_text(*why.split, names) : "",
        why.slowest_stage ? fmt::format(", slowest stage {}", duration_text(*why.slowest_stage))
                          : "",
        qualification(why)
    );
}

std::string moved_sentence(const Explanation& why, const DeviceNames& names) {
    const std::string delay =
        fmt::format("{} {}", duration_text(why.delays.inference), per_what(why));
    const std::string migration =
        fmt::format("{} of migration{}", duration_text(why.delays.migration), qualification(why));
    return why.other ? fmt::format(
                           "moved {}: {} instead of {}, pays for {}",
                           moved_text(why, names),
                           delay,
                           duration_text(why.other->inference),
                           migration
                       )
                     : fmt::format(
                           "moved {} because {}: {}, {}",
                           moved_text(why, names),
                           shortages_text(why, names),
                           delay,
                           migration
                       );
}

/// Returns the contexts T + λ for which memory is needed.
std::string contexts_text(const Explanation& why) {
    return why.in_flight == 1
               ? fmt::format("at context {}", why.horizon)
               : fmt::format("at contexts up to {} of {} sequences", why.horizon, why.in_flight);
}

std::string too_slow_text(const Explanation& why, const DeviceNames& names) {
    const AmountTexts texts = flop_texts(why.needed, why.there);
    if (why.cause == Cause::layer_too_slow) {
        return fmt::format(
            "the devices cannot compute a layer within t_budget = {} s: it needs {} at context "
            "{}, all of them together do {}",
            why.t_budget_s,
            texts.needed,
            why.horizon,
            texts.there
        );
    }
    // The budget is rounded up a little, so that the shown number suffices.
    const double seconds = why.there > 0
                               ? static_cast<double>(why.needed) / static_cast<double>(why.there) *
                                     why.t_budget_s * 1.006
                               : 0;
    return fmt::format(
        "no device can compute {} within t_budget = {} s: it needs {} at context {}, and the "
        "fastest, {}, does {}{}",
        headroom::name_of(why.block),
        why.t_budget_s,
        texts.needed,
        why.horizon,
        name_of(why.device, names),
        texts.there,
        seconds > 0 ? fmt::format("; it needs a t_budget of at least {:.3g} s", seconds) : ""
    );
}

std::string memory_sums(const Explanation& why) {
    const AmountTexts texts = byte_texts(why.needed, why.there);
    return fmt::format(
        "{} the blocks need {} in all, the devices have {} together",
        contexts_text(why),
        texts.needed,
        texts.there
    );
}

std::string cause_text(const Explanation& why, const DeviceNames& names, std::size_t shortages) {
    const auto lacking = [&] { return shortages_text(why, names, shortages); };
    switch (why.cause) {
    case Cause::unstated:
        return "";
    case Cause::never_ends:
        return "whatever fits, no token would ever end; a device or a link is down";
    case Cause::nothing_faster:
        return fmt::format(
            "found nothing faster than {} {}{}",
            duration_text(why.delays.inference),
            per_what(why),
            qualification(why)
        );
    case Cause::does_not_pay:
        return fmt::format(
            "the best move would save {} {} and cost {}{}",
            format_duration(why.delays.inference - why.other->inference),
            per_what(why),
            duration_text(why.other->migration),
            qualification(why)
        );
    case Cause::nothing_helps:
        return "a device or link in use is down, and no move that can be made helps";
    case Cause::never_arrives:
        return "what would move never arrives; a link or a storage is down";
    case Cause::never_ends_elsewhere:
        return "elsewhere no token would ever end; a device or a link is down";
    case Cause::policy_is_static:
        return why.outcome == Outcome::infeasible
                   ? fmt::format(
                         "the first placement is kept, but {} {}", contexts_text(why), lacking()
                     )
                   : "the first placement stays";
    case Cause::chosen_again:
        return "the policy chose the same placement again";
    case Cause::too_little_memory:
        return fmt::format("{}: in the best attempt {}", memory_sums(why), lacking());
    case Cause::source_too_small:
        return fmt::format(
            "embed and lm_head are pinned to the source, {}, which has not even room for them: "
            "they need {} with buffers, it has {}; controller.ends = \"anywhere\" lets them go "
            "elsewhere",
            name_of(why.device, names),
            format_bytes(why.needed),
            format_bytes(why.there)
        );
    case Cause::block_too_slow:
    case Cause::layer_too_slow:
        return fmt::format("{}: in the best attempt {}", too_slow_text(why, names), lacking());
    case Cause::none_found:
        return fmt::format("no {} found: {}, but {}", why.sought, memory_sums(why), lacking());
    }
    return "";
}

std::string one_shortage(
    const NotOnSource& s, const Explanation& /*why*/, const DeviceNames& names
) {
    return fmt::format(
        "the source, {}, lacks {}, which is pinned to it",
        name_of(s.source, names),
        to_string(s.block)
    );
}

/// The text is different for a device that has enough memory, but not enough that is safe to use.
std::string one_shortage(
    const MemoryShortage& s, const Explanation& /*why*/, const DeviceNames& names
) {
    return s.needs > s.has ? fmt::format(
                                 "{} lacks {} (needs {}, has {})",
                                 name_of(s.device, names),
                                 format_bytes(s.needs - s.has),
                                 format_bytes(s.needs),
                                 format_bytes(s.has)
                             )
                           : fmt::format(
                                 "{} lacks {} of safe memory (needs {}, has {}, of which "
                                 "memory_window and memory_reserve leave {})",
                                 name_of(s.device, names),
                                 format_bytes(s.needs - s.usable),
                                 format_bytes(s.needs),
                                 format_bytes(s.has),
                                 format_bytes(s.usable)
                             );
}

std::string one_shortage(
    const ComputeShortage& s, const Explanation& why, const DeviceNames& names
) {
    const AmountTexts texts = flop_texts(s.needs, s.does);
    return fmt::format(
        "{} lacks {} in layer {}{} (needs {}, does {} within t_budget = {} s)",
        name_of(s.device, names),
        flop_text(static_cast<double>(s.needs - s.does)),
        s.layer,
        s.more_layers > 0 ? fmt::format(" and less in {} more", s.more_layers) : "",
        texts.needed,
        texts.there,
        why.t_budget_s
    );
}

std::string without_notes(
    const Explanation& why, const DeviceNames& names, std::size_t max_shortages
) {
    if (why.cause != Cause::unstated) {
        return cause_text(why, names, max_shortages);
    }
    switch (why.outcome) {
    case Outcome::first:
        return first_text(why, names);
    case Outcome::moved:
        return moved_sentence(why, names);
    default:
        return "";
    }
}

} // namespace

DeviceNames device_names(const Fleet& fleet) {
    DeviceNames names;
    for (const DeviceSpec& device : fleet.devices) {
        names.push_back(device.name);
    }
    return names;
}

std::string shortages_text(
    const Explanation& why, const DeviceNames& names, std::size_t max_shortages
) {
    const std::size_t shown = std::min(max_shortages, why.shortages.size());
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < shown; ++i) {
        texts.push_back(std::visit(
            [&](const auto& shortage) { return one_shortage(shortage, why, names); },
            why.shortages[i]
        ));
    }
    if (shown < why.shortages.size()) {
        texts.push_back(fmt::format("and {} more", why.shortages.size() - shown));
    }
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string explanation_clause(
    const Explanation& why, const DeviceNames& names, std::size_t max_shortages
) {
    std::string text = without_notes(why, names, max_shortages);
    for (const std::string& note : why.notes) {
        text += (text.empty() ? "" : "; ") + note;
    }
    return text;
}

std::string explanation_text(
    const Explanation& why, const DeviceNames& names, std::size_t max_shortages
) {
    return (why.outcome == Outcome::kept ? "kept: " : "") +
           explanation_clause(why, names, max_shortages);
}

} // namespace headroom::scheduler
