// Reads a trace and computes its first decision again, with nothing but the installed libraries,
// and lets the policy of a shared library decide, too. Prints JSON, which package_test.py compares
// with what the program says.
// usage: package_user TRACE CONTEXT INTERVAL STEPS LIBRARY
// CONTEXT, INTERVAL and STEPS are numbers that `headroom plan --json` prints.
#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <exception>
#include <headroom/kernels.hpp>
#include <headroom/policy_plugin.hpp>
#include <headroom/scheduler.hpp>
#include <headroom/trace.hpp>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

using namespace headroom;

namespace {

PerSecond rate_of(std::int64_t recorded) {
    return recorded < 0 ? kUnlimited : recorded;
}

/// Returns the problem of a run's first decision. All of its links are the same.
scheduler::Problem first_problem(const trace::RunHeader& header, const scheduler::Blocks& blocks) {
    scheduler::Problem problem;
    problem.blocks = &blocks;
    for (std::size_t d = 0; d < header.devices.size(); ++d) {
        const trace::DeviceRow& row = header.devices[d];
        scheduler::Snapshot::Device device;
        device.compute = row.compute_flop_per_s;
        device.memory = row.memory_bytes;
        device.memory_bandwidth = rate_of(row.memory_bandwidth_bytes_per_s);
        problem.snapshot.devices.push_back(device);
        problem.buffers = row.buffer_bytes;
        if (row.is_source != 0) {
            problem.source = DeviceId(d);
        }
    }
    const trace::LinkRow& link = header.links.at(0);
    problem.snapshot.default_link = {rate_of(link.bandwidth_bytes_per_s), link.latency_ns};
    problem.snapshot.links.assign(
        header.devices.size() * header.devices.size(), problem.snapshot.default_link
    );
    problem.ends_at_source = true;
    return problem;
}

double dot_product() {
    const std::array<float, 4> w{1, 2, 3, 4};
    const std::array<float, 4> x{5, 6, 7, 8};
    float y = 0;
    const kernels::Matrix row{
        WeightType::f32, reinterpret_cast<const std::byte*>(w.data()), 1, w.size()};
    kernels::kernels_for(kernels::best_level()).multiply(row, x.data(), x.size(), 1, &y, 1);
    return static_cast<double>(y);
}

/// Returns a function of a shared library.
template <class Function>
Function* function_of(void* library, const char* name) {
    void* const found = library == nullptr ? nullptr : dlsym(library, name);
    if (found == nullptr) {
        throw std::runtime_error(dlerror());
    }
    return reinterpret_cast<Function*>(found);
}

/// Returns the decision of the policy in a shared library.
scheduler::Decision decision_of(const char* path, const scheduler::Problem& problem) {
    void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const std::string abi =
        function_of<decltype(headroom_plugin_abi)>(library, "headroom_plugin_abi")();
    if (abi != plugin_abi()) {
        throw std::runtime_error("the library has " + abi + ", expected " + plugin_abi());
    }
    const std::unique_ptr<PolicyPlugin> plugin(
        function_of<decltype(headroom_plugin_open)>(library, "headroom_plugin_open")("")
    );
    const scheduler::CustomPolicy policy(plugin->name(), "1", [&](const scheduler::Problem& asked) {
        return plugin->place(asked);
    });
    return decide(policy, problem);
}

void print(const scheduler::Problem& problem, scheduler::Decision decision, const char* name) {
    std::cout << '"' << name << "\": {\"inference_ns\": " << decision.inference
              << ", \"feasible\": " << validate(problem, decision.placement).ok()
              << ", \"objective_s\": " << objective(problem, decision) << ", \"placement\": [";
    for (std::size_t b = 0; b < decision.placement.size(); ++b) {
        std::cout << (b > 0 ? ", " : "") << decision.placement[b].value;
    }
    std::cout << "]}, ";
}

void print_all(char** words) {
    const trace::Trace trace = trace::open_trace(words[1]).trace;
    const scheduler::Blocks blocks(trace::recorded_shape(trace.header));
    scheduler::Problem problem = first_problem(trace.header, blocks);
    problem.interval = std::stoll(words[3]);
    problem.context = std::stoll(words[2]) - problem.interval; // T
    problem.look_ahead = std::stoll(words[4]);

    scheduler::Placement recorded;
    for (const std::int32_t device : trace.intervals.at(0).placement) {
        recorded.emplace_back(device);
    }
    std::cout.precision(17);
    std::cout << '{';
    print(problem, evaluate(problem, recorded), "recorded");
    for (const char* name : {"greedy", "resource_aware"}) {
        const auto policy = scheduler::make_policy(scheduler::policy_named(name).value());
        print(problem, decide(*policy, problem), name);
    }
    print(problem, decision_of(words[5], problem), "my_policy");
    const trace::Summary summary = trace::summary_of(trace);
    std::cout << "\"sampled_tokens\": " << summary.sampled_tokens
              << ", \"virtual_time_ns\": " << summary.end << ", \"kernels\": \""
              << kernels::name_of(kernels::best_level()) << "\", \"dot\": " << dot_product()
              << "}\n";
}

} // namespace

int main(int count, char** words) {
    if (count != 6) {
        std::cerr << "usage: package_user TRACE CONTEXT INTERVAL STEPS LIBRARY\n";
        return 2;
    }
    try {
        print_all(words);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
