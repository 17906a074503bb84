#include "fuzz/targets.hpp"

#include "fuzz/driver.hpp"
#include "fuzz/inputs.hpp"

namespace headroom::fuzz {

const std::vector<Target>& targets() {
    static const std::vector<Target> all{
        {"gguf", fuzz_gguf, gguf_input},
        {"tokenizer", fuzz_tokenizer, tokenizer_input},
        {"scenario", fuzz_scenario, scenario_input},
#ifdef HEADROOM_FUZZ_TRACES
        {"trace", fuzz_trace, trace_input},
#endif
    };
    return all;
}

} // namespace headroom::fuzz
