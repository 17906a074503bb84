// Mistakes in scenarios: each error says what is wrong, where, and what to do instead.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Wrong {
    std::string text;
    std::vector<std::string> fragments; ///< parts of the only problem
};

std::string replaced(std::string_view from, std::string_view to) {
    std::string text = small_with("");
    return text.replace(text.find(from), from.size(), to);
}

std::string with_event(std::string_view lines) {
    return small_with("[[event]]\n" + std::string(lines));
}

std::vector<Wrong> wrong_syntax_and_keys() {
    return {
        {"seed = = 2", {"dir/s.toml:1:8: ", "value"}},
        {"seed = 1\nseed = 2", {"dir/s.toml:2:", "cannot redefine existing integer 'seed'"}},
        {"a = \"\xFF\"", {"dir/s.toml:1:", "utf-8"}},
        {"sed = 1\n" + small_with(""),
         {"dir/s.toml:1:1: unknown key 'sed' in the top level; did you mean 'seed'?"}},
        {in_device("memroy = 1"),
         {"dir/s.toml:10:1: unknown key 'memroy' in [[device]]; did you mean 'memory'?"}},
        {in_device("colour = 1"),
         {":10:1: unknown key 'colour' in [[device]]; known are ", "egress"}},
        {small_with("latncy = 1"),
         {":13:1: unknown key 'latncy' in [network]; did you mean 'latency'?"}},
        {small_with("[workload]\ntoken = 1"), {"'token' in [workload]", "'tokens'"}},
        {small_with("[controller]\nintervall = 1"), {"in [controller]", "'interval'"}},
        {small_with("[clock]\nspeed = 1"),
         {"unknown key 'speed' in [clock]; known are mode, scale"}},
        {small_with("[fleet]\ncomputescale = 1"), {"in [fleet]", "'compute_scale'"}},
        {in_device("load = { kind = \"uniform\", low = 0.1, high = 0.2, period = \"1 s\", lo = 1 }"
         ),
         {"unknown key 'lo' in device.1.load; did you mean 'low'?"}},
        {small_with("[[event]]\nat = 0\ndevice = 0\nkind = \"compute\"\nfactr = 1\nfactor = 1"),
         {"unknown key 'factr' in [[event]]; did you mean 'factor'?"}},
    };
}

std::vector<Wrong> wrong_types_and_ranges() {
    return {
        {replaced("\"2 MiB\"", "\"4 GHz\""),
         {"dir/s.toml:9:10: device.1.memory: expected a number of bytes with a unit such as "
          "\"4 GiB\"",
          "found \"4 GHz\""}},
        {replaced("\"2 MiB\"", "\"-4 GiB\""), {"device.1.memory", "not negative", "\"-4 GiB\""}},
        {replaced("\"2 MiB\"", "4"),
         {"with a unit", "found 4 (write the number and its unit in quotes)"}},
        {replaced("\"2 MiB\"", "4.5"), {"found 4.5 (write"}},
        {replaced("\"2 MiB\"", "\"0 B\""), {"expected at least 1 B; found \"0 B\""}},
        {replaced("\"2 MiB\"", "\"0.5 B\""), {"expected at least 1 B; found \"0.5 B\""}},
        {replaced("\"2 MiB\"", "\"9e30 GiB\""), {"expected at most 1e18 B"}},
        {replaced("\"2 MiB\"", "[1]"), {"a number of bytes", "found an array"}},
        {replaced("\"2 MiB\"", "1979-05-27"), {"found a date or time"}},
        {replaced("\"2 GFLOP/s\"", "\"2 Gbit/s\""),
         {"expected a computing speed", "\"30 GFLOP/s\""}},
        {replaced("\"2 GFLOP/s\"", "\"2 GFLOPS\""),
         {"dir/s.toml:8:11: device.1.compute: expected a computing speed with a unit such as "
          "\"30 GFLOP/s\"; found \"2 GFLOPS\"; did you mean \"2 GFLOP/s\"?"}},
        {replaced("\"8 Mbit/s\"", "\"8 gb/s\""),
         {"found \"8 gb/s\"; did you mean \"8 Gbit/s\" or \"8 GB/s\"?"}},
        {replaced("\"1 ms\"", "\"1 msec\""), {"found \"1 msec\"; did you mean \"1 ms\"?"}},
        {replaced("\"2 MiB\"", "\"2 Mib\""), {"found \"2 Mib\"; did you mean \"2 MiB\"?"}},
        {small_with("[controller]\ninterval = 24.0"),
         {"dir/s.toml:14:12: controller.interval: expected a whole number from 1 to 1000000000; "
          "found 24.0"}},
        {replaced("\"2 GFLOP/s\"", "\"0 FLOP/s\""),
         {"device.1.compute: expected at least 1 FLOP/s"}},
        {replaced("\"8 Mbit/s\"", "\"8 MiB\""),
         {"network.bandwidth: expected a data rate", "Mbit/s"}},
        {replaced("\"1 ms\"", "1"), {"network.latency: expected a duration", "\"2 ms\""}},
        {replaced("\"1 ms\"", "\"nan s\""), {"expected a duration"}},
        {replaced("\"1 ms\"", "inf"), {"expected a duration", "found inf"}},
        {"seed = -1\n" + small_with(""), {"dir/s.toml:1:8: seed: expected a whole number from 0"}},
        {"seed = 1.5\n" + small_with(""), {"seed: expected a whole number", "found 1.5"}},
        {small_with("[workload]\ntokens = 0"), {"workload.tokens", "from 1 to", "found 0"}},
        {small_with("[workload]\ntokens = \"many\""), {"whole number", "found \"many\""}},
        {small_with("[workload]\nstop_at_eos = 1"), {"expected true or false; found 1"}},
        {small_with("[workload]\ntemperature = -1"), {"workload.temperature", "from 0 up to"}},
        {small_with("[workload]\ntemperature = nan"), {"workload.temperature", "found nan"}},
        {small_with("[workload]\nprompts = \"x\""),
         {"expected an array of strings; found \"x\"; did you mean [\"x\"]?"}},
        {small_with("[workload]\nprompts = [1]"),
         {"workload.prompts.0: expected a string; found 1"}},
        {small_with("[workload]\nprompts = []"), {"workload.prompts is empty"}},
        {small_with("[workload]\nprompt_file = \"none.txt\""), {"cannot be opened: dir/none.txt"}},
        {small_with("[workload]\nprompt_file = \"/\""), {"names a directory"}},
        {small_with("[controller]\ninterval = 0"), {"controller.interval", "found 0"}},
        {small_with("[controller]\noverload = \"pge\""), {"did you mean \"page\"?"}},
        {small_with("[controller]\noverload = \"page\""),
         {"overload = \"page\" needs a storage_bandwidth on every device; without one: a, b"}},
        {in_device("storage_bandwidth = \"1 MB/s\"") + "[controller]\nweights = \"everywhere\"",
         {"controller.weights = \"everywhere\" needs a storage_bandwidth on every device; without "
          "one: a"}},
        {in_device("count = 9") + "[controller]\nweights = \"everywhere\"",
         {"without one: a, b-1, b-2, b-3, b-4, b-5, b-6, b-7 and 2 more"}},
        {small_with("[controller]\ncost_profile = \"papr\""), {"did you mean \"paper\"?"}},
        {small_with("[controller]\nt_budget = 1.0"), {"controller.t_budget: expected a duration"}},
        {small_with("[controller]\nt_budget = \"0 s\""), {"expected at least 1 ns"}},
        {small_with("[controller.paper]\ngather = \"avg\""),
         {"controller.paper.gather: expected \"sum\" or \"max\"; found \"avg\""}},
        {small_with("[controller.paper]\nscore = \"sum\""),
         {"controller.paper.score: expected \"max\" or \"weighted\"; found \"sum\""}},
        {small_with("[controller.paper]\nbacktracks = -1"), {"from 0 to 1000000000; found -1"}},
        {small_with("[controller.paper]\ngahter = \"sum\""),
         {"unknown key 'gahter' in [controller.paper]; did you mean 'gather'?"}},
        {small_with("[workload]\ntop_k = 40"),
         {"dir/s.toml:14:9: workload.top_k has no effect at temperature 0, where the likeliest "
          "token is always taken; give a temperature above 0"}},
        {small_with("[workload]\ntop_p = 0.5"), {"workload.top_p has no effect"}},
        {small_with("[workload]\nmin_p = 0.5\ntemperature = 0"), {"workload.min_p has no effect"}},
        {small_with("[workload]\nmin_p = 0.5\ntemperature = \"hot\""), {"workload.temperature"}},
        {small_with("[workload]\ntop_p = 0\ntemperature = 1"),
         {"workload.top_p: expected a number above 0 up to 1; found 0"}},
        {small_with("[workload]\nmin_p = 1.5\ntemperature = 1"),
         {"workload.min_p: expected a number from 0 up to 1; found 1.5"}},
        {small_with("[workload]\ntop_k = -1\ntemperature = 1"), {"workload.top_k", "found -1"}},
        {small_with("[workload]\ntop_k = 0\ntop_p = 1\nmin_p = 0"), {}}, // the defaults
        {small_with("[controller]\npolicy = \"greedyy\""), {"did you mean \"greedy\"?"}},
        {small_with("[controller]\npolicy = 3"), {"\"resource_aware\"", "found 3"}},
        {small_with("[clock]\nmode = \"fast\""),
         {"expected \"virtual\" or \"paced\"; found \"fast\""}},
        {small_with("[clock]\nscale = 0"), {"clock.scale: expected a number above 0"}},
        {small_with("[clock]\nscale = inf"), {"clock.scale", "found inf"}},
        {small_with("[fleet]\nmemory_scale = 0"),
         {"fleet.memory_scale: expected a decimal number above 0"}},
        {small_with("[fleet]\nmemory_scale = -0.5"), {"above 0"}},
        {small_with("[fleet]\nmemory_scale = nan"), {"above 0", "found nan"}},
        {small_with("[fleet]\nlatency_scale = 0.3333333333333333"), {"no part above 1e12"}},
        {small_with("[fleet]\nlatency_scale = \"1\""), {"a decimal number above 0", "found \"1\""}},
        {"network = 3\n" + std::string(kModel) +
             "[[device]]\ncompute = \"1 FLOP/s\"\nmemory = \"1 B\"",
         {"network: expected a table, written [network]; found 3"}},
        {std::string(kModel) + "[device]\ncompute = \"1 FLOP/s\"",
         {"dir/s.toml:2:1: device is one table; it is a list, each of it written [[device]]"}},
        {std::string(kModel) + "device = [1]", {"device.0: expected tables", "found 1"}},
        {std::string(kModel) + "[device]\nname = \"a\"\n[device]\nname = \"b\"",
         {"cannot redefine existing table 'device'",
          "; several are written [[device]], each of "
          "them"}},
        {small_with("[[link]]\nfrom = 0\nto = 1\nlatency = 0"),
         {"dir/s.toml:13:3: unknown key 'link' in the top level; a link that differs is written "
          "[[network.link]]"}},
        {small_with("[[links]]\nfrom = 0\nto = 1\nlatency = 0"), {"written [[network.link]]"}},
        {small_with("[paper]\nscore = \"max\""), {"written [controller.paper]"}},
        // A misspelt required key is one problem, not two.
        {replaced("compute = \"2 GFLOP/s\"", "comput = \"2 GFLOP/s\""),
         {"dir/s.toml:8:1: unknown key 'comput' in [[device]]; did you mean 'compute'?"}},
        {replaced("bandwidth = \"8 Mbit/s\"", "bandwith = \"8 Mbit/s\""),
         {"dir/s.toml:11:1: unknown key 'bandwith' in [network]; did you mean 'bandwidth'?"}},
        {std::string(kSmall) + "[modle]\nfile = \"m\"", {"did you mean 'model'?"}},
        {std::string(kSmall) + "[model]\nfiel = \"m\"", {"did you mean 'file'?"}},
        {std::string(kModel) + "[[devices]]\nprofile = \"raspberry-pi-4\"",
         {"unknown key 'devices' in the top level; did you mean 'device'?"}},
    };
}

std::vector<Wrong> wrong_requests() {
    const auto work = [](std::string_view lines) {
        return small_with("[workload]\n" + std::string(lines));
    };
    const std::string two = "prompts = [\"x\", \"y\"]\n";
    return {
        {work("sequences = 0"),
         {"dir/s.toml:14:13: workload.sequences: expected a whole number from 1 to 1000000; found "
          "0"}},
        {work("sequences = -2"), {"workload.sequences", "found -2"}},
        {work("sequences = \"all\""), {"workload.sequences", "found \"all\""}},
        {work("repeat = 0"), {"workload.repeat: expected a whole number from 1 to 1000000"}},
        {work("repeat = 1.5"), {"workload.repeat", "found 1.5"}},
        {work(two + "repeat = 500001"),
         {"dir/s.toml:15:10: workload.repeat: 500001 times 2 prompts are 1000002 requests; there "
          "may be 1000000"}},
        {work(two + "repeat = 500000"), {}},
        {work("prefill_chunk = 0"),
         {"workload.prefill_chunk: expected a whole number from 1 to 1000000000; found 0"}},
        {work("prefill_chunk = \"16\""), {"workload.prefill_chunk", "found \"16\""}},
        {work(two + "tokens = [1, 2, 3]"),
         {"dir/s.toml:15:10: workload.tokens has 3 numbers for 2 prompts; give one for each or a "
          "single number for all"}},
        {work("tokens = [1, 2]"), {"has 2 numbers for 1 prompt;"}},
        {work("tokens = []"), {"workload.tokens is empty; give a number for each prompt"}},
        {work(two + "tokens = [1, 0]"), {"workload.tokens.1: expected a whole number", "found 0"}},
        {work("tokens = [[1]]"), {"workload.tokens.0", "found an array"}},
        {work("batch = 2"),
         {"dir/s.toml:14:1: unknown key 'batch' in [workload]; it belongs to [controller]"}},
        {work("prompts = []\ntokens = [1, 2]\nrepeat = 3\narrivals = [0]"), {"prompts is empty"}},
        {work("repeat = 0\narrivals = [0, 0]"), {"workload.repeat", "found 0"}},
    };
}

std::vector<Wrong> wrong_arrivals() {
    const auto arrive = [](std::string_view value, std::string_view more = "") {
        return small_with(fmt::format("[workload]\narrivals = {}\n{}", value, more));
    };
    const std::string two = "prompts = [\"x\", \"y\"]";
    const std::string three = "prompts = [\"x\", \"y\", \"z\"]";
    const std::string rate = "how many prompts come per second on average, above 0 up to 1e9";
    return {
        {arrive("3"),
         {"dir/s.toml:14:12: workload.arrivals: expected \"at once\", a time for each request as "
          "in "
          "[\"0 s\", \"1.5 s\"] or { poisson = 0.5 }, the mean number per second; found 3"}},
        {arrive("true"), {"workload.arrivals: expected \"at once\"", "found true"}},
        {arrive("\"at_once\""), {"found \"at_once\"; did you mean \"at once\"?"}},
        {arrive("\"Poisson\""), {"found \"Poisson\"; did you mean { poisson = 0.5 }?"}},
        {arrive("\"2 s\""), {"found \"2 s\"; did you mean [\"2 s\"]?"}},
        {arrive("\"2 /s\""), {"did you mean { poisson = \"2 /s\" }?"}},
        {arrive("\"now\""), {"the mean number per second; found \"now\""}},
        {arrive("[\"0 s\"]", two),
         {"dir/s.toml:14:12: workload.arrivals has 1 time for 2 requests (prompts times repeat); "
          "give one for each or \"at once\""}},
        {arrive("[]"), {"workload.arrivals has 0 times for 1 request "}},
        {arrive("[0, 0]", two + "\nrepeat = 2"), {"has 2 times for 4 requests"}},
        {arrive("[0, \"2 s\", \"1999 ms\"]", three),
         {"dir/s.toml:14:23: workload.arrivals.2 = \"1999 ms\" is before workload.arrivals.1 = "
          "\"2 s\"; the times go with the prompts in their order and must not fall"}},
        {arrive("[\"1 s\", 0]", two), {"workload.arrivals.1 = 0 is before workload.arrivals.0"}},
        {arrive("[\"2 s\", \"2 s\"]", two), {}},
        {arrive("[\"-1 s\"]"), {"workload.arrivals.0: expected a value that is not negative"}},
        {arrive("[1.5]"),
         {"workload.arrivals.0: expected a duration with a unit",
          "found 1.5 (write the number and its "
          "unit in quotes)"}},
        {arrive("[\"1 sec\"]"), {"did you mean \"1 s\"?"}},
        {arrive("[\"1e10 s\"]"), {"expected at most 1e18 ns"}},
        {arrive("{}"), {"workload.arrivals.poisson is missing; give how many prompts come"}},
        {arrive("{ seed = 3 }"), {"workload.arrivals.poisson is missing"}},
        {arrive("{ poison = 3 }"),
         {"unknown key 'poison' in workload.arrivals; did you mean 'poisson'?"}},
        {arrive("{ poisson = 1, rate = 3 }"), {"unknown key 'rate' in workload.arrivals"}},
        {arrive("{ poisson = 0 }"),
         {"dir/s.toml:14:24: workload.arrivals.poisson: expected " + rate, "found 0"}},
        {arrive("{ poisson = -0.5 }"), {rate, "found -0.5"}},
        {arrive("{ poisson = nan }"), {rate, "found nan"}},
        {arrive("{ poisson = inf }"), {rate, "found inf"}},
        {arrive("{ poisson = 1.1e9 }"), {rate, "found 1.1e+09"}},
        {arrive("{ poisson = \"0 /s\" }"), {rate, "found \"0 /s\""}},
        {arrive("{ poisson = \"2 per second\" }"),
         {"such as 0.5, \"0.5 /s\" or \"30 /min\"; found \"2 per second\"; did you mean \"2 "
          "/s\"?"}},
        {arrive("{ poisson = \"often\" }"), {rate, "found \"often\""}},
        {arrive("{ poisson = [1] }"), {rate, "found an array"}},
        {arrive("{ poisson = 1, seed = -1 }"), {"workload.arrivals.seed: expected a whole number"}},
    };
}

std::vector<Wrong> wrong_objectives_and_batches() {
    const auto four = [](std::string_view lines) {
        return small_with("[workload]\nsequences = 4\n[controller]\n" + std::string(lines));
    };
    return {
        {four("objective = \"speed\""),
         {"dir/s.toml:16:13: controller.objective: expected \"latency\" or \"throughput\"; found "
          "\"speed\""}},
        {four("objective = \"throughputt\""), {"did you mean \"throughput\"?"}},
        {four("objective = 1"), {"controller.objective", "found 1"}},
        {four("objective = \"throughput\"\ncost_profile = \"paper\""),
         {"dir/s.toml:16:13: controller.objective = \"throughput\" has no formula in cost_profile "
          "\"paper\", which knows one sequence; give cost_profile = \"physical\" or objective = "
          "\"latency\""}},
        {four("cost_profile = \"paper\""), {}},
        {four("objective = \"latency\"\ncost_profile = \"paper\""), {}},
        {four("batch = 5"),
         {"dir/s.toml:16:9: controller.batch = 5 joins more turns than there are sequences in "
          "flight (workload.sequences = 4); give at most 4 or \"auto\""}},
        {four("batch = 4"), {}},
        {small_with("[controller]\nbatch = 2"), {"(workload.sequences = 1); give at most 1"}},
        {four("batch = 0"),
         {"controller.batch: expected a whole number from 1 on or \"auto\"; found 0"}},
        {four("batch = -1"), {"found -1"}},
        {four("batch = 1.0"), {"found 1.0"}},
        {four("batch = \"all\""), {"found \"all\""}},
        {four("sequences = 2"),
         {"unknown key 'sequences' in [controller]; it belongs to [workload]"}},
        // A wrong number of sequences does not cause an error about the batch.
        {small_with("[workload]\nsequences = 0\n[controller]\nbatch = 2"),
         {"workload.sequences", "found 0"}},
    };
}

std::vector<Wrong> wrong_devices_and_links() {
    const std::string link = "[[network.link]]\nlatency = 0\n";
    return {
        {small_with("[fleet]\nbandwidth_scale = 1e-9"),
         {"network.bandwidth is rounded down to 0 by its scale"}},
        {small_with("[fleet]\nlatency_scale = 1e12\n"), {}}, // 1 ms · 10¹² = 10¹⁸ ns: still right
        {replaced("\"1 ms\"", "\"2 ms\"") + "[fleet]\nlatency_scale = 1e12",
         {"network.latency is above 1e18 after its scale"}},
        {replaced("\"b\"", "\"a\""), {"device.1.name names two devices \"a\"; device 0 has"}},
        {replaced("\"b\"", "\"\""), {"device.1.name: expected a name of 1 to 64 bytes"}},
        {replaced("\"b\"", "\"x\\ny\""), {"without control characters"}},
        {replaced("\"b\"", "7"), {"device.1.name: expected a string; found 7"}},
        {in_device("count = 0"), {"device.1.count", "found 0"}},
        {in_device("count = 65536"), {"more than 65536 devices"}},
        {in_device("count = 2\nsource = true"), {"device.1.source = true needs count = 1"}},
        {in_device("load = 1.5"), {"device.1.load: expected a fraction from 0 to 1; found 1.5"}},
        {in_device("load = -0.1"), {"fraction"}},
        {in_device("load = nan"), {"fraction", "found nan"}},
        {in_device("load = \"half\""), {"a fraction from 0 to 1 or a table"}},
        {in_device("load = {}"), {"device.1.load.kind is missing"}},
        {in_device("load = { kind = \"sine\" }"),
         {"\"steps\", \"uniform\" or \"walk\"", "found \"sine\""}},
        {in_device("load = { kind = \"steps\", at = [0], value = [] }"), {"1 times for 0 values"}},
        {in_device("load = { kind = \"steps\", at = [], value = [] }"), {"0 times for 0 values"}},
        {in_device("load = { kind = \"steps\", at = [\"1 s\", \"1 s\"], value = [0, 1] }"),
         {"must increase"}},
        {in_device("load = { kind = \"steps\", at = [0, 5], value = [0, 1] }"),
         {"device.1.load.at.1: expected a duration"}},
        {in_device("load = { kind = \"steps\", at = [0], value = [2] }"),
         {"device.1.load.value.0: expected a fraction"}},
        {in_device("load = { kind = \"uniform\", low = 0.5, high = 0.5, period = \"1 s\" }"),
         {"low must be less than high"}},
        {in_device("load = { kind = \"uniform\", low = 0.1, high = 0.5, period = \"1 ns\" }"),
         {"period: expected at least 1 us"}},
        {in_device("load = { kind = \"uniform\", low = 0.1, high = 0.5 }"),
         {"device.1.load.period is missing"}},
        {in_device("load = { kind = \"uniform\", high = 0.5, period = \"1 s\" }"),
         {"device.1.load.low is missing"}},
        {in_device("load = { kind = \"walk\", low = 0, high = 0.5, period = \"1 s\" }"),
         {"device.1.load.step is missing"}},
        {in_device("load = { kind = \"walk\", low = 0, high = 0.5, step = 0.6, period = \"1 s\" }"),
         {"step must be above 0 and at most"}},
        {small_with(link + "from = \"a\"\nto = \"c\""),
         {"dir/s.toml:16:6: network.link.0.to names no device: \"c\"; did you mean \"a\"?"}},
        {small_with(link + "from = \"a\"\nto = \"laptop\""),
         {"dir/s.toml:16:6: network.link.0.to names no device: \"laptop\"; there are a, b"}},
        {in_device("count = 9") + link + "from = \"a\"\nto = \"laptop\"",
         {"there are a, b-1, b-2, b-3, b-4, b-5, b-6, b-7 and 2 more"}},
        {small_with("variation = 1"),
         {"dir/s.toml:13:13: network.variation = 1 leaves no bandwidth: no message would ever "
          "arrive"}},
        {in_device("load = \"50 %\""),
         {"dir/s.toml:10:8: device.1.load: expected a fraction from 0 to 1 or a table { kind = "
          "\"steps\", … }; found \"50 %\"; did you mean 0.5?"}},
        {in_device("load = { kind = \"uniform\", low = \"33.3%\", high = 0.5, period = \"1 s\" }"),
         {"device.1.load.low: expected a fraction from 0 to 1; found \"33.3%\"; did you mean "
          "0.333?"}},
        {in_device("load = { knid = \"uniform\", low = 0.1, high = 0.5, period = \"1 s\" }"),
         {"dir/s.toml:10:10: unknown key 'knid' in device.1.load; did you mean 'kind'?"}},
        {small_with(link + "from = \"a\"\nto = 2"), {"a device's name or index below 2; found 2"}},
        {small_with(link + "from = true\nto = 1"), {"a device's name or index; found true"}},
        {small_with(link + "from = \"a\"\nto = 0"),
         {"network.link.0.to is the device that the link comes from"}},
        {small_with(link + "from = \"a\""), {"network.link.0.to is missing"}},
        {small_with("[[network.link]]\nfrom = 0\nto = 1"), {"network.link.0.bandwidth is missing"}},
        {small_with(link + "from = 0\nto = 1\n" + link + "from = 1\nto = 0\nboth = false"),
         {"network.link.1.from and to repeat an earlier link"}},
    };
}

std::vector<Wrong> wrong_costs_of_devices() {
    return {
        {in_device("operation_overhead = \"1001 ms\""),
         {"dir/s.toml:10:22: device.1.operation_overhead: expected at most 1 s; found \"1001 "
          "ms\""}},
        {in_device("message_overhead = \"-1 ms\""), {"message_overhead", "not negative"}},
        {in_device("message_overhead = 3"), {"device.1.message_overhead: expected a duration"}},
        {std::string(kModel) + "[[device]]\ncompute = \"1 TFLOP/s\"\nmemory = \"1 GB\"\n"
                               "message_overhead = \"1 s\"\n[fleet]\ncompute_scale = 0.9e-9",
         {"dir/s.toml:5:20: device.0.message_overhead is above 1e18 after its scale in [fleet]"}},
        {in_device("rates = 3"),
         {"device.1.rates: expected a table, written [device.rates.TYPE]; found 3"}},
        {in_device("[device.rates.q4_9]\ncompute = \"1 GFLOP/s\""),
         {"dir/s.toml:10:15: unknown key 'q4_9' in [device.rates.TYPE]; did you mean 'q4_0'?"}},
        {in_device("[device.rates.q4_0]"),
         {"dir/s.toml:10:1: device.1.rates.q4_0.compute is missing; give compute, "
          "memory_bandwidth or prefill_compute"}},
        {in_device("[device.rates.q4_0]\ncomputes = \"1 GFLOP/s\""),
         {"unknown key 'computes' in [device.rates.q4_0]; did you mean 'compute'?"}},
        {in_device("[device.rates.q4_0]\ncompute = \"1 GB/s\""),
         {"device.1.rates.q4_0.compute: expected a computing speed"}},
        {in_device("[device.rates.q4_0]\nmemory_bandwidth = \"0 B/s\""),
         {"device.1.rates.q4_0.memory_bandwidth: expected at least 1 B/s"}},
        {in_device("[device.rates.f16]\nprefill_compute = \"9 FLOP/s\"") +
             "[fleet]\ncompute_scale = 0.1",
         {"dir/s.toml:11:19: device.1.rates.f16.prefill_compute is rounded down to 0 by its "
          "scale"}},
        {small_with("[rates.q4_0]\ncompute = \"1 GFLOP/s\""),
         {"they are written [device.rates.TYPE]"}},
    };
}

std::vector<Wrong> wrong_jitter_and_loss() {
    const auto jitter = [](std::string_view lines) {
        return small_with("[network.jitter]\n" + std::string(lines));
    };
    const std::string uniform = "kind = \"uniform\"\nlow = \"1 ms\"\n";
    const std::string walk = "kind = \"walk\"\nlow = 0\nhigh = \"9 ms\"\n";
    return {
        {small_with("loss = 1"),
         {"dir/s.toml:13:8: network.loss = 1 loses every message; give less"}},
        {small_with("loss = 1.5"), {"network.loss: expected a fraction from 0 to 1; found 1.5"}},
        {small_with("loss = \"1 %\""), {"network.loss", "did you mean 0.01?"}},
        {small_with("loss = 0.1"),
         {"dir/s.toml:10:1: network.retransmit_timeout is missing; loss needs it; give \"200 "
          "ms\""}},
        {small_with("loss = 0.1\nretransmit_timeout = 0"),
         {"network.retransmit_timeout: expected a duration above 0 if there is a loss; found 0"}},
        {small_with("loss = 0\nretransmit_timeout = 0"), {}},
        {small_with("jitter = \"1 ms\""),
         {"network.jitter: expected a table, written [network.jitter]; found \"1 ms\""}},
        {jitter(uniform + "high = \"0.9 ms\""),
         {"dir/s.toml:15:7: network.jitter.low must not be above high"}},
        {jitter(uniform + "high = \"1 ms\""), {}},
        {jitter(uniform), {"network.jitter.high is missing; give a duration"}},
        {jitter(uniform + "high = 3"), {"network.jitter.high: expected a duration"}},
        {jitter(uniform + "high = \"2 ms\"\nstep = \"1 ms\""),
         {"network.jitter.step is only for kind = \"walk\""}},
        {jitter(uniform + "high = \"2 ms\"\nperiod = \"1 ms\""),
         {"network.jitter.period is only for kind = \"walk\""}},
        {jitter("kind = \"steps\"\nlow = 0\nhigh = \"1 ms\""),
         {"network.jitter.kind: expected \"uniform\" or \"walk\"; found \"steps\""}},
        {jitter("low = 0\nhigh = \"1 ms\""), {"network.jitter.kind is missing"}},
        {jitter(walk + "step = \"1 ms\""), {"network.jitter.period is missing"}},
        {jitter(walk + "period = \"1 s\""), {"network.jitter.step is missing"}},
        {jitter(walk + "step = \"1 ms\"\nperiod = \"1 ns\""),
         {"network.jitter.period: expected at least 1 us"}},
        {jitter(walk + "step = \"10 ms\"\nperiod = \"1 s\""),
         {"network.jitter.step must be above 0 and at most"}},
        {jitter(walk + "step = 0\nperiod = \"1 s\""), {"network.jitter.step must be above 0"}},
        {jitter("kind = \"walk\"\nlow = 0\nhigh = 0\nstep = 0\nperiod = \"1 s\""),
         {"network.jitter.low must be less than high for a walk"}},
        {in_device("count = 64") + "[network.jitter]\n" + walk +
             "step = \"1 ms\"\nperiod = \"1 s\"",
         {"network.jitter.kind = \"walk\" works with at most 64 devices", "there are 65"}},
        {jitter(uniform + "high = \"1e9 s\"\n[fleet]\nlatency_scale = 10"),
         {"network.jitter.high is above 1e18 after its scale"}},
    };
}

std::vector<Wrong> wrong_media() {
    const auto medium = [](std::string_view members) {
        return in_device("count = 3") +
               fmt::format("[[network.medium]]\nmembers = {}\ncapacity = \"1 MB/s\"\n", members);
    };
    return {
        {medium("[0, \"b-1\"]"), {}},
        {medium("\"all\""), {}},
        {medium("[0]"), {"network.medium.0.members has 1 member; a medium needs at least 2"}},
        {medium("[]"), {"network.medium.0.members has 0 members"}},
        {medium("\"a\""), {"members: expected a list of devices, or \"all\"; found \"a\""}},
        {medium("[0, 1, \"a\"]"), {"network.medium.0.members.2 = \"a\": a is a member already"}},
        {medium("[0, \"b_1\"]"),
         {"dir/s.toml:15:15: network.medium.0.members.1 names no device: \"b_1\"; did you mean "
          "\"b-1\"?"}},
        {medium("[0, 4]"), {"a device's name or index below 4; found 4"}},
        {medium("[0, 1]") + "[[network.medium]]\nmembers = [2, 1]\ncapacity = \"1 MB/s\"",
         {"network.medium.1.members.1 = 1: b-1 is a member of network.medium.0 already"}},
        {medium("[0, 1]") + "[[network.medium]]\nmembers = \"all\"\ncapacity = \"1 MB/s\"",
         {"network.medium.1.members = \"all\": a is a member of network.medium.0 already"}},
        {small_with("[[network.medium]]\nmembers = [0, 1]"),
         {"network.medium.0.capacity is missing; give a data rate"}},
        {small_with("[[network.medium]]\ncapacity = \"1 MB/s\""),
         {"network.medium.0.members is missing; give a list of devices, or \"all\""}},
        {small_with("[[network.medium]]\nmembers = [0, 1]\ncapacity = \"0 B/s\""),
         {"network.medium.0.capacity: expected at least 1 B/s"}},
        {small_with("[[network.medium]]\nmember = [0, 1]\ncapacity = \"1 B/s\""),
         {"unknown key 'member' in [[network.medium]]; did you mean 'members'?"}},
        {small_with("[network.medium]\nmembers = [0, 1]\ncapacity = \"1 B/s\""),
         {"network.medium is one table; it is a list, each of it written [[network.medium]]"}},
        {small_with("[[medium]]\nmembers = [0, 1]"), {"is written [[network.medium]]"}},
        {in_device("count = 3") +
             "[[network.medium]]\nmembers = \"all\"\ncapacity = \"9 B/s\"\n[fleet]\n"
             "bandwidth_scale = 0.1\n",
         {"network.medium.0.capacity is rounded down to 0 by its scale"}},
    };
}

std::vector<Wrong> wrong_events() {
    return {
        {with_event("device = 0\nkind = \"compute\"\nfactor = 1"), {"event.0.at is missing"}},
        {with_event("at = 0\nat_token = 0\ndevice = 0\nkind = \"compute\"\nfactor = 1"),
         {"at_token and at exclude each other"}},
        {with_event("at = \"-1 s\"\ndevice = 0\nkind = \"compute\"\nfactor = 1"),
         {"event.0.at", "not negative"}},
        {with_event("at_token = -1\ndevice = 0\nkind = \"compute\"\nfactor = 1"),
         {"event.0.at_token"}},
        {with_event("at = 0\nkind = \"compute\"\nfactor = 1"), {"event.0.device is missing"}},
        {with_event("at = 0\ndevice = 0\nlink = [0, 1]\nkind = \"compute\"\nfactor = 1"),
         {"link and device exclude each other"}},
        {with_event("at = 0\nlink = [0]\nkind = \"latency\"\nfactor = 1"),
         {"expected two devices"}},
        {with_event("at = 0\nlink = [1, 1]\nkind = \"latency\"\nfactor = 1"),
         {"joins a device with itself"}},
        {with_event("at = 0\ndevice = \"phone\"\nkind = \"compute\"\nfactor = 1"),
         {"dir/s.toml:15:10: event.0.device names no device: \"phone\"; there are a, b"}},
        {with_event("at = 0\nlink = [\"a\", \"bb\"]\nkind = \"latency\"\nfactor = 1"),
         {"event.0.link.1 names no device: \"bb\"; did you mean \"b\"?"}},
        {with_event("at = 0\ndevice = 0\nkind = \"compute\"\nfactor = \"50 %\""),
         {"event.0.factor: expected a number from 0 up to 1000; found \"50 %\"; did you mean "
          "0.5?"}},
        {with_event("at = 0\ndevice = 0\nfactor = 1"), {"event.0.kind is missing"}},
        {with_event("at = 0\ndevice = 0\nkind = \"compute\""), {"event.0.factor is missing"}},
        {with_event("at = 0\ndevice = 0\nkind = \"compute\"\nfactor = -1"),
         {"event.0.factor: expected a number from 0 up to 1000"}},
        {with_event("at = 0\ndevice = 0\nkind = \"compute\"\nfactor = inf"), {"found inf"}},
        {with_event("at = 0\ndevice = 0\nkind = \"latency\"\nfactor = 1"),
         {"kind = \"latency\" needs a link"}},
        {with_event("at = 0\nlink = [0, 1]\nkind = \"memory\"\nfactor = 1"),
         {"kind = \"memory\" needs a device"}},
        {with_event("at = 0\ndevice = 0\nkind = \"storage_bandwidth\"\nfactor = 1"),
         {"but a has none to change"}},
        {with_event("at = 0\ndevice = 0\nkind = \"memory_bandwidth\"\nfactor = 1"),
         {"but a has none to change"}},
        {with_event("at = 0\ndevice = 0\nkind = \"memroy\"\nfactor = 1"),
         {"did you mean \"memory\"?"}},
        {with_event("at = 0\nlink = [0, 1]\nkind = \"latency\"\nfactor = 1\n[[event]]\nat = \"0 "
                    "s\"\nlink = [1, 0]\nkind = \"latency\"\nfactor = 2"),
         {"event.1.kind repeats an earlier event at the same moment"}},
    };
}

std::vector<Wrong> planned() {
    const std::string later = "is planned but not built yet; what works now: ";
    std::vector<Wrong> all{
        {std::string(kSmall) + "[model]\nfile = \"m\"\nkv_type = \"q4_0\"",
         {"model.kv_type = \"q4_0\" " + later + "\"f32\", \"f16\", \"bf16\" or \"q8_0\""}},
        {small_with("[controller]\nslices = 4"),
         {"controller.slices has no effect in granularity \"paper\""}},
        {small_with("[controller]\ngranularity = \"sliced\"\ncost_profile = \"paper\""),
         {"controller.granularity = \"sliced\" has no costs in cost_profile \"paper\""}},
        {small_with("[controller]\nmigration = \"live\""), {later + "\"stop\""}},
        {small_with("[clock]\nmode = \"native\""),
         {"clock.mode = \"native\" " + later + "\"virtual\" or \"paced\""}},
    };
    for (const std::string_view kind : {"leave", "return", "down"}) {
        all.push_back(
            {with_event(fmt::format("at = 0\ndevice = 0\nkind = \"{}\"", kind)),
             {fmt::format("event.0.kind = \"{}\" {}\"compute\"", kind, later)}}
        );
    }
    return all;
}

std::vector<Wrong> missing_parts() {
    return {
        {std::string(kSmall), {"dir/s.toml:1:1: model.file is missing; give file = "}},
        {std::string(kSmall) + "[model]\n", {"dir/s.toml:12:1: model.file is missing"}},
        {std::string(kSmall) + "[model]\nfile = \"\"", {"model.file is empty"}},
        {std::string(kModel), {"dir/s.toml:1:1: device is missing; give at least one [[device]]"}},
        {std::string(kModel) + "device = []", {"device is missing"}},
        {std::string(kModel) + "[[device]]\nmemory = \"1 B\"",
         {"dir/s.toml:2:1: device.0.compute is missing; give a value such as \"30 GFLOP/s\""}},
        {std::string(kModel) + "[[device]]\ncompute = \"1 FLOP/s\"",
         {"device.0.memory is missing"}},
        {replaced("bandwidth = \"8 Mbit/s\"\n", ""),
         {"dir/s.toml:10:1: network.bandwidth is missing"}},
        {replaced("latency = \"1 ms\"\n", ""), {"dir/s.toml:10:1: network.latency is missing"}},
    };
}

/// Checks that a wrong text has exactly one problem, whose message has all fragments.
void expect_told(const Wrong& wrong) {
    const std::vector<std::string> problems = problems_of(wrong.text);
    if (wrong.fragments.empty()) {
        EXPECT_THAT(problems, IsEmpty()) << wrong.text;
        return;
    }
    ASSERT_EQ(problems.size(), 1U) << wrong.text << testing::PrintToString(problems);
    EXPECT_THAT(problems[0], StartsWith("dir/s.toml:"));
    for (const std::string& fragment : wrong.fragments) {
        EXPECT_THAT(problems[0], HasSubstr(fragment)) << wrong.text;
    }
}

TEST(WrongInput, syntax_and_keys_are_reported) {
    for (const Wrong& wrong : wrong_syntax_and_keys()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, types_and_ranges_are_reported) {
    for (const Wrong& wrong : wrong_types_and_ranges()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, requests_are_reported) {
    for (const Wrong& wrong : wrong_requests()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, arrivals_are_reported) {
    for (const Wrong& wrong : wrong_arrivals()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, objectives_and_batches_are_reported) {
    for (const Wrong& wrong : wrong_objectives_and_batches()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, problems_of_a_workload_are_reported_together) {
    const std::vector<std::string> problems = problems_of(
        small_with("[workload]\nsequences = 0\nrepeat = 0\nprefill_chunk = 0\ntokens = [0]\n"
                   "arrivals = { poisson = 0 }\n[controller]\nobjective = \"x\"\nbatch = 0")
    );
    EXPECT_EQ(problems.size(), 7U) << testing::PrintToString(problems);
}

TEST(WrongInput, devices_and_links_are_reported) {
    for (const Wrong& wrong : wrong_devices_and_links()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, costs_of_devices_are_reported) {
    for (const Wrong& wrong : wrong_costs_of_devices()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, jitter_and_loss_are_reported) {
    for (const Wrong& wrong : wrong_jitter_and_loss()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, media_are_reported) {
    for (const Wrong& wrong : wrong_media()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, events_are_reported) {
    for (const Wrong& wrong : wrong_events()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, planned_features_are_named_as_such) {
    for (const Wrong& wrong : planned()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, missing_parts_are_reported) {
    for (const Wrong& wrong : missing_parts()) {
        expect_told(wrong);
    }
}

TEST(WrongInput, twin_the_texts_around_the_mistakes_are_valid) {
    EXPECT_THAT(problems_of(small_with("")), IsEmpty());
    EXPECT_THAT(problems_of(in_device("load = 0.5")), IsEmpty());
    EXPECT_THAT(problems_of(std::string(kEverything)), IsEmpty());
    EXPECT_THAT(
        problems_of(with_event("at = 0\ndevice = 0\nkind = \"compute\"\nfactor = 1")), IsEmpty()
    );
}

} // namespace
} // namespace headroom::config
