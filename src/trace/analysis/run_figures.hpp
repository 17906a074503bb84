// Lists the figures (summary numbers) of a run. The JSON output, the tables of many runs and the
// reference manual use this list.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <variant>

#include "trace/analysis/figure_table.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::trace {

struct RunFigure {
    /// Where the figure is given: in a run's JSON, in the table of `headroom collect`, or both.
    enum class Use : std::uint8_t { both, json, table };

    std::string_view name; ///< key in JSON and name of the column
    std::string_view unit; ///< a unit of columns.hpp: "ns", "B", "1", …
    std::variant<
        std::int64_t Summary::*,
        double Summary::*,
        std::int64_t (*)(const Summary&),
        double (*)(const Summary&)>
        getter;
    std::string_view heading = {}; ///< heading in printed tables; empty: not printed there
    Use use = Use::both;

    /// Returns the figure of a run. A negative number becomes a missing value.
    [[nodiscard]] Figure of(const Summary& summary) const {
        return std::visit(
            [&](const auto get) {
                const auto value = std::invoke(get, summary);
                return value < 0 ? Figure() : Figure(value);
            },
            getter
        );
    }
    [[nodiscard]] FigureColumn::Kind kind() const {
        const bool is_integer = getter.index() % 2 == 0;
        return is_integer ? FigureColumn::Kind::integer : FigureColumn::Kind::real;
    }
};

inline constexpr auto kRunFigures = [] {
    using S = Summary;
    using F = RunFigure;
    constexpr auto kJson = F::Use::json;
    return std::array{
        F{"prompt_tokens", "1", &S::prompt_tokens},
        F{"sampled_tokens", "1", &S::sampled_tokens},
        F{"time_to_first_token_ns", "ns", &S::time_to_first_token, "first token"},
        F{"time_to_first_token_p50_ns", "ns", &S::time_to_first_token_p50},
        F{"time_to_first_token_p95_ns", "ns", &S::time_to_first_token_p95},
        F{"time_per_output_token_ns", "ns", &S::time_per_output_token, "per token"},
        F{"time_per_output_token_p50_ns", "ns", &S::time_per_output_token_p50},
        F{"time_per_output_token_p95_ns", "ns", &S::time_per_output_token_p95, "p95"},
        F{"tokens_per_s", "1/s", &S::tokens_per_s, "tokens/s"},
        F{"virtual_time_ns", "ns", &S::end, "total"},
        F{"sequences_in_flight_most", "1", &S::max_in_flight, "", kJson},
        F{"sequences_in_flight_mean", "1", &S::mean_in_flight, "", kJson},
        F{"batch_smallest", "1", &S::smallest_batch, "", kJson},
        F{"batch_largest", "1", &S::largest_batch, "", kJson},
        F{"waited_for_memory", "1", [](const S& s) { return s.memory_waits.requests; }, "", kJson},
        F{"waited_for_memory_longest_ns",
          "ns",
          [](const S& s) { return s.memory_waits.longest; },
          "",
          kJson},
        F{"decisions", "1", &S::decisions},
        F{"decisions_that_moved", "1", &S::decisions_that_moved},
        F{"decisions_infeasible", "1", &S::decisions_infeasible},
        F{"blocks_moved", "1", &S::blocks_moved, "moved"},
        F{"groups_moved", "1", &S::groups_moved, "", kJson},
        F{"bytes_migrated", "B", &S::bytes_migrated, "bytes moved"},
        F{"bytes_loaded", "B", &S::bytes_loaded},
        F{"time_migrating_ns", "ns", &S::time_migrating},
        F{"bytes_activations", "B", &S::bytes_messages},
        F{"predicted_decode_ns", "ns", &S::predicted_decode, "", kJson},
        F{"measured_decode_ns", "ns", &S::measured_decode, "", kJson},
        F{"predicted_migration_ns", "ns", &S::predicted_migration, "", kJson},
        F{"memory_peak_fraction", "1", largest_fullness, "peak/budget", F::Use::table},
        F{"resumptions", "1", &S::resumptions},
        F{"overloads", "1", &S::overloads},
        F{"bytes_paged", "B", &S::bytes_paged},
        F{"decision_wall_mean_ms", "ms", &S::decision_wall_mean_ms, "", kJson},
    };
}();

} // namespace headroom::trace
