#include "python/problem/problem_changes.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pybind11/numpy.h>

#include "base/error.hpp"
#include "python/problem/evaluation.hpp"

namespace headroom::python {
namespace {

using scheduler::Snapshot;
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

} // namespace

std::shared_ptr<PythonProblem> with_changes(const PythonProblem& in, const py::kwargs& changes) {
    auto changed = owned_problem(in.problem, in.blocks);
    Snapshot& snapshot = changed->problem.snapshot;
    const std::vector<std::pair<std::string, Rate Snapshot::Device::*>> rates{
        {"compute", &Snapshot::Device::compute},
        {"memory", &Snapshot::Device::memory},
        {"memory_bandwidth", &Snapshot::Device::memory_bandwidth},
        {"storage_bandwidth", &Snapshot::Device::storage_bandwidth},
        {"egress", &Snapshot::Device::egress},
        {"ingress", &Snapshot::Device::ingress},
        {"operation_overhead", &Snapshot::Device::operation_overhead},
        {"message_overhead", &Snapshot::Device::message_overhead}};
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
        } else if (name == "media") {
            snapshot.media = numbers_of(value, name.c_str(), snapshot.media.size());
        } else if (name == "previous") {
            changed->problem.previous.reset();
            if (!value.is_none()) {
                changed->problem.previous = checked_placement(*in.blocks, n, value);
            }
        } else {
            throw InputError(fmt::format(
                "{}: cannot be changed, expected compute, memory, memory_bandwidth, "
                "storage_bandwidth, egress, ingress, operation_overhead, message_overhead, "
                "bandwidth, latency, media or previous",
                name
            ));
        }
    }
    return changed;
}

} // namespace headroom::python
