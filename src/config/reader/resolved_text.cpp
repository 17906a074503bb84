// Writes a complete scenario as TOML. Traces contain this text, and a run can be repeated from it.
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/reader/overrides.hpp"
#include "config/scenario/scenario.hpp"
#include "config/sections/names.hpp"
#include "config/sections/sections.hpp"
#include "config/sections/shape_section.hpp"
#include "config/toml/exact.hpp"
#include "config/toml/toml_text.hpp"

namespace headroom::config {

namespace {

std::string fraction(scheduler::Ppb value) {
    return decimal_text(static_cast<double>(value) / static_cast<double>(scheduler::kWhole));
}

std::string flag(bool value) {
    return value ? "true" : "false";
}

std::string joined(const std::vector<std::string>& parts) {
    return fmt::format("[{}]", fmt::join(parts, ", "));
}

std::string load_text(const LoadConfig& load) {
    if (load.kind == LoadConfig::Kind::constant) {
        return fraction(load.constant);
    }
    if (load.kind == LoadConfig::Kind::steps) {
        std::vector<std::string> times;
        std::vector<std::string> values;
        for (std::size_t i = 0; i < load.at.size(); ++i) {
            times.push_back(fmt::format("\"{} ns\"", load.at[i]));
            values.push_back(fraction(load.values[i]));
        }
        return fmt::format(
            "{{ kind = \"steps\", at = {}, value = {} }}", joined(times), joined(values)
        );
    }
    const bool walk = load.kind == LoadConfig::Kind::walk;
    return fmt::format(
        "{{ kind = \"{}\", low = {}, high = {}, {}period = \"{} ns\" }}",
        walk ? "walk" : "uniform",
        fraction(load.low),
        fraction(load.high),
        walk ? fmt::format("step = {}, ", fraction(load.step)) : "",
        load.period
    );
}

std::string arrivals_text(const ArrivalsConfig& arrivals) {
    switch (arrivals.kind) {
    case ArrivalsConfig::Kind::at_once:
        break;
    case ArrivalsConfig::Kind::given: {
        std::vector<std::string> times;
        for (const Nanoseconds time : arrivals.at) {
            times.push_back(fmt::format("\"{} ns\"", time));
        }
        return joined(times);
    }
    case ArrivalsConfig::Kind::poisson:
        return fmt::format(
            "{{ poisson = {}{} }}",
            decimal_text(arrivals.per_second),
            arrivals.seed ? fmt::format(", seed = {}", *arrivals.seed) : ""
        );
    }
    return fmt::format("\"{}\"", kAtOnce);
}

/// Collects lines of `key = value`.
class Writer {
  public:
    template <class... Values>
    void line(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
        text_ += '\n';
    }

    void rate(std::string_view key, PerSecond value) {
        if (value != kUnlimited) { // an absent key means unlimited
            line("{} = \"{} B/s\"", key, value);
        }
    }

    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void write_controller(Writer& out, const ControllerConfig& controller) {
    out.line("\n[controller]");
    out.line("policy = \"{}\"", scheduler::name_of(controller.policy));
    out.line("interval = {}", controller.interval);
    for (const OnlyChoice& choice : kOnlyChoices) {
        out.line("{} = \"{}\"", choice.key, choice.built);
    }
    out.line("granularity = \"{}\"", name_of(controller.granularity));
    if (controller.granularity == scheduler::Granularity::sliced) {
        out.line("slices = {}", controller.slices);
        out.line("reduce = \"{}\"", name_of(controller.reduce));
    }
    out.line("ends = \"{}\"", name_of(controller.ends));
    out.line("memory_window = \"{} ns\"", controller.memory_window);
    out.line("memory_reserve = {}", fraction(controller.memory_reserve));
    out.line("objective = \"{}\"", name_of(controller.objective));
    if (controller.batch == 0) {
        out.line("batch = \"{}\"", kAutomaticBatch);
    } else {
        out.line("batch = {}", controller.batch);
    }
    out.line("look_ahead = {}", flag(controller.look_ahead));
    out.line("node_limit = {}", controller.node_limit);
    out.line("cost_profile = \"{}\"", name_of(controller.cost_profile));
    out.line("t_budget = \"{} ns\"", controller.t_budget);
    out.line("weights = \"{}\"", name_of(controller.weights));
    out.line("overload = \"{}\"", name_of(controller.overload));
    out.line("\n[controller.paper]");
    out.line("gather = \"{}\"", name_of(controller.paper.gather));
    out.line("score = \"{}\"", name_of(controller.paper.score));
    out.line("backtracks = {}", controller.paper.backtracks);
}

void write_run(Writer& out, const Scenario& scenario) {
    const WorkloadConfig& workload = scenario.workload;
    std::vector<std::string> prompts;
    for (const std::string& prompt : workload.prompts) {
        prompts.push_back(toml_string(prompt));
    }
    out.line("seed = {}", scenario.seed);
    out.line("\n[model]");
    if (scenario.shape) {
        if (!scenario.preset.empty()) { // only a name: the shape below has all its values
            out.line("from_preset = {}", toml_string(scenario.preset));
        }
        out.line("shape = {}", shape_text(*scenario.shape));
    } else {
        out.line("file = {}", toml_string(scenario.model_file_written));
    }
    out.line("kv_type = \"{}\"", name_of(scenario.kv_type));
    out.line("\n[workload]");
    if (scenario.shape) {
        out.line("prompt_tokens = [{}]", fmt::join(workload.prompt_tokens, ", "));
    } else {
        out.line("prompts = {}", joined(prompts));
    }
    out.line("repeat = {}", workload.repeat);
    if (workload.tokens_each.empty()) {
        out.line("tokens = {}", workload.tokens);
    } else {
        out.line("tokens = [{}]", fmt::join(workload.tokens_each, ", "));
    }
    out.line("stop_at_eos = {}", flag(workload.stop_at_eos));
    out.line("sequences = {}", workload.sequences);
    if (workload.prefill_chunk > 0) { // an absent key means the whole prompt
        out.line("prefill_chunk = {}", workload.prefill_chunk);
    }
    out.line("arrivals = {}", arrivals_text(workload.arrivals));
    out.line("temperature = {}", decimal_text(workload.temperature));
    out.line("top_k = {}", workload.top_k);
    out.line("top_p = {}", decimal_text(workload.top_p));
    out.line("min_p = {}", decimal_text(workload.min_p));
    write_controller(out, scenario.controller);
    out.line("\n[clock]");
    out.line("mode = \"{}\"", name_of(scenario.clock.mode));
    out.line("scale = {}", decimal_text(scenario.clock.scale));
}

void write_device(Writer& out, const DeviceConfig& device, bool source) {
    out.line("\n[[device]]");
    out.line("name = {}", toml_string(device.name));
    if (!device.profile.empty()) { // only a name: the keys below have all its values
        out.line("from_profile = {}", toml_string(device.profile));
    }
    out.line("compute = \"{} FLOP/s\"", device.compute);
    out.line("memory = \"{} B\"", device.memory);
    out.rate("memory_bandwidth", device.memory_bandwidth);
    out.rate("storage_bandwidth", device.storage_bandwidth.value_or(kUnlimited));
    out.rate("egress", device.egress);
    out.rate("ingress", device.ingress);
    out.line("load = {}", load_text(device.load));
    out.line("memory_load = {}", load_text(device.memory_load));
    out.line("source = {}", flag(source));
}

void write_fleet(Writer& out, const FleetConfig& fleet) {
    out.line("\n[fleet]");
    out.line("compute_scale = {}", decimal_text(fleet.scales.compute));
    out.line("memory_scale = {}", decimal_text(fleet.scales.memory));
    out.line("bandwidth_scale = {}", decimal_text(fleet.scales.bandwidth));
    out.line("latency_scale = {}", decimal_text(fleet.scales.latency));
    for (std::size_t d = 0; d < fleet.devices.size(); ++d) {
        write_device(out, fleet.devices[d], d == fleet.source.index());
    }
    out.line("\n[network]");
    out.rate("bandwidth", fleet.network.bandwidth);
    out.line("latency = \"{} ns\"", fleet.network.latency);
    out.line("variation = {}", load_text(fleet.network.variation));
    const auto name = [&](DeviceId d) { return toml_string(fleet.devices[d.index()].name); };
    for (const LinkConfig& link : fleet.network.links) {
        out.line("\n[[network.link]]");
        out.line("from = {}", name(link.from));
        out.line("to = {}", name(link.to));
        out.rate("bandwidth", link.bandwidth);
        out.line("latency = \"{} ns\"", link.latency);
        out.line("both = false");
    }
}

void write_event(Writer& out, const Event& event, const FleetConfig& fleet) {
    const auto name = [&](DeviceId d) { return toml_string(fleet.devices[d.index()].name); };
    out.line("\n[[event]]");
    if (event.at >= 0) {
        out.line("at = \"{} ns\"", event.at);
    } else {
        out.line("at_token = {}", event.at_token);
    }
    if (event.device.valid()) {
        out.line("device = {}", name(event.device));
    } else {
        out.line("link = [{}, {}]", name(event.from), name(event.to));
    }
    out.line("kind = \"{}\"", name_of(event.kind));
    out.line("factor = {}", fraction(event.factor));
}

} // namespace

std::string resolved_text(const Scenario& scenario) {
    Writer out;
    write_run(out, scenario);
    write_fleet(out, scenario.declared);
    for (const Event& event : scenario.events) {
        write_event(out, event, scenario.declared);
    }
    return out.take();
}

} // namespace headroom::config
