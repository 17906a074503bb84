// A run's summary for people and for programs.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "trace/analysis/summary.hpp"

namespace headroom::cli {

/// An aligned table: rates, migrations, memory per device against its budget, predicted vs
/// measured.
[[nodiscard]] std::string summary_text(const trace::Summary& summary);
[[nodiscard]] nlohmann::json summary_json(const trace::Summary& summary);

/// Onto stdout. Text that a model broke off inside a character gets a replacement character.
/// Throws EnvironmentError if stdout does not take it.
void print_json(const nlohmann::json& json);

} // namespace headroom::cli
