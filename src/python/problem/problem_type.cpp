#include "python/problem/problem_type.hpp"

#include <cstdint>
#include <functional>

#include <fmt/format.h>
#include <pybind11/stl.h>

#include "python/arrays.hpp"
#include "python/problem/problem_arrays.hpp"
#include "python/problem/problem_changes.hpp"
#include "python/python_policy.hpp"

namespace headroom::python {

namespace {

using scheduler::Snapshot;
using Rate = std::int64_t;

/// Returns problem.arrays[name], which `make` makes when it is asked for the first time.
py::object cached(
    PythonProblem& problem, const char* name, const std::function<py::object()>& make
) {
    if (!problem.arrays.contains(name)) {
        problem.arrays[name] = make();
    }
    return problem.arrays[name];
}

std::string text_of(const PythonProblem& in) {
    return fmt::format(
        "<headroom.Problem: {} blocks on {} devices, {} in flight, context {}, interval {}>",
        in.blocks->size(),
        in.problem.snapshot.size(),
        in.problem.in_flight(),
        in.problem.context,
        in.problem.interval
    );
}

using ProblemClass = py::class_<PythonProblem, std::shared_ptr<PythonProblem>>;

void add_blocks(ProblemClass& type) {
    type.def_property_readonly(
        "blocks",
        [](PythonProblem& p) { return cached(p, "blocks", [&] { return table_of_blocks(p); }); },
        "Structured array [block], in the order of placements. name, kind ('embed', 'group',\n"
        "'proj', 'ffn', 'lm_head', 'slice', 'hub'), layer and group (-1: none), pinned (must be\n"
        "on the source); flops and touched_bytes (FLOP, and bytes read, of one decode step at\n"
        "the horizon); weight_bytes (a pinned lm_head has none of a matrix that it shares with\n"
        "embed); cache_bytes (KV cache of all sequences at the horizon);\n"
        "resident_bytes (weight_bytes + cache_bytes, the memory that it needs);\n"
        "moved_cache_bytes (cache that a migration sends, beside the weights)."
    );
    type.def_property_readonly(
        "sequences",
        [](PythonProblem& p) {
            return cached(p, "sequences", [&] { return sequence_table(p.problem); });
        },
        "Structured array [sequence], empty if there is only one: context and rows (tokens),\n"
        "prompt_rows, prompt_remaining and prompt_max_new_tokens (its next prompt)."
    );
}

void add_devices(ProblemClass& type) {
    const auto device = [&](const char* name, Rate Snapshot::Device::*member, const char* doc) {
        type.def_property_readonly(
            name,
            [=](PythonProblem& p) {
                return cached(p, name, [&] { return device_column(p.problem.snapshot, member); });
            },
            doc
        );
    };
    device("compute", &Snapshot::Device::compute, "int64 array [device]: FLOP/s.");
    device(
        "memory",
        &Snapshot::Device::memory,
        "int64 array [device]: bytes for weights, KV caches and buffers."
    );
    device(
        "memory_bandwidth",
        &Snapshot::Device::memory_bandwidth,
        "int64 array [device]: bytes/s that it reads from memory; headroom.UNLIMITED: no limit."
    );
    device(
        "storage_bandwidth",
        &Snapshot::Device::storage_bandwidth,
        "int64 array [device]: bytes/s that it reads from storage."
    );
    device("egress", &Snapshot::Device::egress, "int64 array [device]: bytes/s, all it sends.");
    device(
        "ingress", &Snapshot::Device::ingress, "int64 array [device]: bytes/s, all it receives."
    );
    device(
        "operation_overhead",
        &Snapshot::Device::operation_overhead,
        "int64 array [device]: ns before its first block of each stage of a layer."
    );
    device(
        "message_overhead",
        &Snapshot::Device::message_overhead,
        "int64 array [device]: ns before each message that it sends, after each that it receives."
    );
}

/// Adds what only devices with costs of real devices have.
void add_rates_and_media(ProblemClass& type) {
    type.def_property_readonly(
        "rates",
        [](PythonProblem& p) {
            return cached(p, "rates", [&] { return rates_table(p.problem.snapshot); });
        },
        "Structured array, a row for each device and weight type with rates of its own: device,\n"
        "type (\"q4_0\"), compute, memory_bandwidth and prefill_compute."
    );
    type.def_property_readonly(
        "medium",
        [](PythonProblem& p) {
            return cached(p, "medium", [&]() -> py::object {
                const auto& devices = p.problem.snapshot.devices;
                return array_of<std::int32_t>(devices.size(), [&](std::size_t d) {
                    return devices[d].medium;
                });
            });
        },
        "int32 array [device]: index of the medium that it shares; -1: none."
    );
    type.def_property_readonly(
        "media",
        [](PythonProblem& p) {
            return cached(p, "media", [&]() -> py::object {
                const auto& media = p.problem.snapshot.media;
                return array_of<Rate>(media.size(), [&](std::size_t m) { return media[m]; });
            });
        },
        "int64 array [medium]: bytes/s that its members share."
    );
}

void add_links_and_more(ProblemClass& type) {
    type.def_property_readonly(
        "bandwidth",
        [](PythonProblem& p) {
            return cached(p, "bandwidth", [&] {
                return link_matrix(p.problem.snapshot, &Snapshot::Link::bandwidth, kUnlimited);
            });
        },
        "int64 array [from, to]: bytes/s of each link; headroom.UNLIMITED on the diagonal."
    );
    type.def_property_readonly(
        "latency",
        [](PythonProblem& p) {
            return cached(p, "latency", [&] {
                return link_matrix(p.problem.snapshot, &Snapshot::Link::latency, 0);
            });
        },
        "int64 array [from, to]: ns from the end of sending to the arrival; 0 on the diagonal."
    );
    type.def_property_readonly(
        "safe_memory",
        [](PythonProblem& p) {
            return cached(p, "safe_memory", [&]() -> py::object {
                const auto& safe = p.problem.safe_memory;
                return safe.empty()
                           ? device_column(p.problem.snapshot, &Snapshot::Device::memory)
                           : array_of<Rate>(safe.size(), [&](std::size_t d) { return safe[d]; });
            });
        },
        "int64 array [device]: bytes that it probably keeps; a placement may need more."
    );
    type.def_property_readonly(
        "previous",
        [](PythonProblem& p) {
            return cached(p, "previous", [&]() -> py::object {
                return p.problem.previous ? py::object(placement_array(*p.problem.previous))
                                          : py::none();
            });
        },
        "int32 array [block]: the device of each block now; None at the first decision."
    );
}

template <class Value>
void add_value(ProblemClass& type, const char* name, const Value& value, const char* doc) {
    type.def_property_readonly(
        name, [=](const PythonProblem& p) { return value(p.problem); }, doc
    );
}

void add_values(ProblemClass& type) {
    using scheduler::Problem;
    add_value(
        type, "devices", [](const Problem& p) { return p.snapshot.size(); }, "Number of devices."
    );
    add_value(
        type,
        "source",
        [](const Problem& p) { return p.source.value; },
        "Device where prompts come in and text goes out."
    );
    add_value(
        type,
        "layers",
        [](const Problem& p) { return p.blocks->shape().layers; },
        "Number of layers of the model."
    );
    add_value(
        type,
        "context",
        [](const Problem& p) { return p.context; },
        "T: tokens of the longest sequence."
    );
    add_value(
        type,
        "interval",
        [](const Problem& p) { return p.interval; },
        "Lambda: decode steps until the next decision."
    );
    add_value(
        type,
        "horizon",
        [](const Problem& p) { return p.horizon(); },
        "T + lambda: the context for which memory must suffice."
    );
    add_value(
        type,
        "steps",
        [](const Problem& p) { return p.steps(); },
        "Steps within which a migration must pay off."
    );
}

void add_settings(ProblemClass& type) {
    using scheduler::Problem;
    add_value(
        type,
        "in_flight",
        [](const Problem& p) { return p.in_flight(); },
        "Number of sequences in flight."
    );
    add_value(
        type,
        "batch",
        [](const Problem& p) { return p.batch; },
        "Sequences computed together; 0: each decision chooses."
    );
    add_value(
        type,
        "buffers",
        [](const Problem& p) { return p.buffers; },
        "Bytes of buffers on each device that has a block."
    );
    add_value(
        type, "clock_ns", [](const Problem& p) { return p.snapshot.at; }, "Virtual time in ns."
    );
    add_value(
        type,
        "objective",
        [](const Problem& p) {
            return p.aim == scheduler::Aim::latency ? "latency" : "throughput";
        },
        "'latency' or 'throughput': what is minimised together with the time to migrate."
    );
    add_value(
        type,
        "cost_profile",
        [](const Problem& p) {
            return p.cost_profile == scheduler::CostProfile::paper ? "paper" : "physical";
        },
        "'physical', or 'paper' for the published formulas."
    );
    add_value(
        type,
        "weights_everywhere",
        [](const Problem& p) { return p.weights_everywhere; },
        "Whether every device has all weights in its storage, so that only caches are sent."
    );
    add_value(
        type, "epoch", [](const Problem& p) { return p.epoch; }, "Number of the placement in force."
    );
    add_value(
        type, "seed", [](const Problem& p) { return p.seed; }, "The scenario's seed."
    );
}

} // namespace

void define_problem(py::module_& module) {
    ProblemClass type(
        module,
        "Problem",
        "What a policy decides: blocks, devices, links and the previous placement. Arrays are\n"
        "read-only, and a problem never changes, so a policy may keep it."
    );
    add_blocks(type);
    add_devices(type);
    add_rates_and_media(type);
    add_links_and_more(type);
    add_values(type);
    add_settings(type);
    type.def("__len__", [](const PythonProblem& p) { return p.blocks->size(); });
    type.def("__repr__", &text_of);
    type.def(
        "with_",
        &with_changes,
        "with_(**changes) -> Problem: the problem with other rates or another previous placement.\n"
        "Keys: compute, memory, memory_bandwidth, storage_bandwidth, egress, ingress,\n"
        "operation_overhead, message_overhead [device]; bandwidth, latency [from, to];\n"
        "media [medium]; previous [block] or None. `rates` stay as they are."
    );
}

} // namespace headroom::python
