// The entry point for coverage-guided fuzzing with clang's libFuzzer: one program per target.
#include <cstdint>

#include "base/error.hpp"
#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        (void)headroom::fuzz::HEADROOM_FUZZ_TARGET(std::as_bytes(std::span(data, size)));
    } catch (const headroom::InputError&) { // refused, as it should be
    } catch (const headroom::EnvironmentError&) {
    }
    return 0;
}
