#include "cli/inspect_command.hpp"

#include <array>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/summary_text.hpp"
#include "config/scenario.hpp"
#include "model/gguf.hpp"
#include "model/weights.hpp"
#include "runtime/shape.hpp"
#include "scheduler/blocks.hpp"
#include "scheduler/fleet.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/repair.hpp"
#include "trace/summary.hpp"

namespace headroom::cli {

namespace {

enum class FileKind { trace, model, scenario };

FileKind kind_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open() || std::filesystem::is_directory(path)) {
        throw InputError(
            fmt::format("{}: cannot be opened; give a trace, a model or a scenario", path.string())
        );
    }
    std::array<char, 4> head{};
    file.read(head.data(), head.size());
    const std::string_view magic(head.data(), head.size());
    if (magic == "\x89HDF") {
        return FileKind::trace;
    }
    return magic == "GGUF" ? FileKind::model : FileKind::scenario;
}

const std::string& code_name(
    const trace::RunHeader& header, const std::string& column, std::int32_t code
) {
    static const std::string unknown = "?";
    const auto found = header.codes.find(column);
    const auto index = static_cast<std::size_t>(code);
    return found == header.codes.end() || index >= found->second.size() ? unknown
                                                                        : found->second[index];
}

std::string decision_table(const trace::Trace& trace) {
    std::string text = fmt::format(
        "  {:>6}  {:>10}  {:<10}  {:>5}  {:>10}  {:>10}  {:>10}  {:>10}\n",
        "token",
        "at",
        "decision",
        "moves",
        "migration",
        "kept",
        "predicted",
        "measured"
    );
    const auto shown = [](Nanoseconds t) { return t < 0 ? "-" : format_duration(t); };
    for (const trace::Interval& interval : trace.intervals) {
        const trace::IntervalRow& row = interval.row;
        text += fmt::format(
            "  {:>6}  {:>10}  {:<10}  {:>5}  {:>10}  {:>10}  {:>10}  {:>10}\n",
            row.first_token,
            format_duration(row.t_dec),
            code_name(trace.header, "intervals.reason", row.reason),
            row.moves,
            row.moves > 0 ? format_duration(row.measured_migration_ns) : "-",
            shown(row.kept_inference_ns),
            format_duration(row.predicted_inference_ns),
            row.measured_inference_ns > 0 ? format_duration(row.measured_inference_ns) : "-"
        );
    }
    return text;
}

int inspect_trace(const InspectCommand& command) {
    if (command.repair) {
        const bool changed = trace::repair(command.file.string());
        fmt::print(
            stderr,
            "{}: {}\n",
            command.file.string(),
            changed ? "is an ordinary HDF5 file now" : "was in order, nothing changed"
        );
    }
    const trace::TraceFile file = trace::open_trace(command.file.string());
    trace::Summarizer summarizer;
    summarizer.begin(file.trace.header);
    for (const trace::Interval& interval : file.trace.intervals) {
        summarizer.commit(interval);
    }
    const trace::Summary summary = summarizer.summary();
    const std::string completion =
        trace::completion_names()[static_cast<std::size_t>(file.trace.completion)];
    if (command.json) {
        nlohmann::json json = summary_json(summary);
        json["completion"] = completion;
        json["being_written"] = file.being_written;
        json["attributes"] = file.trace.header.attributes;
        json["numbers"] = file.trace.header.numbers;
        print_json(json);
        return 0;
    }
    fmt::print("trace {}: {}", command.file.string(), completion);
    if (file.trace.completion == trace::Completion::running) {
        fmt::print(
            " {}",
            file.being_written ? "(its program runs still)"
                               : "(killed; all committed intervals are here)"
        );
    }
    fmt::print("\n\n");
    for (const auto& [name, value] : file.trace.header.attributes) {
        fmt::print("  {:<24}{}\n", name, value);
    }
    for (const auto& [name, value] : file.trace.header.numbers) {
        fmt::print("  {:<24}{}\n", name, value);
    }
    fmt::print("\n{}\n{}", summary_text(summary), decision_table(file.trace));
    if (!summary.text.empty()) {
        fmt::print("\n{}\n", summary.text);
    }
    return 0;
}

struct TypeUse {
    std::int64_t tensors = 0;
    std::uint64_t bytes = 0;
};

nlohmann::json model_json(
    const model::GgufFile& file, const model::Hyperparameters& m, const scheduler::Blocks& blocks
) {
    return {
        {"name", m.name},
        {"layers", m.layers},
        {"heads", m.heads},
        {"kv_heads", m.kv_heads},
        {"width", m.width},
        {"ffn_width", m.ffn_width},
        {"vocabulary", m.vocabulary},
        {"context", m.context},
        {"tied", m.tied},
        {"blocks", blocks.size()},
        {"hash", file.hash()},
        {"file_bytes", file.file_bytes()},
    };
}

void print_types(const model::GgufFile& file) {
    std::map<std::string, TypeUse> types;
    for (const model::GgufTensor& tensor : file.tensors()) {
        TypeUse& use = types[model::ggml_type_name(tensor.ggml_type)];
        ++use.tensors;
        use.bytes += tensor.bytes;
    }
    for (const auto& [type, use] : types) {
        fmt::print(
            "  {:<6}{:>5} tensors  {:>10}\n",
            type,
            use.tensors,
            format_bytes(static_cast<Bytes>(use.bytes))
        );
    }
}

void print_blocks(const scheduler::Blocks& blocks) {
    const scheduler::Placement together(blocks.size(), DeviceId(0));
    const std::int64_t context = blocks.shape().context;
    fmt::print("\n  as blocks: {} in all\n", blocks.size());
    for (const BlockId b :
         {blocks.embed(), blocks.group(0, 0), blocks.proj(0), blocks.ffn(0), blocks.lm_head()}) {
        const Bytes cache = blocks.cache_bytes(b, context);
        fmt::print(
            "  {:<10}{:>10}{}\n",
            name_of(blocks.name(b).kind),
            format_bytes(blocks.weight_bytes(b, together)),
            cache > 0 ? fmt::format(", and {} of cache at {} tokens", format_bytes(cache), context)
                      : ""
        );
    }
}

int inspect_model(const InspectCommand& command) {
    const model::GgufFile file(command.file);
    const model::Hyperparameters m = model::read_hyperparameters(file);
    const scheduler::Blocks blocks(runtime::shape_of(m));
    if (command.json) {
        print_json(model_json(file, m, blocks));
        return 0;
    }
    fmt::print("model {} ({}): {}\n\n", command.file.string(), m.name, file.hash());
    fmt::print(
        "  GGUF v{}, {} in {} tensors\n"
        "  width {}, {} layers, {} heads in {} groups of width {}, FFN {}, vocabulary {}, "
        "context {}{}\n",
        file.version(),
        format_bytes(static_cast<Bytes>(file.file_bytes())),
        file.tensors().size(),
        m.width,
        m.layers,
        m.heads,
        m.kv_heads,
        m.head_width(),
        m.ffn_width,
        m.vocabulary,
        m.context,
        m.tied ? ", tied embeddings" : ""
    );
    print_types(file);
    print_blocks(blocks);
    return 0;
}

int inspect_scenario(const InspectCommand& command) {
    const config::Scenario scenario = config::load_scenario(command.file, {});
    if (command.json) {
        throw InputError("--json is for traces and models; a scenario is TOML already");
    }
    fmt::print(
        "scenario {}: {} devices, policy {}, a decision every {} tokens\n\n",
        command.file.string(),
        scenario.fleet.size(),
        scheduler::name_of(scenario.controller.policy),
        scenario.controller.interval
    );
    const scheduler::Snapshot start = scheduler::take_snapshot(scenario.fleet, 0, 0);
    fmt::print("  {:<16}{:>16}{:>14}{:>16}\n", "device", "compute", "memory", "memory bandwidth");
    for (std::size_t d = 0; d < scenario.fleet.size(); ++d) {
        fmt::print(
            "  {:<16}{:>16}{:>14}{:>16}{}\n",
            scenario.fleet.devices[d].name,
            format_compute_rate(start.devices[d].compute),
            format_bytes(start.devices[d].memory),
            format_byte_rate(start.devices[d].memory_bandwidth),
            scenario.fleet.source == DeviceId(d) ? "  source" : ""
        );
    }
    fmt::print(
        "\n(after scaling, at time 0; the whole scenario with every default spelled out:)\n\n"
    );
    fmt::print("{}", config::resolved_text(scenario));
    return 0;
}

} // namespace

int inspect_command(const InspectCommand& command) {
    const FileKind kind = kind_of(command.file);
    if (command.repair && kind != FileKind::trace) {
        throw InputError(fmt::format("{}: --repair is for traces", command.file.string()));
    }
    switch (kind) {
    case FileKind::trace:
        return inspect_trace(command);
    case FileKind::model:
        return inspect_model(command);
    case FileKind::scenario:
        return inspect_scenario(command);
    }
    return 0;
}

} // namespace headroom::cli
