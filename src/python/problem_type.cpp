#include "python/problem_type.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>
#include <pybind11/stl.h>

#include "base/error.hpp"
#include "python/arrays.hpp"
#include "python/decider.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::python {

scheduler::Placement checked_placement(
    const scheduler::Blocks& blocks, std::size_t devices, py::handle object
) {
    scheduler::Placement placement;
    try {
        placement = placement_of(object, "the placement is");
    } catch (const std::invalid_argument& error) {
        throw InputError(error.what());
    }
    if (placement.size() != blocks.size()) {
        throw InputError(fmt::format(
            "the placement has {} devices, expected one for each of the {} blocks",
            placement.size(),
            blocks.size()
        ));
    }
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (!placement[i].valid() || placement[i].index() >= devices) {
            throw InputError(fmt::format(
                "the placement has {} on device {}, expected a device from 0 to {}",
                to_string(blocks.name(BlockId(i))),
                placement[i].value,
                devices - 1
            ));
        }
    }
    return placement;
}

namespace {

using scheduler::Snapshot;

/// Returns problem.arrays[name], which `make` makes when it is asked for the first time.
py::object cached(
    PythonProblem& problem, const char* name, const std::function<py::object()>& make
) {
    if (!problem.arrays.contains(name)) {
        problem.arrays[name] = make();
    }
    return problem.arrays[name];
}

py::object table_of_blocks(const PythonProblem& in) {
    const scheduler::Blocks& blocks = *in.blocks;
    const scheduler::Problem& problem = in.problem;
    const std::size_t size = blocks.size();
    const std::int64_t context = problem.memory_context();
    const std::int64_t first = problem.horizon() - 1;
    // A tied lm_head that is pinned beside embed uses the matrix of embed.
    const bool shares = blocks.shape().tied && problem.ends_at_source;
    const auto weights = [&](std::size_t i) {
        const BlockId b(i);
        const bool shared = shares && blocks.name(b).kind == BlockKind::lm_head;
        return (shared ? 0 : blocks.matrix_bytes(b)) + blocks.norm_bytes(b);
    };
    const auto cache = [&](std::size_t i) { return blocks.cache_bytes(BlockId(i), context); };
    const auto name = [&](std::size_t i) { return blocks.name(BlockId(i)); };
    return table_of({
        {"name", names_array(size, [&](std::size_t i) { return to_string(name(i)); })},
        {"kind", names_array(size, [&](std::size_t i) { return name_of(name(i).kind); })},
        {"layer", array_of<std::int32_t>(size, [&](std::size_t i) { return name(i).layer; })},
        {"group", array_of<std::int32_t>(size, [&](std::size_t i) { return name(i).group; })},
        {"pinned",
         array_of<bool>(size, [&](std::size_t i) { return problem.is_pinned(BlockId(i)); })},
        {"flops",
         array_of<std::int64_t>(
             size, [&](std::size_t i) { return blocks.flops(BlockId(i), first, 1); }
         )},
        {"touched_bytes",
         array_of<std::int64_t>(
             size, [&](std::size_t i) { return blocks.touched_bytes(BlockId(i), first, 1); }
         )},
        {"weight_bytes", array_of<std::int64_t>(size, weights)},
        {"cache_bytes", array_of<std::int64_t>(size, cache)},
        {"resident_bytes",
         array_of<std::int64_t>(size, [&](std::size_t i) { return weights(i) + cache(i); })},
        {"moved_cache_bytes",
         array_of<std::int64_t>(
             size, [&](std::size_t i) { return blocks.cache_row_bytes(BlockId(i), problem.rows); }
         )},
    });
}

py::object sequence_table(const scheduler::Problem& problem) {
    const auto& all = problem.sequences;
    const auto column = [&](const auto& value) {
        return array_of<std::int64_t>(all.size(), [&](std::size_t i) { return value(all[i]); });
    };
    using scheduler::InFlight;
    return table_of({
        {"context", column([](const InFlight& s) { return s.context; })},
        {"rows", column([](const InFlight& s) { return s.rows; })},
        {"prompt_rows", column([](const InFlight& s) { return s.prompt.rows; })},
        {"prompt_remaining", column([](const InFlight& s) { return s.prompt.remaining; })},
        {"prompt_max_new_tokens",
         column([](const InFlight& s) { return s.prompt.max_new_tokens; })},
    });
}

/// Returns a read-only matrix [from][to] of a member of the links; `diagonal` on its diagonal.
py::object link_matrix(
    const Snapshot& snapshot, std::int64_t Snapshot::Link::*member, std::int64_t diagonal
) {
    const std::size_t n = snapshot.size();
    const py::array flat = array_of<std::int64_t>(n * n, [&](std::size_t pair) {
        return pair / n == pair % n ? diagonal : snapshot.link_at(pair).*member;
    });
    return flat.attr("reshape")(n, n);
}

py::object device_column(const Snapshot& snapshot, std::int64_t Snapshot::Device::*member) {
    return array_of<std::int64_t>(snapshot.size(), [&](std::size_t d) {
        return snapshot.devices[d].*member;
    });
}

PythonDecision evaluate(
    const std::shared_ptr<PythonProblem>& problem, py::handle placement, std::int64_t batch
) {
    PythonDecision result;
    result.decision = scheduler::evaluate(
        problem->problem,
        checked_placement(*problem->blocks, problem->problem.snapshot.size(), placement),
        batch
    );
    result.objective_s = scheduler::objective(problem->problem, result.decision);
    result.unchecked = problem;
    return result;
}

std::vector<std::string> validate(const PythonProblem& problem, py::handle placement) {
    try {
        scheduler::Placement devices = placement_of(placement, "the placement is");
        return scheduler::validate(problem.problem, devices).problems;
    } catch (const std::invalid_argument& error) {
        return {error.what()};
    }
}

/// Returns the mean time of `count` evaluations, without Python, in ns.
double time_evaluate(const PythonProblem& problem, py::handle placement, std::int64_t count) {
    const scheduler::Placement devices =
        checked_placement(*problem.blocks, problem.problem.snapshot.size(), placement);
    const auto begin = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < count; ++i) {
        const scheduler::Decision decision = scheduler::evaluate(problem.problem, devices);
        if (scheduler::objective(problem.problem, decision) < 0) {
            throw InputError("a negative objective");
        }
    }
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    return taken.count() / static_cast<double>(count);
}

/// Asks a policy of the program, which `name` names, or a callable of Python.
PythonDecision decide(
    const PythonProblem& in,
    const py::object& callable,
    const std::string& name,
    const std::string& version
) {
    const Decider decider(callable, name, version);
    scheduler::Problem problem = in.problem;
    problem.stop = InterruptWatch::check;
    PythonDecision result;
    result.decision =
        without_lock([&] { return scheduler::decide(decider.policy(), problem); }, decider);
    result.policy = name;
    result.explanation = scheduler::explanation_text(result.decision.why);
    result.objective_s = result.decision.feasible ? scheduler::objective(problem, result.decision)
                                                  : std::numeric_limits<double>::infinity();
    return result;
}

using Rate = std::int64_t;

std::vector<Rate> numbers_of(py::handle object, const char* name, std::size_t size) {
    const auto array = py::array_t<Rate, py::array::c_style | py::array::forcecast>::ensure(object);
    if (!array || static_cast<std::size_t>(array.size()) != size) {
        PyErr_Clear();
        throw InputError(fmt::format("{}: expected {} integers", name, size));
    }
    std::vector<Rate> numbers(array.data(), array.data() + size);
    for (const Rate number : numbers) {
        if (number < 0) {
            throw InputError(fmt::format("{}: {} is negative, expected at least 0", name, number));
        }
    }
    return numbers;
}

/// Writes every pair of the snapshot's links out, so that single links can change.
void fill_links(Snapshot& snapshot) {
    std::vector<Snapshot::Link> all;
    for (std::size_t pair = 0; pair < snapshot.size() * snapshot.size(); ++pair) {
        all.push_back(snapshot.link_at(pair));
    }
    snapshot.links = std::move(all);
}

std::shared_ptr<PythonProblem> with_changes(const PythonProblem& in, const py::kwargs& changes) {
    auto changed = owned_problem(in.problem, in.blocks);
    Snapshot& snapshot = changed->problem.snapshot;
    const std::vector<std::pair<std::string, Rate Snapshot::Device::*>> rates{
        {"compute", &Snapshot::Device::compute},
        {"memory", &Snapshot::Device::memory},
        {"memory_bandwidth", &Snapshot::Device::memory_bandwidth},
        {"storage_bandwidth", &Snapshot::Device::storage_bandwidth},
        {"egress", &Snapshot::Device::egress},
        {"ingress", &Snapshot::Device::ingress}};
    const std::size_t n = snapshot.size();
    for (const auto& [key, value] : changes) {
        const auto name = key.cast<std::string>();
        const auto rate = std::ranges::find(rates, name, [](const auto& of) { return of.first; });
        if (rate != rates.end()) {
            const std::vector<Rate> numbers = numbers_of(value, name.c_str(), n);
            for (std::size_t d = 0; d < n; ++d) {
                snapshot.devices[d].*(rate->second) = numbers[d];
            }
        } else if (name == "bandwidth" || name == "latency") {
            const std::vector<Rate> numbers = numbers_of(value, name.c_str(), n * n);
            fill_links(snapshot);
            for (std::size_t pair = 0; pair < n * n; ++pair) {
                Snapshot::Link& link = snapshot.links[pair];
                (name == "latency" ? link.latency : link.bandwidth) = numbers[pair];
            }
        } else if (name == "previous") {
            changed->problem.previous.reset();
            if (!value.is_none()) {
                changed->problem.previous = checked_placement(*in.blocks, n, value);
            }
        } else {
            throw InputError(fmt::format(
                "{}: cannot be changed, expected compute, memory, memory_bandwidth, "
                "storage_bandwidth, egress, ingress, bandwidth, latency or previous",
                name
            ));
        }
    }
    return changed;
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
    add_links_and_more(type);
    add_values(type);
    add_settings(type);
    type.def("__len__", [](const PythonProblem& p) { return p.blocks->size(); });
    type.def("__repr__", &text_of);
    type.def(
        "with_",
        &with_changes,
        "with_(**changes) -> Problem: the problem with other rates or another previous placement.\n"
        "Keys: compute, memory, memory_bandwidth, storage_bandwidth, egress, ingress [device];\n"
        "bandwidth, latency [from, to]; previous [block] or None."
    );
    module.def("evaluate", &evaluate, py::arg("problem"), py::arg("placement"), py::arg("batch"));
    module.def("validate", &validate, py::arg("problem"), py::arg("placement"));
    module.def(
        "decide",
        &decide,
        py::arg("problem"),
        py::arg("callable"),
        py::arg("name"),
        py::arg("version")
    );
    module.def(
        "time_evaluate", &time_evaluate, py::arg("problem"), py::arg("placement"), py::arg("count")
    );
}

namespace {

using DecisionClass = py::class_<PythonDecision>;

bool is_feasible(PythonDecision& in) {
    if (in.unchecked) {
        in.decision.feasible =
            scheduler::validate(in.unchecked->problem, in.decision.placement).ok();
        in.unchecked.reset();
    }
    return in.decision.feasible;
}

py::object placement_in(PythonDecision& in) {
    if (in.placement.is_none() && !in.decision.placement.empty()) {
        in.placement = placement_array(in.decision.placement);
    }
    return in.placement;
}

py::object number_or_none(const std::optional<double>& number) {
    return number ? py::object(py::float_(*number)) : py::none();
}

void add_results(DecisionClass& type) {
    type.def_property_readonly(
        "placement",
        &placement_in,
        "int32 array [block]: the device of each block; None if there is none."
    );
    type.def_property_readonly(
        "feasible", &is_feasible, "Whether the placement fits, as headroom.validate() finds."
    );
    type.def_readonly("policy", &PythonDecision::policy, "Name of the policy; '' for evaluate().");
    type.def_readonly(
        "explanation", &PythonDecision::explanation, "Why, in one sentence; '' for evaluate()."
    );
    type.def_readonly(
        "objective_s",
        &PythonDecision::objective_s,
        "What policies minimise, in s: migration_ns + problem.steps * inference_ns (or with\n"
        "objective 'throughput' the time of a round); inf: never ends."
    );
    const auto value = [&](const char* name, auto scheduler::Decision::*member, const char* doc) {
        type.def_property_readonly(
            name, [=](const PythonDecision& d) { return d.decision.*member; }, doc
        );
    };
    using scheduler::Decision;
    value(
        "inference_ns",
        &Decision::inference,
        "D_inf: virtual time of a decode step in ns; headroom.NEVER: it does not end."
    );
    value("migration_ns", &Decision::migration, "D_mig: time to migrate in ns; 0: nothing moves.");
    value("round_ns", &Decision::round, "Time of one step of every sequence in flight, in ns.");
    value("prompts_ns", &Decision::prompts, "Time that pending prompts take in all, in ns.");
    value("batch", &Decision::batch, "Number of sequences computed together.");
    value(
        "paper_delay_s", &Decision::paper_delay_s, "A step's time by the published formula, in s."
    );
    value(
        "paper_migration_s", &Decision::paper_migration_s, "The published time to migrate, in s."
    );
    value("evaluations", &Decision::evaluations, "Candidates or nodes that the policy looked at.");
    value("proven", &Decision::proven, "Whether no placement is better (policy 'exact').");
    type.def_property_readonly(
        "bound_s",
        [](const PythonDecision& d) { return number_or_none(d.decision.bound); },
        "Lower bound of every placement's objective in s, or None (policy 'exact')."
    );
}

} // namespace

void define_decision(py::module_& module) {
    DecisionClass type(module, "Decision", "A placement with its predicted times.");
    add_results(type);
    type.def_readonly(
        "devices",
        &PythonDecision::devices,
        "Structured array [device] of plan(): blocks, resident_bytes, buffer_bytes, budget_bytes;\n"
        "else None."
    );
    type.def_readonly(
        "moves",
        &PythonDecision::moves,
        "Structured array [move] of plan(): block, from, to, bytes, loaded_bytes, start and end\n"
        "in ns since the decision; else None."
    );
    type.def_readonly(
        "gap", &PythonDecision::gap, "objective_s / bound - 1 in plan(), or None: no bound."
    );
    type.def("__repr__", [](PythonDecision& d) {
        return fmt::format(
            "<headroom.Decision{}{}: {}>",
            d.policy.empty() ? "" : " of ",
            d.policy,
            d.decision.placement.empty() ? d.explanation
                                         : fmt::format(
                                               "{} per step, {} to migrate{}",
                                               format_duration(d.decision.inference),
                                               format_duration(d.decision.migration),
                                               is_feasible(d) ? "" : ", does not fit"
                                           )
        );
    });
}

} // namespace headroom::python
