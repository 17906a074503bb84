#include "config/scenario/scenario.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "base/error.hpp"
#include "base/units.hpp"
#include "config/reader/overrides.hpp"
#include "config/sections/catalogue.hpp"
#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"
#include "config/toml/input.hpp"
#include "config/toml/toml_text.hpp"

namespace headroom::config {

namespace {

constexpr std::string_view kBuiltIn = "built-in scenario";
/// The catalogue's profile for the devices of the built-in scenario. docs/reference/scenario.md
/// names it too.
constexpr std::string_view kDefaultProfile = "raspberry-pi-5";

Scenario read_scenario(
    toml::table& document,
    const std::filesystem::path& path,
    const ModelFileLookup& lookup,
    Problems& problems
) {
    Scenario scenario;
    scenario.path = path;
    scenario.name = path.stem().string();
    const std::filesystem::path folder = path.parent_path();

    TableReader root(document, "", "the top level", problems);
    read_keys(root, kTopLevelKeys, scenario);
    const ModelKind model = read_model(root, folder, lookup, scenario);
    read_workload(root, folder, model, scenario);
    read_section(root, "fleet", kFleetKeys, scenario.declared.scales);
    read_devices(root, scenario.declared);
    const DeviceNames names(scenario.declared.devices);
    read_network(root, names, scenario.declared);
    scenario.events = read_events(root, names, scenario.declared.devices);
    read_controller(root, folder, scenario);
    read_section(root, "clock", kClockKeys, scenario.clock);
    root.explain_misplaced({"link", "links"}, "a link that differs is written [[network.link]]");
    root.explain_misplaced({"medium", "media"}, "a shared medium is written [[network.medium]]");
    root.explain_misplaced({"jitter"}, "it is written [network.jitter]");
    root.explain_misplaced({"rates"}, "they are written [device.rates.TYPE] below a [[device]]");
    root.explain_misplaced(
        {"paper"}, "the published method's switches are written [controller.paper]"
    );
    root.finish();
    problems.throw_if_any();
    return scenario;
}

/// Throws InputError if the text begins like a model or a trace.
void refuse_other_kinds(std::string_view text, const std::filesystem::path& path) {
    const bool model = text.starts_with("GGUF");
    if (!model && !text.starts_with("\x89HDF\r\n\x1a\n")) {
        return;
    }
    const std::string name = input_name(path);
    throw InputError(fmt::format(
        "{}: {}, not a scenario; {}",
        name,
        model ? "a GGUF model" : "an HDF5 file such as a trace",
        is_standard_input(path) ? "models and traces are read in many places, so give the file"
        : model ? fmt::format("without a scenario it runs with --model {} --devices N", name)
                : fmt::format("see what is in it with headroom inspect {}", name)
    ));
}

/// Throws InputError if the document is a sweep, which would give a long list of problems.
void refuse_sweep(const toml::table& document, const std::string& path) {
    if (document.contains("scenario") && !document.contains("device")) {
        throw InputError(fmt::format(
            "{}: a sweep, not a scenario; its cells are listed by headroom sweep {} --list, and "
            "run by --run-all",
            path,
            path
        ));
    }
}

} // namespace

Scenario parse_scenario(
    std::string_view text, const std::filesystem::path& as_if_from, const Overrides& overrides
) {
    std::string file = as_if_from.empty() ? std::string(kBuiltIn) : as_if_from.string();
    Problems problems(file);
    toml::table document = parse_toml(text, problems);
    refuse_sweep(document, file);
    apply_overrides(document, overrides, problems);
    const ModelFileLookup models{overrides.models, overrides.model_must_exist};
    Scenario scenario = read_scenario(document, as_if_from, models, problems);
    scenario.input_files.insert_or_assign(std::move(file), std::string(text));
    scenario.fleet = build_fleet(scenario.declared, scenario.events, scenario.seed);
    std::ranges::move(find_warnings(scenario), std::back_inserter(scenario.warnings));
    return scenario;
}

Scenario load_scenario(const std::filesystem::path& path, const Overrides& overrides) {
    const std::string text = read_document(path, "scenario");
    refuse_other_kinds(text, path);
    return parse_scenario(text, input_base_path(path), overrides);
}

namespace {

/// Returns a note about the devices and links that the built-in scenario assumes.
std::string default_note(const FleetConfig& declared) {
    const DeviceConfig& device = declared.devices.front();
    return fmt::format(
        "every device is a {} ({}, {} of memory at {:.3g} GB/s), with links of {} and {}; others: "
        "--set device.0.profile=NAME, which headroom inspect --devices lists",
        find_entry(device_profiles(), kDefaultProfile)->title,
        format_compute_rate(device.compute),
        format_bytes(device.memory),
        static_cast<double>(device.memory_bandwidth) / 1e9,
        format_byte_rate(declared.network.bandwidth),
        format_duration(declared.network.latency)
    );
}

} // namespace

Scenario default_scenario(
    const std::filesystem::path& model_file, int devices, const Overrides& overrides
) {
    if (devices < 1 || static_cast<std::size_t>(devices) > kMaxDevices) {
        throw InputError(
            fmt::format("--devices {}: expected a number from 1 to {}", devices, kMaxDevices)
        );
    }
    const std::string model = model_file.string();
    if (model.empty() || first_invalid_utf8(model)) {
        throw InputError("--model: expected the path of a GGUF file");
    }
    // A profile or preset of the command line replaces the built-in values.
    const auto is_set = [&](std::string_view table, std::string_view key) {
        return std::any_of(overrides.set.begin(), overrides.set.end(), [&](std::string_view set) {
            const std::string_view path = set.substr(0, set.find('='));
            return path.starts_with(table) && path.ends_with(key);
        });
    };
    const bool chosen = is_set("device.", ".profile");
    const std::string text = fmt::format(
        "[model]\nfile = {}\nkv_type = \"f16\"\n\n[[device]]\ncount = {}\n{}\n[network]\n{}",
        toml_string(model),
        devices,
        chosen ? "" : fmt::format("profile = \"{}\"\n", kDefaultProfile),
        is_set("network.", "preset") ? "" : "bandwidth = \"100 Mbit/s\"\nlatency = \"1 ms\"\n"
    );
    Scenario scenario = parse_scenario(text, {}, overrides);
    if (!chosen) {
        scenario.notes.push_back(default_note(scenario.declared));
    }
    scenario.name = fmt::format("{}-{}-devices", model_file.stem().string(), scenario.fleet.size());
    return scenario;
}

scheduler::Cut ControllerConfig::cut(scheduler::PolicyKind decided_by) const {
    if (granularity == scheduler::Granularity::paper) {
        return {};
    }
    const bool ring = decided_by == scheduler::PolicyKind::galaxy;
    return {granularity, slices, ring ? reduce : scheduler::Reduce::hub};
}

std::string Scenario::model_name() const {
    if (!shape) {
        return model_file.string();
    }
    return preset.empty() ? "shape" : preset;
}

std::string slices_problem(const ControllerConfig& controller, const ModelShape& shape) {
    const bool sliced = controller.granularity == scheduler::Granularity::sliced;
    if (sliced && controller.reduce == scheduler::Reduce::ring && shape.norms_after()) {
        return "controller.reduce = \"ring\" adds partial sums to the residual stream in parts, "
               "but "
               "this model normalises the whole output of attention and of the ffn first; give "
               "reduce = \"hub\"";
    }
    if (controller.granularity == scheduler::Granularity::sliced && shape.experts > 0) {
        return fmt::format(
            "controller.granularity = \"sliced\" does not cut a mixture of experts, and the model "
            "has {} in each ffn; give \"paper\"",
            shape.experts
        );
    }
    if (controller.granularity == scheduler::Granularity::paper || controller.slices < 1 ||
        shape.ffn_width < 1 || shape.ffn_width % controller.slices == 0) {
        return "";
    }
    constexpr std::int64_t kListed = 64;
    std::vector<std::int64_t> divisors;
    for (std::int64_t n = 1; n <= kListed; ++n) {
        if (shape.ffn_width % n == 0) {
            divisors.push_back(n);
        }
    }
    return fmt::format(
        "controller.slices = {} does not divide the model's FFN width of {}; give one that does: "
        "{}",
        controller.slices,
        shape.ffn_width,
        fmt::join(divisors, ", ")
    );
}

bool equivalent(const Scenario& a, const Scenario& b) {
    return a.seed == b.seed && a.model_file == b.model_file &&
           a.model_file_written == b.model_file_written && a.preset == b.preset &&
           a.shape == b.shape && a.context == b.context && a.kv_type == b.kv_type &&
           a.workload == b.workload && a.controller == b.controller && a.clock == b.clock &&
           a.declared == b.declared && a.events == b.events;
}

} // namespace headroom::config
