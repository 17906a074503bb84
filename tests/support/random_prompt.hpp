// Random prompts of letters and spaces. Some are empty, most are short, some take several cache
// pages.
#pragma once

#include <string>

#include "base/random.hpp"

namespace headroom::support {

[[nodiscard]] inline std::string random_prompt(Random& random) {
    std::string prompt;
    for (std::uint64_t n = random.below(random.below(3) == 0 ? 60 : 12); n > 0; --n) {
        prompt += random.below(5) == 0 ? ' ' : static_cast<char>('a' + random.below(26));
    }
    return prompt;
}

} // namespace headroom::support
