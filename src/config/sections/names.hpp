// One spelling of every choice for TOML, command line and trace, and the choices that are planned
// but not built, so that messages can be honest about them. The only place with these words.
#pragma once

#include <array>
#include <string_view>

#include "config/scenario/scenario.hpp"
#include "config/sections/catalogue.hpp"

namespace headroom::config {

template <class Enum>
struct Spelling {
    std::string_view name;
    Enum value;
};

inline constexpr std::array<std::string_view, 0> kNonePlanned{};

inline constexpr std::array kClockModes{
    Spelling<ClockMode>{"virtual", ClockMode::virtual_time},
    Spelling<ClockMode>{"paced", ClockMode::paced},
};
inline constexpr std::array<std::string_view, 1> kPlannedClockModes{"native"};

inline constexpr std::array kOverloads{
    Spelling<Overload>{"automatic", Overload::automatic},
    Spelling<Overload>{"page", Overload::page},
    Spelling<Overload>{"fail", Overload::fail},
};

inline constexpr std::array kWeights{
    Spelling<Weights>{"move", Weights::move},
    Spelling<Weights>{"everywhere", Weights::everywhere},
};

inline constexpr std::array kEnds{
    Spelling<Ends>{"source", Ends::source},
    Spelling<Ends>{"anywhere", Ends::anywhere},
};

inline constexpr std::array kCostProfiles{
    Spelling<scheduler::CostProfile>{"physical", scheduler::CostProfile::physical},
    Spelling<scheduler::CostProfile>{"paper", scheduler::CostProfile::paper},
};

inline constexpr std::array kAims{
    Spelling<scheduler::Aim>{"latency", scheduler::Aim::latency},
    Spelling<scheduler::Aim>{"throughput", scheduler::Aim::throughput},
};

/// Of batch: as many turns as the decision finds best.
inline constexpr std::string_view kAutomaticBatch = "auto";

/// Of arrivals: all prompts are there from the start.
inline constexpr std::string_view kAtOnce = "at once";

inline constexpr std::array kPaperGathers{
    Spelling<scheduler::PaperGather>{"sum", scheduler::PaperGather::sum},
    Spelling<scheduler::PaperGather>{"max", scheduler::PaperGather::max},
};

inline constexpr std::array kPaperScores{
    Spelling<scheduler::PaperScore>{"max", scheduler::PaperScore::max},
    Spelling<scheduler::PaperScore>{"weighted", scheduler::PaperScore::weighted},
};

inline constexpr std::array kGranularities{
    Spelling<scheduler::Granularity>{"paper", scheduler::Granularity::paper},
    Spelling<scheduler::Granularity>{"sliced", scheduler::Granularity::sliced},
};

inline constexpr std::array kReduces{
    Spelling<scheduler::Reduce>{"hub", scheduler::Reduce::hub},
    Spelling<scheduler::Reduce>{"ring", scheduler::Reduce::ring},
};

inline constexpr std::array kOrigins{
    Spelling<Origin>{"measured", Origin::measured},
    Spelling<Origin>{"derived", Origin::derived},
    Spelling<Origin>{"limit", Origin::limit},
};

inline constexpr std::array kKvTypes{Spelling<KvType>{"f32", KvType::f32}};
inline constexpr std::array<std::string_view, 4> kPlannedKvTypes{"f16", "bf16", "q8_0", "q4_0"};

/// Types that are computed from as they are stored; spelled as everywhere.
inline constexpr std::array kWeightTypeNames{
    Spelling<WeightType>{"f32", WeightType::f32},
    Spelling<WeightType>{"f16", WeightType::f16},
    Spelling<WeightType>{"bf16", WeightType::bf16},
    Spelling<WeightType>{"q8_0", WeightType::q8_0},
    Spelling<WeightType>{"q4_0", WeightType::q4_0},
};

inline constexpr std::array kEventKinds{
    Spelling<EventKind>{"compute", EventKind::compute},
    Spelling<EventKind>{"memory", EventKind::memory},
    Spelling<EventKind>{"memory_bandwidth", EventKind::memory_bandwidth},
    Spelling<EventKind>{"storage_bandwidth", EventKind::storage_bandwidth},
    Spelling<EventKind>{"bandwidth", EventKind::bandwidth},
    Spelling<EventKind>{"latency", EventKind::latency},
};
inline constexpr std::array<std::string_view, 3> kPlannedEventKinds{"leave", "return", "down"};

inline constexpr std::array kLoadKinds{
    Spelling<LoadConfig::Kind>{"steps", LoadConfig::Kind::steps},
    Spelling<LoadConfig::Kind>{"uniform", LoadConfig::Kind::uniform},
    Spelling<LoadConfig::Kind>{"walk", LoadConfig::Kind::walk},
};

/// A key with one value that is built and one that is planned.
struct OnlyChoice {
    std::string_view key;
    std::string_view built;
    std::string_view planned;
};

inline constexpr std::array kOnlyChoices{
    OnlyChoice{"migration", "stop", "live"},
};

} // namespace headroom::config
