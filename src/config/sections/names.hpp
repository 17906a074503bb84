// The spelling of every choice in TOML, on the command line and in traces. Choices that are planned
// but not built are listed as well, so that messages can say so.
#pragma once

#include <array>
#include <string_view>

#include "config/scenario/scenario.hpp"
#include "config/sections/catalogue.hpp"

namespace headroom::config {

/// A choice and its spelling.
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
    Spelling<OverloadMode>{"automatic", OverloadMode::automatic},
    Spelling<OverloadMode>{"page", OverloadMode::page},
    Spelling<OverloadMode>{"fail", OverloadMode::fail},
};

inline constexpr std::array kWeights{
    Spelling<WeightsMode>{"move", WeightsMode::move},
    Spelling<WeightsMode>{"everywhere", WeightsMode::everywhere},
};

inline constexpr std::array kEnds{
    Spelling<EndsMode>{"source", EndsMode::source},
    Spelling<EndsMode>{"anywhere", EndsMode::anywhere},
};

inline constexpr std::array kCostProfiles{
    Spelling<scheduler::CostProfile>{"physical", scheduler::CostProfile::physical},
    Spelling<scheduler::CostProfile>{"paper", scheduler::CostProfile::paper},
};

inline constexpr std::array kAims{
    Spelling<scheduler::Aim>{"latency", scheduler::Aim::latency},
    Spelling<scheduler::Aim>{"throughput", scheduler::Aim::throughput},
};

/// Spelling of the batch size that each decision chooses.
inline constexpr std::string_view kAutomaticBatch = "auto";

/// Spelling of arrivals of all requests at time 0.
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

/// The weight types that kernels read as they are stored. headroom::name_of spells them alike.
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

/// A key of [controller] with one value that works and one that is planned.
struct OnlyChoice {
    std::string_view key;
    std::string_view built;
    std::string_view planned;
};

inline constexpr std::array kOnlyChoices{
    OnlyChoice{"migration", "stop", "live"},
};

} // namespace headroom::config
