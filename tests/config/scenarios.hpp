// Scenario texts for the tests of this room, and functions that return their problems.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::config {

/// The file name in the error messages of these texts.
inline constexpr std::string_view kFile = "dir/s.toml";

/// The required keys of a scenario, without the model. It has eleven lines; with kModel before it,
/// the text that a test adds begins in line 13.
inline constexpr std::string_view kSmall = R"([[device]]
name = "a"
compute = "1 GFLOP/s"
memory = "1 MiB"
[[device]]
name = "b"
compute = "2 GFLOP/s"
memory = "2 MiB"
[network]
bandwidth = "8 Mbit/s"
latency = "1 ms"
)";

inline constexpr std::string_view kModel = "model.file = \"m.gguf\"\n";

/// Every key, except those of planned features, with a value other than the default.
inline constexpr std::string_view kEverything = R"(
seed = 11
[model]
file = "../models/m.gguf"
context = 4096
kv_type = "bf16"
[workload]
prompts = ["Ein \"Satz\"\n\tmit \\ Umlaut: ä\u0007", "", "noch einer"]
repeat = 2
tokens = [3, 5, 1]
stop_at_eos = false
sequences = 4
prefill_chunk = 16
arrivals = { poisson = 2.5, seed = 3 }
temperature = 0.7
top_k = 40
top_p = 0.9
min_p = 0.05
[controller]
policy = "greedy"
placement = { hub = "L0-L1", phone-2 = "L2.g0-L2.g3", phone-3 = "L2.proj, L2.ffn" }
interval = 4
granularity = "paper"
cost_profile = "paper"
t_budget = "1.5 s"
migration = "stop"
weights = "everywhere"
overload = "fail"
objective = "latency"
batch = 2
[controller.paper]
gather = "max"
score = "weighted"
backtracks = 17
[clock]
mode = "paced"
scale = 0.25
[fleet]
compute_scale = 0.0001
memory_scale = 0.003
bandwidth_scale = 2
latency_scale = 1e-1
[[device]]
name = "hub"
compute = "3.5 TFLOP/s"
memory = "4 GiB"
memory_bandwidth = "12 GB/s"
storage_bandwidth = "300 MB/s"
egress = "1 Gbit/s"
ingress = "500 Mbit/s"
operation_overhead = "20 us"
message_overhead = "0.5 ms"
load = { kind = "steps", at = ["0 s", "2.5 s"], value = [0.0, 0.5] }
memory_load = 0.1
[device.rates.q8_0]
memory_bandwidth = "11 GB/s"
[device.rates.q4_0]
compute = "5 TFLOP/s"
memory_bandwidth = "10 GB/s"
prefill_compute = "7 TFLOP/s"
[[device]]
name = "phone"
count = 3
compute = "100 GFLOP/s"
memory = "1 GB"
storage_bandwidth = "90 MB/s"
load = { kind = "uniform", low = 0.05, high = 0.3, period = "1 s" }
memory_load = { kind = "walk", low = 0.0, high = 0.5, step = 0.01, period = "20 ms" }
[[device]]
profile = "mac-mini-m2"
compute = "1 TFLOP/s"
memory = "2 GB"
storage_bandwidth = "1 GB/s"
source = true
[network]
preset = "wifi-6"
bandwidth = "100 Mbit/s"
latency = "2 ms"
variation = { kind = "walk", low = 0.1, high = 0.2, step = 0.05, period = "1 s" }
loss = 0.01
retransmit_timeout = "200 ms"
[network.jitter]
kind = "walk"
low = "1 ms"
high = "9 ms"
step = "2 ms"
period = "1 s"
[[network.medium]]
members = ["phone-1", 2]
capacity = "200 Mbit/s"
[[network.medium]]
members = [4, "phone-3"]
capacity = "300 Mbit/s"
[[network.link]]
from = "hub"
to = "phone-1"
bandwidth = "1 Gbit/s"
[[network.link]]
from = "phone-3"
to = 0
latency = "7 ms"
both = false
[[event]]
at = "3 s"
device = "hub"
kind = "compute"
factor = 0.25
[[event]]
at_token = 40
device = 2
kind = "storage_bandwidth"
factor = 0
[[event]]
at = "1.5 s"
link = ["phone-1", "hub"]
kind = "latency"
factor = 12.5
)";

/// Returns all problems of a text; none if it is valid.
inline std::vector<std::string> problems_of(
    const std::string& text, const Overrides& overrides = {}
) {
    try {
        (void)parse_scenario(text, kFile, overrides);
        return {};
    } catch (const InputError& error) {
        return error.problems();
    }
}

inline Scenario read(const std::string& text, const Overrides& overrides = {}) {
    return parse_scenario(text, kFile, overrides);
}

/// Returns a scenario of two devices with more text at its end.
inline std::string small_with(std::string_view more) {
    return std::string(kModel) + std::string(kSmall) + std::string(more);
}

/// Returns kSmall with one more line at the end of its second device (line 10).
inline std::string in_device(std::string_view line) {
    std::string text = small_with("");
    return text.insert(text.find("[network]"), std::string(line) + "\n");
}

} // namespace headroom::config
